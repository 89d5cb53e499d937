"""People sign in through an independent provider: oidc-provider of npm."""

import asyncio
import html
import os
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from auth.providers.port import ProviderSettings
from auth.providers.provider import OpenIDProvider
from tests.support.app import App
from tests.support.backing_services import free_port
from tests.support.browser_flow import AppRequest, consent, returned
from tests.support.oauth import ORIGIN, SampleClient, front_door, post_graph, registered
from tests.support.openid_provider import go_to_provider
from tests.support.sign_in import unused_email
from tests.support.teams import SampleTeam

pytestmark = pytest.mark.clients
_PROGRAM = Path(__file__).parent
_SECRET = "a secret that is long enough"


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[str]:
    """The provider, installed from the lock file where it is not."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("oidc-provider needs Node 20 or newer, with npm.")
    environment = {"PATH": os.environ["PATH"], "HOME": str(Path.home())}  # noqa: TID251
    if not (_PROGRAM / "node_modules").exists():
        installing = await asyncio.create_subprocess_exec(
            npm, "ci", "--no-audit", "--no-fund", "--prefer-offline", cwd=_PROGRAM, env=environment
        )
        assert await installing.wait() == 0
    port = free_port()
    environment |= {"PORT": str(port), "CLIENT_ID": "hive", "CLIENT_SECRET": _SECRET}
    environment["REDIRECT_URI"] = f"{ORIGIN}/oauth/providers/independent/callback"
    process = await asyncio.create_subprocess_exec(
        node, "provider.mjs", cwd=_PROGRAM, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"listening\n"
    yield f"http://127.0.0.1:{port}"
    process.kill()
    await process.wait()


@pytest.fixture
async def http(app: App, issuer: str) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to the application, which knows the provider."""
    given = ProviderSettings(id="independent", name="Independent", issuer=issuer, client_id="hive", client_secret=_SECRET)
    provider = OpenIDProvider(given, redirect_uri=f"{ORIGIN}/oauth/providers/independent/callback")
    async with front_door(App(replace(app.resources, providers=[provider]), app.sql)) as client:
        yield client
    await provider.aclose()


@pytest.fixture
async def public(app: App, team: SampleTeam) -> SampleClient:
    """An app in a browser."""
    return await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"], scopes=["PROFILE_READ"])


async def _sign_in_there(address: str, login: str) -> str:
    """Through the pages of the provider: the address that it sends the person back to."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(address)
        while True:
            if answer.is_redirect:
                location = urljoin(str(answer.url), answer.headers["location"])
                if location.startswith(ORIGIN):
                    return location
                answer = await browser.get(location)
                continue
            (action,) = re.findall(r'action="([^"]+)"', answer.text)
            fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
            if fields["prompt"] == "login":
                fields |= {"login": login, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), html.unescape(action)), data=fields)


async def _come_back(http: httpx.AsyncClient, client: SampleClient, login: str) -> tuple[AppRequest, httpx.Response]:
    request = AppRequest(client, scope="PROFILE_READ")
    address = await go_to_provider(http, await http.get(request.address), "independent")
    back = urlsplit(await _sign_in_there(address, login))
    answer = await http.get(f"{back.path}?{back.query}")
    return request, await http.get(answer.headers["location"]) if answer.status_code == 303 else answer


async def test_a_person_signs_in_through_an_independent_provider(http: httpx.AsyncClient, app: App, public: SampleClient) -> None:
    login = unused_email().partition("@")[0].lower()
    request, page = await _come_back(http, public, login)
    given = returned(await consent(http, page))
    tokens = (await request.redeem(http, given["code"])).json()
    answer = await post_graph(http, tokens["access_token"], "{ viewer { firstName lastName } }")
    assert answer.json()["data"] == {"viewer": {"firstName": "Grace", "lastName": "Hopper"}}
    assert await app.sql.fetchval("SELECT email FROM external_identities WHERE subject = $1", login) == f"{login}@example.com"


async def test_an_address_that_it_has_not_verified_signs_nobody_in(
    http: httpx.AsyncClient, app: App, public: SampleClient
) -> None:
    login = "unverified-" + unused_email().partition("@")[0].lower()
    _, page = await _come_back(http, public, login)
    assert (page.status_code, "does not say that your e-mail address is yours" in page.text) == (401, True)
    assert await app.sql.fetchval("SELECT count(*) FROM users WHERE email = $1", f"{login}@example.com") == 0
