"""An outside OpenID provider for tests, which lies as it is told, and the way of a browser there and back."""

import asyncio
import base64
import hashlib
import html
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import httpx2
import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.providers.port import ProviderSettings
from auth.providers.provider import OpenIDProvider
from tests.support.app import App
from tests.support.browser_flow import AppRequest, submit
from tests.support.oauth import ORIGIN, SampleClient, front_door
from tests.support.sign_in import unused_email

ISSUER = "https://id.example"
CLIENT_ID, CLIENT_SECRET = "hive", "provider-secret"


def _new_key(number: int) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": f"key {number}", "use": "sig", "alg": "ES256"})


@dataclass
class FakeProvider:
    """What it says. `claims` are laid over those of a good ID token (None leaves one out), `metadata` over what it says of itself;
    `answers` stand in place of the answer of a path."""

    issuer: str = ISSUER
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Response] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signs_with: Key | None = None
    delay_seconds: float = 0.0
    keys: list[ECKey] = field(default_factory=lambda: [_new_key(0)])
    asked: list[str] = field(default_factory=list)
    requests: dict[str, dict[str, str]] = field(default_factory=dict)  # by code, each for one use

    def rotate(self) -> None:
        """Sign with a new key, and forget the old ones."""
        self.keys = [_new_key(len(self.asked) + 1)]

    def authorize(self, address: str) -> dict[str, str]:
        """Sign somebody in who was sent to this address: the parameters that they come back with."""
        url = urlsplit(address)
        assert f"{url.scheme}://{url.netloc}{url.path}" == f"{self.issuer}/authorize"
        asked = {name: values[0] for name, values in parse_qs(url.query, strict_parsing=True).items()}
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT_ID, "S256")
        assert "openid" in asked["scope"].split()
        code = f"code {len(self.requests)}"
        self.requests[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    @property
    def app(self) -> Starlette:
        paths = {
            "/.well-known/openid-configuration": self._discover,
            "/keys": self._list_keys,
            "/token": self._redeem,
            "/userinfo": self._tell,
        }
        return Starlette(routes=[Route(path, self._answer(answer), methods=["GET", "POST"]) for path, answer in paths.items()])

    def _answer(self, answer: Any) -> Any:
        async def run(request: Request) -> Response:
            self.asked.append(request.url.path)
            await asyncio.sleep(self.delay_seconds)
            known = self.answers.get(request.url.path)
            return known if known is not None else await answer(request)

        return run

    async def _discover(self, request: Request) -> Response:
        endpoints = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
            "userinfo_endpoint": "userinfo",
        }
        said = {
            "issuer": self.issuer,
            **{name: f"{self.issuer}/{path}" for name, path in endpoints.items()},
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(said | self.metadata)

    async def _list_keys(self, request: Request) -> Response:
        return JSONResponse(KeySet([*self.keys]).as_dict(private=False))

    async def _redeem(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), strict_parsing=True))
        asked = self.requests.pop(form["code"], None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "access", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])})

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "ada", "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in (usual | self.claims).items() if value is not None}
        header = {"alg": "ES256", "kid": self.keys[0].kid} | self.header
        if header["alg"] == "none":  # which the library does not write
            parts = [base64.urlsafe_b64encode(orjson.dumps(each)).rstrip(b"=").decode() for each in (header, claims)]
            return ".".join([*parts, ""])
        algorithms = [str(header["alg"])]
        return jwt.encode(header, claims, self.signs_with or self.keys[0], algorithms=algorithms)

    async def _tell(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer access"
        return JSONResponse({"sub": self.claims.get("sub", "ada")} | self.userinfo)


@asynccontextmanager
async def door_with_provider(
    app: App, fake: FakeProvider, *, name: str = "Example", timeout_seconds: float = 5.0, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to the application, which knows a provider that is reached without a socket."""
    given = ProviderSettings(id=name.lower(), name=name, issuer=fake.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    provider = OpenIDProvider(
        given,
        redirect_uri=f"{ORIGIN}/oauth/providers/{given.id}/callback",
        transport=httpx2.ASGITransport(fake.app),
        timeout_seconds=timeout_seconds,
    )
    async with front_door(App(replace(app.resources, providers=[provider]), app.sql), **settings) as http:
        yield http


def address_of(page: httpx.Response) -> str:
    """Where a page leads that sends people to a provider."""
    assert page.status_code == 200, page.text
    (refresh,) = re.findall(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page.text)
    (link,) = re.findall(r'<a href="([^"]+)">Go on</a>', page.text)
    assert refresh == link
    return html.unescape(link)


async def go_to_provider(http: httpx.AsyncClient, page: httpx.Response, provider: str = "example") -> str:
    """From the sign-in page: the address of the provider."""
    assert f'name="provider" value="{provider}"' in page.text
    return address_of(await submit(http, page, provider=provider, step=""))


async def come_back(http: httpx.AsyncClient, given: Mapping[str, str], provider: str = "example") -> httpx.Response:
    """From a provider."""
    return await http.get(f"/oauth/providers/{provider}/callback?{urlencode(given)}")


def identity(**claims: Any) -> FakeProvider:
    """A provider that has verified an address of somebody new."""
    return FakeProvider(
        claims={
            "sub": unused_email(),
            "email": unused_email(),
            "email_verified": True,
            "given_name": "Ada",
            "family_name": "Lovelace",
        }
        | claims
    )


def asking(client: SampleClient, **more: str) -> AppRequest:
    """What the app asks for."""
    return AppRequest(client, scope="PROFILE_READ PROFILE_WRITE", more=more)


async def sign_in_through(http: httpx.AsyncClient, fake: FakeProvider, request: AppRequest) -> httpx.Response:
    """The page after coming back from the provider."""
    address = await go_to_provider(http, await http.get(request.address))
    answer = await come_back(http, fake.authorize(address))
    return await http.get(answer.headers["location"]) if answer.status_code == 303 else answer
