"""Revocation (RFC 7009) and introspection (RFC 7662): each client of its own tokens only."""

import asyncio

import httpx
import pytest

from tests.support.app import App
from tests.support.browser_flow import AppRequest, refresh, tokens_of
from tests.support.oauth import SampleClient, graph_error, post_graph, post_token, registered
from tests.support.teams import SampleTeam

TASKS = "{ tasks { totalCount } }"


async def revoke(http: httpx.AsyncClient, client: SampleClient, token: str, **form: str) -> httpx.Response:
    if client.secret is None:
        return await http.post("/oauth/revoke", data={"client_id": client.client_id, "token": token, **form})
    return await http.post("/oauth/revoke", data={"token": token, **form}, auth=client.basic)


async def introspect(http: httpx.AsyncClient, client: SampleClient, token: str) -> httpx.Response:
    return await http.post("/oauth/introspect", data={"token": token}, auth=client.basic)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_revoked_token_ends_with_all_of_its_session(
    http: httpx.AsyncClient, public: SampleClient, email: str, which: str
) -> None:
    tokens = await tokens_of(http, AppRequest(public), email)
    ended = await revoke(http, public, tokens[which], token_type_hint=which)
    assert (ended.status_code, ended.json()) == (200, {})
    assert (await refresh(http, public, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    await asyncio.sleep(1.0)  # what was checked is believed for as long
    assert graph_error(await post_graph(http, tokens["access_token"], TASKS))["code"] == "UNAUTHENTICATED"
    assert (await revoke(http, public, tokens[which])).status_code == 200


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "00000000-0000-4000-8000-000000000000.x"])
async def test_what_is_no_token_is_as_good_as_revoked(http: httpx.AsyncClient, public: SampleClient, token: str) -> None:
    assert (await revoke(http, public, token)).status_code == 200


async def test_nobody_ends_what_is_anothers(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    tokens = await tokens_of(http, AppRequest(public), email)
    other = await registered(app, team.owner, team.team_id)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert (await revoke(http, other, token)).json()["error"] == "invalid_grant"
    unknown = SampleClient("", "00000000-0000-4000-8000-000000000000", None)
    assert (await revoke(http, unknown, tokens["refresh_token"])).json()["error"] == "invalid_client"
    assert (await refresh(http, public, tokens["refresh_token"])).status_code == 200


async def test_a_client_is_told_of_its_tokens(
    http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient, email: str
) -> None:
    tokens = await tokens_of(http, AppRequest(confidential), email)
    told = (await introspect(http, confidential, tokens["access_token"])).json()
    assert told["active"] is True
    assert (told["sub"], told["client_id"], told["scope"]) == (str(team.member.user.id), confidential.client_id, "TASKS_READ")
    assert told["token_type"] == "Bearer"
    assert told["exp"] - told["iat"] == 600
    refresh_token = (await introspect(http, confidential, tokens["refresh_token"])).json()
    assert refresh_token["active"] is True
    await revoke(http, confidential, tokens["refresh_token"])
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert (await introspect(http, confidential, token)).json() == {"active": False}


async def test_of_other_tokens_nobody_is_told(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, confidential: SampleClient, email: str
) -> None:
    tokens = await tokens_of(http, AppRequest(public), email)
    own = (await post_token(http, confidential, grant_type="client_credentials")).json()["access_token"]
    for token in (tokens["access_token"], tokens["refresh_token"], own, "nonsense", "hive_pat_x"):
        assert (await introspect(http, confidential, token)).json() == {"active": False}


async def test_introspection_is_for_those_who_keep_a_secret(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    tokens = await tokens_of(http, AppRequest(public), email)
    form = {"token": tokens["access_token"], "client_id": public.client_id}
    assert (await http.post("/oauth/introspect", data=form)).json()["error"] == "invalid_client"


async def test_a_request_without_a_token_is_invalid(http: httpx.AsyncClient, confidential: SampleClient) -> None:
    for path in ("/oauth/revoke", "/oauth/introspect"):
        response = await http.post(path, data={"token_type_hint": "access_token"}, auth=confidential.basic)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
        hinted = await http.post(path, data={"token": "x", "token_type_hint": "nonsense"}, auth=confidential.basic)
        assert hinted.status_code == 200  # RFC 7009, section 2.1: a hint is no more than that
