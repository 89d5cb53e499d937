"""What conformance cases of the authorization server stand on: two clients, and a person who has signed in and consented."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import SecretStr

from app.application import create_app
from app.settings import Settings
from tests.support.app import App
from tests.support.browser_flow import AppRequest, authorize, returned
from tests.support.oauth import ORIGIN, SampleClient, post_token, registered
from tests.support.secret_key import SECRET_KEY
from tests.support.sign_in import PASSWORD
from tests.support.teams import SampleTeam, create_sample_team

SCOPE = "openid profile email TASKS_READ"
CALLBACK_WITH_QUERY = "https://app.example/callback?tenant=1"
Case = Callable[["Party"], Awaitable[None]]
Cases = dict[str, Case]


@dataclass(frozen=True)
class Suite:
    """What all cases share."""

    app: App
    transport: httpx.ASGITransport
    team: SampleTeam
    email: str
    public: SampleClient
    confidential: SampleClient
    cookies: httpx.Cookies
    """Of a browser in which the person has signed in and consented to what `SCOPE` says, for both clients."""

    @asynccontextmanager
    async def party(self) -> AsyncIterator["Party"]:
        """Browsers of one case."""
        async with self.browser(self.cookies) as person, self.browser(None) as stranger:
            yield Party(suite=self, person=person, stranger=stranger)

    def browser(self, cookies: httpx.Cookies | None) -> httpx.AsyncClient:
        """A browser, which is a program too where it sends no cookies."""
        return httpx.AsyncClient(transport=self.transport, base_url=ORIGIN, cookies=cookies, trust_env=False)


@dataclass(frozen=True)
class Party:
    """Who takes part in one case: a browser in which the person has signed in, and one in which nobody has."""

    suite: Suite
    person: httpx.AsyncClient
    stranger: httpx.AsyncClient

    @property
    def email(self) -> str:
        return self.suite.email

    @property
    def sub(self) -> str:
        """The person's subject identifier."""
        return str(self.suite.team.member.user.id)

    def request(self, client: SampleClient | None = None, **more: str) -> AppRequest:
        """A request of the public client, or of another; an empty parameter is left out."""
        return AppRequest(client or self.suite.public, scope=SCOPE, more=more)

    async def answer(self, request: AppRequest) -> dict[str, str]:
        """What comes back from a browser in which nothing is left to ask."""
        return returned(await self.person.get(request.address))

    async def code(self, request: AppRequest) -> str:
        """A code for the request."""
        given = await self.answer(request)
        assert given.keys() == {"code", "state", "iss"}, given
        assert (given["state"], given["iss"]) == (request.state, ORIGIN)
        return given["code"]

    async def tokens(self, client: SampleClient | None = None, **more: str) -> Any:
        """The tokens that a request leads to."""
        request = self.request(client, **more)
        response = await request.redeem(self.stranger, await self.code(request))
        assert response.status_code == 200, response.text
        return response.json()

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token says, whose signature is that of a published key."""
        keys = KeySet.import_key_set((await self.stranger.get("/.well-known/jwks.json")).json())
        return dict(jwt.decode(token, keys, algorithms=["ES256"]).claims)

    async def userinfo(self, access_token: str, method: str = "GET") -> httpx.Response:
        return await self.stranger.request(method, "/oauth/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    async def refused(self, code: str, **more: Any) -> None:
        """A request is refused with an error that the app is told, and with no code."""
        request = self.request(**more)
        given = await self.answer(request)
        assert (given["error"], given["state"], given["iss"]) == (code, request.state, ORIGIN)
        assert "code" not in given

    async def shown(self, **more: Any) -> None:
        """A request is refused by a page that leads nowhere."""
        page = await self.person.get(self.request(**more).address)
        assert page.status_code == 400
        assert "location" not in page.headers
        assert "<form" not in page.text

    async def token_error(self, client: SampleClient | None, error: str, status: int = 400, **form: str) -> None:
        """The token endpoint refuses a request."""
        response = await post_token(self.stranger, client, **form)
        assert (response.status_code, response.json().get("error")) == (status, error), response.text
        assert response.headers["cache-control"] == "no-store"
        assert "access_token" not in response.text

    async def asks_sign_in(self, **more: Any) -> httpx.Response:
        """A request asks the person to sign in, though they have; the page."""
        page = await self.person.get(self.request(**more).address)
        assert page.status_code == 200
        assert "<h1>Sign in</h1>" in page.text
        return page


@asynccontextmanager
async def open_suite(app: App) -> AsyncIterator[Suite]:
    """One application for all cases; the person signs in and consents once."""
    asgi = create_app(app.resources, Settings(secret_key=SecretStr(SECRET_KEY))).asgi
    team = await create_sample_team(app)
    hashed = await app.resources.services.passwords.hash(PASSWORD)
    await app.sql.execute("UPDATE users SET password_hash = $2 WHERE id = $1", team.member.user.id, hashed)
    callbacks = ["https://app.example/callback", CALLBACK_WITH_QUERY]
    grants = ["AUTHORIZATION_CODE", "REFRESH_TOKEN"]
    suite = Suite(
        app=app,
        transport=httpx.ASGITransport(app=asgi),
        team=team,
        email=team.member.user.email_address,
        public=await registered(app, team.owner, team.team_id, isPublic=True, grants=grants, redirectUris=callbacks),
        confidential=await registered(app, team.owner, team.team_id, redirectUris=callbacks),
        cookies=httpx.Cookies(),
    )
    async with suite.browser(None) as browser:
        for client in (suite.public, suite.confidential):
            await authorize(browser, AppRequest(client, scope=SCOPE), suite.email)
        suite.cookies.update(browser.cookies)
    yield suite
