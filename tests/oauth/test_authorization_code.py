"""The authorization code flow: a person signs in and consents, and the app acts for them.

Cases bear the names of the OpenID conformance suite and of RFC 9700 where these have one.
"""

import asyncio

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.app import App
from tests.support.browser_flow import AppRequest, authorize, consent, returned, sign_in, tokens_of
from tests.support.graph_actions import create_task
from tests.support.oauth import ORIGIN, SampleClient, graph_error, post_graph, registered
from tests.support.sign_in import SESSIONS_QUERY
from tests.support.teams import SampleTeam

TASKS = "{ tasks { nodes { title } } }"


async def test_a_person_lends_an_app_what_it_asked_for(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    await create_task(app, team, "Mine to see")
    tokens = await tokens_of(http, AppRequest(public), email)
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 600, "TASKS_READ")
    assert (await post_graph(http, tokens["access_token"], TASKS)).json()["data"]["tasks"]["nodes"] == [{"title": "Mine to see"}]
    refused = await post_graph(http, tokens["access_token"], "{ viewer { id } }")
    assert graph_error(refused) == {"code": "INSUFFICIENT_SCOPE", "scope": "PROFILE_READ"}


async def test_the_pages_say_who_asks_for_what(
    http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    page = await http.get(AppRequest(public).address)
    assert page.status_code == 200
    assert "to continue to <strong>App</strong>" in page.text
    asked = await sign_in(http, page, email)
    assert "<h1>Allow App?</h1>" in asked.text
    assert "<li>see tasks, comments and files</li>" in asked.text
    assert "change tasks" not in asked.text
    assert "You return to app.example." in asked.text
    assert email in asked.text
    assert team.team.name in asked.text


async def test_the_pages_are_closed_to_frames_and_to_scripts_but_that_of_passkeys(
    http: httpx.AsyncClient, public: SampleClient
) -> None:
    page = await http.get(AppRequest(public).address)
    others = "style-src 'self'; form-action 'self' https://app.example; base-uri 'none'; frame-ancestors 'none'"
    assert page.headers["content-security-policy"] == f"default-src 'none'; script-src 'self'; {others}"
    assert page.headers["cache-control"] == "no-store"
    assert page.text.count("<script") == page.text.count('<script src="/oauth/passkey.js" defer></script>') == 1
    device = await http.get("/oauth/device")
    assert device.headers["content-security-policy"] == f"default-src 'none'; {others}".replace(" https://app.example", "")
    assert "<script" not in device.text
    style = await http.get("/oauth/style.css")
    assert style.headers["content-type"].startswith("text/css")


async def test_the_answer_names_the_issuer(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    """RFC 9207; RFC 9700 4.4 (mix-up)."""
    request = AppRequest(public)
    page = await sign_in(http, await http.get(request.address), email)
    assert returned(await consent(http, page))["iss"] == ORIGIN
    denied = AppRequest(public, more={"prompt": "consent"})
    refused = returned(await consent(http, await http.get(denied.address), "deny"))
    assert refused == {
        "error": "access_denied",
        "error_description": "The person denied the request.",
        "state": denied.state,
        "iss": ORIGIN,
    }


async def test_an_access_token_is_of_the_profile_for_jwts(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    """RFC 9068."""
    token = (await tokens_of(http, AppRequest(public), email))["access_token"]
    keys = KeySet.import_key_set((await http.get("/.well-known/jwks.json")).json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    assert (decoded.header["typ"], decoded.header["alg"]) == ("at+jwt", "ES256")
    assert decoded.claims.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "scope", "client_id"}
    assert (decoded.claims["iss"], decoded.claims["aud"], decoded.claims["client_id"]) == (ORIGIN, ORIGIN, public.client_id)


async def test_a_grant_is_listed_among_the_sessions_and_ends_with_it(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    tokens = await tokens_of(http, AppRequest(public), email)
    names = (await app.run(team.member, "{ viewer { account { sessions { appName } } } }"))["viewer"]["account"]["sessions"]
    assert sorted(each["appName"] or "" for each in names) == ["", "App"]  # the browser's, and the app's
    (listed,) = [
        each for each in (await app.run(team.member, SESSIONS_QUERY))["viewer"]["account"]["sessions"] if each["userAgent"]
    ][:1]
    assert listed["isCurrent"] is False
    end = "mutation ($input: SessionRevokeInput!) { sessionRevoke(input: $input) { errors { code } } }"
    assert (await app.run(team.member, end, input={"allOthers": True}))["sessionRevoke"]["errors"] == []
    await asyncio.sleep(1.0)  # what was checked is believed for as long
    assert graph_error(await post_graph(http, tokens["access_token"], TASKS))["code"] == "UNAUTHENTICATED"


async def test_a_deleted_client_ends_what_people_granted(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    tokens = await tokens_of(http, AppRequest(public), email)
    delete = "mutation ($input: DeleteInput!) { oauthClientDelete(input: $input) { errors { code } } }"
    assert (await app.run(team.owner, delete, input={"id": public.id}))["oauthClientDelete"]["errors"] == []
    assert graph_error(await post_graph(http, tokens["access_token"], TASKS))["code"] == "UNAUTHENTICATED"
    assert (await http.get(AppRequest(public).address)).status_code == 400


# ── the code (RFC 9700, sections 2.1 and 4.5) ─────────────────────────────────────────────────────────────────────────


async def test_a_code_is_redeemed_once_and_its_replay_ends_what_it_opened(
    http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    """oidcc-codereuse, oidcc-codereuse-30seconds."""
    request = AppRequest(public)
    code = await authorize(http, request, email)
    tokens = (await request.redeem(http, code)).json()
    assert "errors" not in (await post_graph(http, tokens["access_token"], TASKS)).json()
    again = await request.redeem(http, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    refreshed = await http.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": public.client_id},
    )
    assert refreshed.json()["error"] == "invalid_grant"
    await asyncio.sleep(1.0)
    assert graph_error(await post_graph(http, tokens["access_token"], TASKS))["code"] == "UNAUTHENTICATED"


async def test_a_code_that_many_redeem_at_once_opens_one_session(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    request = AppRequest(public)
    code = await authorize(http, request, email)
    answers = await asyncio.gather(*(request.redeem(http, code) for _ in range(20)))
    assert sorted(each.status_code for each in answers) == [200] + [400] * 19
    opened = "SELECT count(*) FROM sessions WHERE client_id = $1"
    assert await app.sql.fetchval(opened, public.client_id) == 1
    assert await app.sql.fetchval(f"{opened} AND revoked_at IS NULL", public.client_id) == 0


async def test_a_code_expires_after_a_minute(app: App, http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    request = AppRequest(public)
    code = await authorize(http, request, email)
    move = "UPDATE authorization_codes SET expires_at = expires_at - interval '60 s' WHERE client_id = $1"
    await app.sql.execute(move, public.client_id)
    response = await request.redeem(http, code)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


async def test_a_code_is_nowhere_in_the_database(app: App, http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    code = await authorize(http, AppRequest(public), email)
    rows = await app.sql.fetch("SELECT * FROM authorization_codes WHERE client_id = $1", public.client_id)
    assert len(rows) == 1
    assert code.partition(".")[2] not in repr([dict(each) for each in rows])


async def test_a_code_is_for_the_client_that_it_was_given_to(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    """RFC 9700 4.5: code injection by another client."""
    request = AppRequest(public)
    code = await authorize(http, request, email)
    other = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"])
    stolen = await AppRequest(other, verifier=request.verifier).redeem(http, code)
    assert stolen.json()["error"] == "invalid_grant"
    assert (await request.redeem(http, code)).status_code == 200


@pytest.mark.parametrize("code", ["", "x", "00000000-0000-4000-8000-000000000000.x", "é", "a.b.c"])
async def test_what_is_no_code_is_refused(http: httpx.AsyncClient, public: SampleClient, code: str) -> None:
    response = await AppRequest(public).redeem(http, code)
    assert response.status_code == 400
    assert response.json()["error"] == ("invalid_grant" if code else "invalid_request")


async def test_a_guessed_secret_does_not_use_up_a_code(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    request = AppRequest(public)
    code = await authorize(http, request, email)
    assert (await request.redeem(http, code[:-1] + ("A" if code[-1] != "A" else "B"))).json()["error"] == "invalid_grant"
    assert (await request.redeem(http, code)).status_code == 200


# ── PKCE (RFC 7636; RFC 9700, section 2.1.1) ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "more",
    [
        {"code_challenge": "", "code_challenge_method": ""},
        {"code_challenge": ""},
        {"code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": "x" * 129},
        {"code_challenge": "x" * 42 + "!"},
    ],
    ids=str,
)
async def test_pkce_downgrade(
    http: httpx.AsyncClient, public: SampleClient, confidential: SampleClient, more: dict[str, str]
) -> None:
    for client in (public, confidential):
        given = returned(await http.get(AppRequest(client, more=more).address))
        assert given["error"] == "invalid_request"
        assert "code" not in given


@pytest.mark.parametrize("verifier", ["", "x" * 43, "short", "x" * 129])
async def test_a_code_without_its_verifier_is_worth_nothing(
    http: httpx.AsyncClient, public: SampleClient, email: str, verifier: str
) -> None:
    request = AppRequest(public)
    code = await authorize(http, request, email)
    response = await request.redeem(http, code, code_verifier=verifier)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_grant", "invalid_request")
    assert (await request.redeem(http, code)).status_code == 200


async def test_the_challenge_is_not_its_own_verifier(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    request = AppRequest(public)
    code = await authorize(http, request, email)
    assert (await request.redeem(http, code, code_verifier=request.challenge)).json()["error"] == "invalid_grant"
