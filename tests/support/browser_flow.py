"""A person at a browser without JavaScript, who signs in and consents; and the app that sent them."""

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.support.oauth import SampleClient, post_token
from tests.support.sign_in import PASSWORD

CALLBACK = "https://app.example/callback"
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_FORM = re.compile(r'<form method="post" action="([^"]+)">(.*?)</form>', re.DOTALL)
"""Those for passkeys have more attributes, and need a script."""


@dataclass
class AppRequest:
    """What an app sends a person to the authorization server with, and what it keeps for itself."""

    client: SampleClient
    redirect_uri: str = CALLBACK
    scope: str | None = "TASKS_READ"
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    more: dict[str, str] = field(default_factory=dict)

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters; those of `more` take the place of the usual ones, and empty ones are left out."""
        usual = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope or "",
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | self.more).items() if value}

    @property
    def address(self) -> str:
        return f"/oauth/authorize?{urlencode(self.parameters)}"

    async def redeem(self, http: httpx.AsyncClient, code: str, **form: str) -> httpx.Response:
        """Ask for the tokens of a code."""
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return await post_token(http, self.client, **{name: value for name, value in (given | form).items() if value})


def form_of(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """Where the form of a page is sent, and its hidden fields."""
    form = _FORM.search(page.text)
    assert form is not None, page.text
    return html.unescape(form[1]), {name: html.unescape(value) for name, value in _FIELD.findall(form[2])}


async def submit(http: httpx.AsyncClient, page: httpx.Response, **fields: str) -> httpx.Response:
    """Send the form of a page, as a browser does."""
    action, hidden = form_of(page)
    headers = {"Origin": str(http.base_url).rstrip("/")}
    return await http.post(action, data=hidden | fields, headers=headers)


async def sign_in(http: httpx.AsyncClient, page: httpx.Response, email: str, password: str = PASSWORD) -> httpx.Response:
    """The page after the sign-in page."""
    answer = await submit(http, page, email=email, password=password)
    if answer.status_code != 303:
        return answer
    return await http.get(answer.headers["location"])


async def consent(http: httpx.AsyncClient, page: httpx.Response, decision: str = "allow") -> httpx.Response:
    """The way back to the app."""
    return await submit(http, page, decision=decision)


def returned(response: httpx.Response) -> dict[str, str]:
    """What the app is given back, in the query of its redirect URI."""
    assert response.status_code == 303, response.text
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


async def authorize(http: httpx.AsyncClient, request: AppRequest, email: str) -> str:
    """The code that an app is given after a person has signed in and consented."""
    page = await http.get(request.address)
    if "<h1>Sign in</h1>" in page.text:
        page = await sign_in(http, page, email)
    if page.status_code == 200:
        page = await consent(http, page)
    given = returned(page)
    assert "error" not in given, given
    assert given["state"] == request.state
    return given["code"]


async def tokens_of(http: httpx.AsyncClient, request: AppRequest, email: str) -> Any:
    """The tokens that an app is given after a person has signed in and consented."""
    response = await request.redeem(http, await authorize(http, request, email))
    assert response.status_code == 200, response.text
    return response.json()


async def refresh(http: httpx.AsyncClient, client: SampleClient, token: str, **form: str) -> httpx.Response:
    """A request to refresh."""
    return await post_token(http, client, grant_type="refresh_token", refresh_token=token, **form)
