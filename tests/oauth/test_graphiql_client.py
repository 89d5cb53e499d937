"""GraphiQL is an OAuth client of the server that every database has: no consent, all scopes, and nowhere to return to but its page."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from domain.actor import Scope
from domain.session import GRAPHIQL_CLIENT_ID
from resolvers import ids
from tests.support.app import App
from tests.support.browser_flow import AppRequest, refresh, returned, sign_in
from tests.support.graph_actions import mutation_text
from tests.support.oauth import ORIGIN, SampleClient, post_graph, post_token
from tests.support.teams import SampleTeam

GRAPHIQL = SampleClient("", str(GRAPHIQL_CLIENT_ID), None)


@pytest.fixture
def asked() -> AppRequest:
    """What the page asks for."""
    return AppRequest(GRAPHIQL, redirect_uri=f"{ORIGIN}/", scope=None)


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
    assert (await refresh(http, GRAPHIQL, tokens["refresh_token"])).status_code == 200
    # What locks people out needs a recent sign-in, which the page's is.
    missing = {"id": ids.encode("ExternalIdentity", GRAPHIQL_CLIENT_ID)}
    answer = await post_graph(http, tokens["access_token"], mutation_text("externalIdentityRemove"), input=missing)
    assert [each["code"] for each in answer.json()["data"]["externalIdentityRemove"]["errors"]] == ["NOT_FOUND"]


async def test_nobody_else_can_be_the_page(http: httpx.AsyncClient, asked: AppRequest) -> None:
    for uri in (
        "https://evil.example/",
        ORIGIN,
        f"{ORIGIN}/other",
        f"{ORIGIN}/?x=1",
        "http://127.0.0.1:9999/x",
        "http://localhost:8000/",
    ):
        page = await http.get(replace(asked, redirect_uri=uri).address)
        assert (page.status_code, "location" in page.headers) == (400, False), uri
    for grant in ("client_credentials", "urn:ietf:params:oauth:grant-type:device_code"):
        refused = await post_token(http, GRAPHIQL, grant_type=grant, device_code="x")
        assert refused.status_code in (400, 401)


async def test_it_belongs_to_nobody(app: App, team: SampleTeam) -> None:
    given = {"id": ids.encode("OAuthClient", GRAPHIQL_CLIENT_ID)}
    answer = (await app.execute(team.owner, mutation_text("oauthClientDelete"), input=given))["data"]["oauthClientDelete"]
    assert [each["code"] for each in answer["errors"]] == ["NOT_FOUND"]
    assert (await app.run(team.owner, "query ($id: ID!) { node(id: $id) { id } }", id=given["id"])) == {"node": None}
