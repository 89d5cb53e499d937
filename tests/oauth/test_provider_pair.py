"""One server of ours signs people in through another: over real sockets, each with a database of its own."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from auth.providers.port import ProviderSettings
from auth.providers.provider import OpenIDProvider
from tests.oauth.test_sign_in_docs import create_client
from tests.support.app import App
from tests.support.browser_flow import AppRequest, consent, returned, sign_in
from tests.support.oauth import ORIGIN, front_door, registered
from tests.support.openid_provider import go_to_provider
from tests.support.server_process import PASSWORD, Client, ServerProcess, register_user
from tests.support.teams import SampleTeam

pytestmark = pytest.mark.slow
_CALLBACK = f"{ORIGIN}/oauth/providers/hive/callback"
REGISTER = "mutation ($input: UserRegisterInput!) { userRegister(input: $input) { developmentLinks errors { code } } }"
VERIFY = "mutation ($input: TokenInput!) { emailVerify(input: $input) { errors { code } } }"


async def test_whoever_has_verified_their_address_there_signs_in_here(server: ServerProcess, app: App, team: SampleTeam) -> None:
    owner = await register_user(server)
    given = await create_client(owner, isPublic=False, redirectUris=[_CALLBACK], grants=["AUTHORIZATION_CODE"])
    settings = ProviderSettings(
        id="hive", name="Hive", issuer=server.url, client_id=given["oauthClient"]["clientId"], client_secret=given["secret"]
    )
    public = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"])
    email = f"{uuid4()}@example.com"
    fields = {"email": email, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}
    stranger = Client(server)
    (link,) = (await stranger.run(REGISTER, input=fields))["userRegister"]["developmentLinks"]
    provider = OpenIDProvider(settings, redirect_uri=_CALLBACK)
    async with front_door(App(replace(app.resources, providers=[provider]), app.sql)) as http:
        page = await _through(http, server, AppRequest(public), email)
        assert "does not say that your e-mail address is yours" in page.text
        (token,) = re.findall(r"token=(.+)$", link)
        assert (await stranger.run(VERIFY, input={"token": token}))["emailVerify"]["errors"] == []
        request = AppRequest(public)
        page = await _through(http, server, request, email)
        code = returned(await consent(http, page))["code"]
        assert (await request.redeem(http, code)).status_code == 200
    await provider.aclose()
    await stranger.close()
    await owner.close()
    row = await app.sql.fetchrow("SELECT first_name, email_verified_at IS NOT NULL FROM users WHERE email = $1", email)
    assert tuple(row or ()) == ("Ada", True)


async def _through(http: httpx.AsyncClient, server: ServerProcess, request: AppRequest, email: str) -> Any:
    """The page here, after signing in there."""
    address = await go_to_provider(http, await http.get(request.address), "hive")
    assert address.startswith(f"{server.url}/oauth/authorize?")
    async with httpx.AsyncClient(base_url=server.url) as there:
        page = await sign_in(there, await there.get(address), email, PASSWORD)
        page = await consent(there, page) if page.status_code == 200 else page
        back = urlsplit(page.headers["location"])
    answer = await http.get(f"{back.path}?{back.query}")
    return await http.get(answer.headers["location"]) if answer.status_code == 303 else answer
