"""Refresh tokens of apps: rotation, reuse, the grace of the predecessor, and what ends them (RFC 9700, section 4.14)."""

import asyncio

import httpx
import pytest

from tests.support.app import App
from tests.support.browser_flow import AppRequest, refresh, tokens_of
from tests.support.oauth import SampleClient, graph_error, post_graph, registered
from tests.support.teams import SampleTeam

TASKS = "{ tasks { totalCount } }"
REFRESH = "mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { errors { code } tokens { accessToken } } }"


async def age_last_rotation(app: App, client: SampleClient, seconds: float) -> None:
    """Make the last rotation of a client's sessions as old as that."""
    move = "UPDATE sessions SET rotated_at = rotated_at - make_interval(secs => $2) WHERE client_id = $1"
    await app.sql.execute(move, client.client_id, seconds)


async def active_sessions(app: App, client: SampleClient) -> int:
    """How many sessions of a client are open."""
    found: int = await app.sql.fetchval(
        "SELECT count(*) FROM sessions WHERE client_id = $1 AND revoked_at IS NULL", client.client_id
    )
    return found


async def test_a_refresh_replaces_the_token(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    second = (await refresh(http, public, first["refresh_token"])).json()
    assert second.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == "TASKS_READ"
    assert "errors" not in (await post_graph(http, second["access_token"], TASKS)).json()
    assert (await refresh(http, public, second["refresh_token"])).status_code == 200


async def test_the_immediate_predecessor_gets_the_same_successor_for_ten_seconds(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    second = (await refresh(http, public, first["refresh_token"])).json()
    await age_last_rotation(app, public, 8)
    again = (await refresh(http, public, first["refresh_token"])).json()
    assert again["refresh_token"] == second["refresh_token"]
    assert (await refresh(http, public, second["refresh_token"])).status_code == 200


@pytest.mark.parametrize("is_public", [True, False], ids=["public", "confidential"])
async def test_a_token_that_was_replaced_ends_the_session(
    app: App, http: httpx.AsyncClient, email: str, public: SampleClient, confidential: SampleClient, is_public: bool
) -> None:
    """oidcc-refresh-token."""
    chosen = public if is_public else confidential
    first = await tokens_of(http, AppRequest(chosen), email)
    second = (await refresh(http, chosen, first["refresh_token"])).json()
    await age_last_rotation(app, chosen, 11)
    reused = await refresh(http, chosen, first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert await active_sessions(app, chosen) == 0
    assert (await refresh(http, chosen, second["refresh_token"])).json()["error"] == "invalid_grant"
    await asyncio.sleep(1.0)
    assert graph_error(await post_graph(http, second["access_token"], TASKS))["code"] == "UNAUTHENTICATED"


async def test_an_older_token_ends_the_session_even_within_the_grace(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    second = (await refresh(http, public, first["refresh_token"])).json()
    await refresh(http, public, second["refresh_token"])
    assert (await refresh(http, public, first["refresh_token"])).json()["error"] == "invalid_grant"
    assert await active_sessions(app, public) == 0


async def test_what_never_was_a_token_of_the_session_ends_nothing(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    head, _, secret = first["refresh_token"].partition(".")
    for guess in (f"{head}.", f"{head}.x", f"{head}.{secret[:-4]}AAAA", f"{head}.{'A' * len(secret)}", "x", "", f"{head}.é"):
        response = await refresh(http, public, guess)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant" if guess else "invalid_request")
    assert (await refresh(http, public, first["refresh_token"])).status_code == 200


async def test_a_token_is_for_its_client(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    other = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE", "REFRESH_TOKEN"])
    assert (await refresh(http, other, first["refresh_token"])).json()["error"] == "invalid_grant"
    assert await active_sessions(app, public) == 1
    assert (await refresh(http, public, first["refresh_token"])).status_code == 200


async def test_another_client_that_presents_a_replaced_token_ends_nothing(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    second = (await refresh(http, public, first["refresh_token"])).json()
    await age_last_rotation(app, public, 11)
    other = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE", "REFRESH_TOKEN"])
    assert (await refresh(http, other, first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await refresh(http, public, second["refresh_token"])).status_code == 200


async def test_a_confidential_client_authenticates_itself(
    http: httpx.AsyncClient, confidential: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(confidential), email)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert (await http.post("/oauth/token", data=form | {"client_id": confidential.client_id})).json()[
        "error"
    ] == "invalid_client"
    assert (await http.post("/oauth/token", data=form, auth=(confidential.client_id, "wrong"))).status_code == 401
    assert (await refresh(http, confidential, first["refresh_token"])).status_code == 200


async def test_a_refresh_may_ask_for_less_and_not_for_more(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    first = await tokens_of(http, AppRequest(public, scope="TASKS_READ PROJECTS_READ"), email)
    less = (await refresh(http, public, first["refresh_token"], scope="PROJECTS_READ")).json()
    assert less["scope"] == "PROJECTS_READ"
    assert graph_error(await post_graph(http, less["access_token"], TASKS))["scope"] == "TASKS_READ"
    more = await refresh(http, public, less["refresh_token"], scope="PROJECTS_READ TASKS_WRITE")
    assert more.json()["error"] == "invalid_scope"
    whole = (await refresh(http, public, less["refresh_token"])).json()
    assert whole["scope"] == "TASKS_READ PROJECTS_READ"


async def test_a_refresh_for_something_else_is_refused_and_replaces_nothing(
    http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    refused = await refresh(http, public, first["refresh_token"], resource="https://evil.example")
    assert refused.json()["error"] == "invalid_target"
    again = await refresh(http, public, first["refresh_token"], resource="http://127.0.0.1:8000/graphql")
    assert again.status_code == 200


async def test_the_token_of_an_app_is_none_of_the_graphs_and_the_other_way_round(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    payload = (await app.run(None, REFRESH, input={"refreshToken": first["refresh_token"]}))["sessionRefresh"]
    assert payload == {"errors": [{"code": "UNAUTHENTICATED"}], "tokens": None}
    assert (await refresh(http, public, first["refresh_token"])).status_code == 200


async def test_a_suspended_person_gets_no_more_tokens(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    await app.sql.execute("UPDATE users SET status = 'INACTIVE' WHERE id = $1", team.member.user.id)
    assert (await refresh(http, public, first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_expired_session_gets_no_more_tokens(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    first = await tokens_of(http, AppRequest(public), email)
    await app.sql.execute("UPDATE sessions SET expires_at = now() WHERE client_id = $1", public.client_id)
    assert (await refresh(http, public, first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_concurrent_refreshes_leave_one_successor(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    await _race(app, http, public, email, refreshes=60)


@pytest.mark.slow
async def test_hundreds_of_concurrent_refreshes_leave_one_successor(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    await _race(app, http, public, email, refreshes=300)


async def _race(app: App, http: httpx.AsyncClient, client: SampleClient, email: str, *, refreshes: int) -> None:
    """Refresh with one token many times at once, 50 at a time: all are given one and the same successor, or none."""
    first = await tokens_of(http, AppRequest(client), email)
    places = asyncio.Semaphore(50)

    async def once() -> httpx.Response:
        async with places:
            return await refresh(http, client, first["refresh_token"])

    answers = await asyncio.gather(*(once() for _ in range(refreshes)))
    successors = {each.json()["refresh_token"] for each in answers if each.status_code == 200}
    # Whoever comes after the grace has reused a token, and ends the session: then no successor lives.
    living = 0 if any(each.status_code == 400 for each in answers) else 1
    assert {each.status_code for each in answers} <= {200, 400, 503}  # 503: too many at once for this machine
    assert len(successors) == 1
    assert await active_sessions(app, client) == living
    (successor,) = successors
    assert (await refresh(http, client, successor)).status_code == (200 if living else 400)
