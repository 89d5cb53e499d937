"""Outside OpenID providers that are down, slow or broken are a page that says so, and sign nobody in."""

from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.support.app import App
from tests.support.browser_flow import submit
from tests.support.graph_actions import table_states
from tests.support.oauth import SampleClient, registered
from tests.support.openid_provider import asking, come_back, door_with_provider, go_to_provider, identity, sign_in_through
from tests.support.teams import SampleTeam


@pytest.fixture
async def client(app: App, team: SampleTeam) -> SampleClient:
    """An app in a browser that may read and change profiles."""
    scopes = ["PROFILE_READ", "PROFILE_WRITE"]
    return await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"], scopes=scopes)


_DISCOVERY = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (_DISCOVERY, PlainTextResponse("", 500)),
        (_DISCOVERY, PlainTextResponse("<html>")),
        (_DISCOVERY, JSONResponse(["x"])),
        (_DISCOVERY, JSONResponse({"issuer": "https://evil.example"})),
        (_DISCOVERY, RedirectResponse("https://evil.example/", 302)),
        (_DISCOVERY, PlainTextResponse('{"issuer": "' + "x" * 1_000_000)),
        ("/keys", JSONResponse({"keys": []})),
        ("/keys", JSONResponse({"keys": [{"kty": "?"}, 5]})),
        ("/keys", PlainTextResponse("", 404)),
        ("/token", PlainTextResponse("gateway", 502)),
        ("/token", JSONResponse(5)),
        ("/token", RedirectResponse("https://evil.example/", 307)),
        ("/userinfo", PlainTextResponse("", 500)),
    ],
    ids=lambda value: bytes(value.body)[:20].decode() or str(value.status_code) if isinstance(value, Response) else value,
)
async def test_a_broken_provider_is_a_page_that_says_so(app: App, client: SampleClient, path: str, answer: Response) -> None:
    before = await table_states(app)
    fake = identity(email=None)
    fake.answers[path] = answer
    async with door_with_provider(app, fake) as http:
        page = await http.get(asking(client).address)
        page = (
            await submit(http, page, provider="example", step="")
            if path == _DISCOVERY
            else await sign_in_through(http, fake, asking(client))
        )
        assert (page.status_code, "Example does not answer now." in page.text) == (503, True)
        assert "<h1>Sign in</h1>" in page.text
    assert await table_states(app) == before


@pytest.mark.parametrize(
    "metadata",
    [
        {"authorization_endpoint": "http://id.example/authorize"},
        {"token_endpoint": None},
        {"jwks_uri": "javascript:alert(1)"},
        {"userinfo_endpoint": 5},
    ],
)
async def test_endpoints_without_tls_are_not_used(app: App, client: SampleClient, metadata: dict[str, Any]) -> None:
    fake = identity()
    fake.metadata = metadata
    async with door_with_provider(app, fake) as http:
        page = await submit(http, await http.get(asking(client).address), provider="example", step="")
        assert page.status_code == 503


async def test_a_provider_that_hangs_is_given_up_in_time(app: App, client: SampleClient) -> None:
    fake = identity()
    async with door_with_provider(app, fake, timeout_seconds=0.2) as http:
        address = await go_to_provider(http, await http.get(asking(client).address))
        fake.delay_seconds = 60.0
        page = await come_back(http, fake.authorize(address))
        assert (page.status_code, "Example does not answer now." in page.text) == (503, True)
