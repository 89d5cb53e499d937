"""The server's own pages are OAuth clients that every database has: no consent, all scopes, nowhere to return to but their page."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.actor import Scope
from domain.session import FIRST_PARTY_PATHS
from resolvers import ids
from tests.support.app import App
from tests.support.browser_flow import AppRequest, refresh, returned, sign_in
from tests.support.graph_actions import mutation_text
from tests.support.oauth import ORIGIN, SampleClient, post_graph, post_token
from tests.support.teams import SampleTeam

PAGES = list(FIRST_PARTY_PATHS.items())


@pytest.fixture(params=PAGES, ids=[path for _, path in PAGES])
def asked(request: pytest.FixtureRequest) -> AppRequest:
    """What one of the pages asks for."""
    client_id, path = request.param
    return AppRequest(SampleClient("", str(client_id), None), redirect_uri=f"{ORIGIN}{path}", scope=None)


async def tokens_of(http: httpx.AsyncClient, asked: AppRequest, email: str) -> Any:
    """The tokens of somebody who signs in."""
    given = returned(await sign_in(http, await http.get(asked.address), email))
    return (await asked.redeem(http, given["code"])).json()


async def test_the_page_signs_somebody_in_without_consent_and_with_all_scopes(
    http: httpx.AsyncClient, asked: AppRequest, email: str
) -> None:
    tokens = await tokens_of(http, asked, email)
    assert set(tokens["scope"].split()) == {str(each) for each in Scope}
    # Whoever is signed in to the browser comes back at once, as after a reload of the page.
    again = returned(await http.get(replace(asked, more={"prompt": "none"}).address))
    assert set(again) == {"code", "state", "iss"}
    assert (await refresh(http, asked.client, tokens["refresh_token"])).status_code == 200
    # What locks people out needs a recent sign-in, which the page's is.
    missing = {"id": ids.encode("ExternalIdentity", UUID(asked.client.client_id))}
    answer = await post_graph(http, tokens["access_token"], mutation_text("externalIdentityRemove"), input=missing)
    assert [each["code"] for each in answer.json()["data"]["externalIdentityRemove"]["errors"]] == ["NOT_FOUND"]


async def test_nobody_else_can_be_the_page(http: httpx.AsyncClient, asked: AppRequest) -> None:
    others = {f"{ORIGIN}{path}" for path in FIRST_PARTY_PATHS.values()} - {asked.redirect_uri}
    for uri in (
        *others,
        "https://evil.example/",
        "https://evil.example/app",
        ORIGIN,
        f"{ORIGIN}/other",
        f"{ORIGIN}/app/",
        f"{ORIGIN}/app/tasks/ENG-1",
        f"{asked.redirect_uri}?x=1",
        asked.redirect_uri.replace("8000", "9999"),  # any port of this machine is as good only for programs without a server
        asked.redirect_uri.replace("127.0.0.1", "localhost"),
        asked.redirect_uri.replace("http:", "HTTP:"),
    ):
        page = await http.get(replace(asked, redirect_uri=uri).address)
        assert (page.status_code, "location" in page.headers) == (400, False), uri
    for grant in ("client_credentials", "urn:ietf:params:oauth:grant-type:device_code"):
        refused = await post_token(http, asked.client, grant_type=grant, device_code="x")
        assert refused.status_code in (400, 401)


async def test_what_one_page_was_given_is_nothing_to_another(http: httpx.AsyncClient, email: str, asked: AppRequest) -> None:
    (other,) = {str(each) for each in FIRST_PARTY_PATHS} - {asked.client.client_id}
    tokens = await tokens_of(http, asked, email)
    refused = await refresh(http, SampleClient("", other, None), tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await refresh(http, asked.client, tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("client_id", FIRST_PARTY_PATHS)
async def test_they_belong_to_nobody(app: App, team: SampleTeam, client_id: UUID) -> None:
    given = {"id": ids.encode("OAuthClient", client_id)}
    answer = (await app.execute(team.owner, mutation_text("oauthClientDelete"), input=given))["data"]["oauthClientDelete"]
    assert [each["code"] for each in answer["errors"]] == ["NOT_FOUND"]
    assert (await app.run(team.owner, "query ($id: ID!) { node(id: $id) { id } }", id=given["id"])) == {"node": None}
