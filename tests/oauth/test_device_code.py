"""Device codes (RFC 8628): a program without a browser signs a person in, who enters its code in theirs."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.app import App
from tests.support.browser_flow import consent, sign_in, submit
from tests.support.oauth import ORIGIN, SampleClient, post_graph, post_token, registered
from tests.support.teams import SampleTeam

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
TASKS = "{ tasks { totalCount } }"


@pytest.fixture
async def program(app: App, team: SampleTeam) -> SampleClient:
    """A program in a shell on another machine."""
    return await registered(
        app, team.owner, team.team_id, isPublic=True, grants=["DEVICE_CODE", "REFRESH_TOKEN"], redirectUris=[]
    )


async def start(http: httpx.AsyncClient, client: SampleClient, **form: str) -> Any:
    """What a program is given to show and to poll with."""
    given = {"client_id": client.client_id, "scope": "TASKS_READ"} | form
    response = await http.post("/oauth/device_authorization", data=given)
    assert response.status_code == 200, response.text
    return response.json()


async def poll(app: App, http: httpx.AsyncClient, client: SampleClient, device_code: str) -> Any:
    """The answer to a poll that comes after the interval."""
    await app.sql.execute("UPDATE device_codes SET polled_at = polled_at - interval '6 s' WHERE client_id = $1", client.client_id)
    return (await post_token(http, client, grant_type=GRANT, device_code=device_code)).json()


async def enter(http: httpx.AsyncClient, user_code: str, email: str) -> httpx.Response:
    """The page that asks for consent, after the code was entered and the person has signed in."""
    page = await http.get("/oauth/device")
    answer = await submit(http, page, user_code=user_code)
    assert answer.status_code == 303
    page = await http.get(answer.headers["location"])
    return await sign_in(http, page, email) if "<h1>Sign in</h1>" in page.text else page


async def test_a_program_is_signed_in_by_a_code_that_a_person_enters(
    app: App, http: httpx.AsyncClient, program: SampleClient, email: str
) -> None:
    given = await start(http, program)
    assert given.keys() == {"device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"}
    assert (given["verification_uri"], given["expires_in"], given["interval"]) == (f"{ORIGIN}/oauth/device", 600, 5)
    assert (await poll(app, http, program, given["device_code"]))["error"] == "authorization_pending"
    page = await enter(http, given["user_code"].lower().replace("-", " "), email)
    assert "<h1>Allow App?</h1>" in page.text
    assert given["user_code"] in page.text
    assert "<li>see tasks, comments and files</li>" in page.text
    assert "it is signed in" in (await consent(http, page)).text
    tokens = await poll(app, http, program, given["device_code"])
    assert tokens["scope"] == "TASKS_READ"
    assert "errors" not in (await post_graph(http, tokens["access_token"], TASKS)).json()
    refreshed = await post_token(http, program, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.status_code == 200
    assert (await poll(app, http, program, given["device_code"]))["error"] == "invalid_grant"


async def test_the_complete_address_leads_to_the_same(http: httpx.AsyncClient, program: SampleClient, email: str) -> None:
    given = await start(http, program)
    page = await http.get(given["verification_uri_complete"])
    assert "<h1>Allow App?</h1>" in (await sign_in(http, page, email)).text


async def test_a_person_may_deny(app: App, http: httpx.AsyncClient, program: SampleClient, email: str) -> None:
    given = await start(http, program)
    page = await enter(http, given["user_code"], email)
    assert "was not signed in" in (await consent(http, page, "deny")).text
    assert (await poll(app, http, program, given["device_code"]))["error"] == "access_denied"
    assert (await submit(http, page, decision="allow")).status_code == 404


async def test_a_program_that_polls_too_often_is_told_to_slow_down(http: httpx.AsyncClient, program: SampleClient) -> None:
    given = await start(http, program)
    answers = [
        (await post_token(http, program, grant_type=GRANT, device_code=given["device_code"])).json()["error"] for _ in range(3)
    ]
    assert answers == ["authorization_pending", "slow_down", "slow_down"]


async def test_many_polls_at_once_give_tokens_once(app: App, http: httpx.AsyncClient, program: SampleClient, email: str) -> None:
    given = await start(http, program)
    await consent(http, await enter(http, given["user_code"], email))
    polls = [post_token(http, program, grant_type=GRANT, device_code=given["device_code"]) for _ in range(10)]
    assert sorted(each.status_code for each in await asyncio.gather(*polls)) == [200] + [400] * 9
    assert await app.sql.fetchval("SELECT count(*) FROM sessions WHERE client_id = $1", program.client_id) == 1


async def test_a_code_ends_after_ten_minutes(app: App, http: httpx.AsyncClient, program: SampleClient, email: str) -> None:
    given = await start(http, program)
    await app.sql.execute("UPDATE device_codes SET expires_at = now() WHERE client_id = $1", program.client_id)
    assert (await poll(app, http, program, given["device_code"]))["error"] == "expired_token"
    assert (await enter(http, given["user_code"], email)).status_code == 404


@pytest.mark.parametrize("user_code", ["BCDF-GHJK", "x", "💛", "B" * 500, "' OR 1=1"])
async def test_a_code_that_nobody_was_given_leads_nowhere(http: httpx.AsyncClient, email: str, user_code: str) -> None:
    page = await enter(http, user_code, email)
    assert "<h1>Enter the code</h1>" in page.text or page.status_code == 404


async def test_the_code_of_a_device_is_for_its_client_and_stored_as_a_hash(
    app: App, http: httpx.AsyncClient, team: SampleTeam, program: SampleClient
) -> None:
    given = await start(http, program)
    other = await registered(app, team.owner, team.team_id, isPublic=True, grants=["DEVICE_CODE"], redirectUris=[])
    assert (await poll(app, http, other, given["device_code"]))["error"] == "unauthorized_client"
    rows = await app.sql.fetch("SELECT * FROM device_codes WHERE client_id = $1", program.client_id)
    assert given["device_code"].partition(".")[2] not in repr([dict(each) for each in rows])


async def test_a_client_without_the_grant_gets_no_code(
    http: httpx.AsyncClient, public: SampleClient, program: SampleClient
) -> None:
    refused = await http.post("/oauth/device_authorization", data={"client_id": public.client_id})
    assert refused.json()["error"] == "unauthorized_client"
    more = await http.post("/oauth/device_authorization", data={"client_id": program.client_id, "scope": "ADMIN"})
    assert more.json()["error"] == "invalid_scope"


async def test_a_form_of_another_site_allows_nothing(
    app: App, http: httpx.AsyncClient, program: SampleClient, email: str
) -> None:
    given = await start(http, program)
    page = await enter(http, given["user_code"], email)
    address = str(page.request.url)
    for form in ({"step": "consent", "decision": "allow"}, {"step": "consent", "decision": "allow", "csrf": "0" * 64}):
        assert (await http.post(address, data=form, headers={"Origin": ORIGIN})).status_code == 403
    assert (await poll(app, http, program, given["device_code"]))["error"] == "authorization_pending"
