"""The authorization code flow: a person signs in and consents, and the app acts for them.

Cases bear the names of the OpenID conformance suite and of RFC 9700 where these have one.
"""

import asyncio
import json
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.app import App
from tests.support.browser_flow import AppRequest, authorize, consent, form_of, returned, sign_in, submit, tokens_of
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
    assert "<strong>app.example</strong>" in asked.text
    assert email in asked.text
    assert team.team.name in asked.text


async def test_the_pages_are_closed_to_scripts_and_frames(http: httpx.AsyncClient, public: SampleClient) -> None:
    page = await http.get(AppRequest(public).address)
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; form-action 'self' https://app.example; base-uri 'none'; frame-ancestors 'none'"
    )
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
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


# ── redirect URIs (RFC 9700, section 4.1) ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/callback",
        "https://app.example/callback/../evil",
        "https://app.example/callback?next=https://evil.example",
        "https://app.example/callback#x",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://APP.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "https://app.example/callback\r\nX: y",
        'https://app.example/"><script>',
        "é",
        "",
    ],
)
async def test_redirect_uri_mismatch_is_shown_and_never_followed(
    http: httpx.AsyncClient, public: SampleClient, redirect_uri: str
) -> None:
    """oidcc-ensure-registered-redirect-uri, oidcc-redirect-uri-query-mismatch."""
    page = await http.get(AppRequest(public, more={"redirect_uri": redirect_uri}).address)
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "<script>" not in page.text


async def test_the_token_request_names_the_same_redirect_uri(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    request = AppRequest(public)
    code = await authorize(http, request, email)
    for other in ("", "https://app.example/other"):
        assert (await request.redeem(http, code, redirect_uri=other)).json()["error"] == "invalid_grant"


async def test_an_app_of_a_desktop_may_choose_its_port(app: App, http: httpx.AsyncClient, team: SampleTeam, email: str) -> None:
    """RFC 8252, section 7.3."""
    client = await registered(
        app,
        team.owner,
        team.team_id,
        isPublic=True,
        grants=["AUTHORIZATION_CODE"],
        redirectUris=["http://127.0.0.1/callback"],
    )
    tokens = await tokens_of(http, AppRequest(client, redirect_uri="http://127.0.0.1:53121/callback"), email)
    assert "refresh_token" not in tokens
    # Anybody on the machine could pretend to be it, so it asks again.
    page = await http.get(AppRequest(client, redirect_uri="http://127.0.0.1:53122/callback").address)
    assert "<h1>Allow App?</h1>" in page.text


async def test_an_app_of_a_phone_gets_its_code_by_its_own_scheme(
    app: App, http: httpx.AsyncClient, team: SampleTeam, email: str
) -> None:
    scheme = "com.example.app:/callback"
    client = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"], redirectUris=[scheme])
    request = AppRequest(client, redirect_uri=scheme)
    page = await http.get(request.address)
    assert "form-action 'self' com.example.app:;" in page.headers["content-security-policy"]
    answer = await consent(http, await sign_in(http, page, email))
    assert answer.headers["location"].startswith("com.example.app:/callback?code=")


# ── the request ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("client_id", ["", "nobody", "00000000-0000-4000-8000-000000000000"])
async def test_an_unknown_client_gets_a_page_and_nobody_back(
    http: httpx.AsyncClient, public: SampleClient, client_id: str
) -> None:
    page = await http.get(AppRequest(public, more={"client_id": client_id}).address)
    assert page.status_code == 400
    assert "location" not in page.headers


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"scope": "DOCUMENTS_READ"}, "invalid_scope"),
        ({"scope": "TASKS_READ ADMIN"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"resource": "https://evil.example"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"nonce": "x" * 501}, "invalid_request"),
    ],
    ids=str,
)
async def test_what_an_app_asks_wrongly_it_is_told(
    http: httpx.AsyncClient, public: SampleClient, more: dict[str, str], error: str
) -> None:
    """oidcc-response-type-missing, oidcc-unsigned-request-object, RFC 9700 2.1.2 (no implicit grant)."""
    request = AppRequest(public, more=more)
    given = returned(await http.get(request.address))
    assert (given["error"], given["state"], given["iss"]) == (error, request.state, ORIGIN)
    assert "code" not in given


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state", "code_challenge", "response_type", "nonce"])
async def test_a_parameter_that_comes_twice_is_refused(http: httpx.AsyncClient, public: SampleClient, name: str) -> None:
    address = AppRequest(public).address + "&" + urlencode({name: "x"}) + "&" + urlencode({name: "x"})
    page = await http.get(address)
    assert page.status_code == 400
    assert "location" not in page.headers


async def test_a_state_comes_back_as_it_is(http: httpx.AsyncClient, public: SampleClient) -> None:
    for state in ("a b&c=d#e", "ü💛", "%0d%0aX: y", "\r\nSet-Cookie: x=y", "<script>"):
        request = AppRequest(public, state=state, more={"prompt": "none"})
        response = await http.get(request.address)
        assert returned(response)["state"] == state
        assert "set-cookie" not in response.headers


async def test_a_name_of_an_app_is_text(app: App, http: httpx.AsyncClient, team: SampleTeam, email: str) -> None:
    client = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"], name='<b>"App"</b>')
    page = await sign_in(http, await http.get(AppRequest(client).address), email)
    assert "<b>" not in page.text
    assert "&lt;b&gt;" in page.text


async def test_a_refresh_token_needs_the_grant(app: App, http: httpx.AsyncClient, team: SampleTeam, email: str) -> None:
    client = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"])
    assert "refresh_token" not in await tokens_of(http, AppRequest(client), email)


async def test_a_confidential_client_authenticates_itself(
    http: httpx.AsyncClient, confidential: SampleClient, email: str
) -> None:
    request = AppRequest(confidential)
    code = await authorize(http, request, email)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": request.redirect_uri,
        "code_verifier": request.verifier,
    }
    bare = await http.post("/oauth/token", data=form | {"client_id": confidential.client_id})
    assert bare.json()["error"] == "invalid_client"
    assert (await request.redeem(http, code)).status_code == 200


# ── signing in and consenting ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_wrong_password_is_the_same_as_an_unknown_address(
    http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    page = await http.get(AppRequest(public).address)
    answers = [await submit(http, page, email=address, password="wrong") for address in (email, "nobody@example.com")]
    assert [each.status_code for each in answers] == [401, 401]
    for each in answers:
        assert 'role="alert"' in each.text
        assert "The e-mail address or the password is wrong." in each.text
        assert "hive_sign_in" not in each.headers.get("set-cookie", "")


async def test_a_person_who_is_signed_in_and_has_consented_returns_at_once(
    http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    await authorize(http, AppRequest(public), email)
    assert "code" in returned(await http.get(AppRequest(public).address))
    more = await http.get(AppRequest(public, scope="TASKS_READ TASKS_WRITE").address)
    assert "<li>change tasks, comments and files</li>" in more.text


async def test_prompt_none_asks_nothing(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    """oidcc-prompt-none-not-logged-in, oidcc-prompt-none-logged-in."""
    silent = {"prompt": "none"}
    assert returned(await http.get(AppRequest(public, more=silent).address))["error"] == "login_required"
    page = await sign_in(http, await http.get(AppRequest(public).address), email)
    assert returned(await http.get(AppRequest(public, more=silent).address))["error"] == "consent_required"
    await consent(http, page)
    assert "code" in returned(await http.get(AppRequest(public, more=silent).address))


async def test_prompt_login_asks_again(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    """oidcc-prompt-login."""
    await authorize(http, AppRequest(public), email)
    page = await http.get(AppRequest(public, more={"prompt": "login"}).address)
    assert "<h1>Sign in</h1>" in page.text
    assert "code" in returned(await sign_in(http, page, email))


async def test_max_age_asks_those_again_who_signed_in_long_ago(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    """oidcc-max-age-1, oidcc-max-age-10000."""
    await authorize(http, AppRequest(public), email)
    assert "code" in returned(await http.get(AppRequest(public, more={"max_age": "10000"}).address))
    await app.sql.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '5 s' WHERE kind = 'BROWSER'")
    page = await http.get(AppRequest(public, more={"max_age": "1"}).address)
    assert "<h1>Sign in</h1>" in page.text
    assert "code" in returned(await sign_in(http, page, email))


async def test_max_age_zero_asks_once(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    await authorize(http, AppRequest(public), email)
    page = await http.get(AppRequest(public, more={"max_age": "0"}).address)
    assert "code" in returned(await sign_in(http, page, email))


async def test_login_hint_fills_the_form(http: httpx.AsyncClient, public: SampleClient) -> None:
    page = await http.get(AppRequest(public, more={"login_hint": 'ada@example.com"><script>'}).address)
    assert "ada@example.com" in page.text
    assert "<script>" not in page.text


async def test_the_cookie_is_not_for_scripts_and_is_no_token(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    page = await http.get(AppRequest(public).address)
    answer = await submit(http, page, email=email, password="correct horse battery")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("hive_sign_in="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    value = cookie.partition("=")[2].partition(";")[0]
    refresh = (
        "mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { errors { code } tokens { accessToken } } }"
    )
    payload = (await app.run(None, refresh, input={"refreshToken": value}))["sessionRefresh"]
    assert payload == {"errors": [{"code": "UNAUTHENTICATED"}], "tokens": None}
    token = await http.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": value, "client_id": public.client_id}
    )
    assert token.json()["error"] == "invalid_grant"


async def test_over_https_cookies_are_bound_to_the_host(app: App) -> None:
    from starlette.responses import Response

    from auth.oauth.browser_session import BrowserSessions

    response = Response()
    BrowserSessions(app.resources.secret, "https://hive.example").remember(response, "x")
    assert response.headers["set-cookie"].startswith("__Host-hive_sign_in=x;")
    assert "Secure" in response.headers["set-cookie"]
    assert "Path=/" in response.headers["set-cookie"]


# ── forms of other sites (CSRF) ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_form_of_another_site_consents_to_nothing(
    app: App, http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    request = AppRequest(public)
    page = await sign_in(http, await http.get(request.address), email)
    action, hidden = form_of(page)
    own = {"Origin": ORIGIN}
    other = AppRequest(await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"]))
    attempts = [
        (action, {"step": "consent", "decision": "allow"}, own),
        (action, hidden | {"csrf": "0" * 64, "decision": "allow"}, own),
        (action, hidden | {"csrf": "", "decision": "allow"}, own),
        (action, hidden | {"decision": "allow"}, {"Origin": "https://evil.example"}),
        (action, hidden | {"decision": "allow"}, {"Origin": "null"}),
        (other.address, hidden | {"decision": "allow"}, own),
    ]
    for address, form, headers in attempts:
        refused = await http.post(address, data=form, headers=headers)
        assert refused.status_code == 403
        assert "location" not in refused.headers
    assert await app.sql.fetchval("SELECT count(*) FROM authorization_codes WHERE client_id = $1", public.client_id) == 0
    assert "code" in returned(await http.post(action, data=hidden | {"decision": "allow"}, headers=own))


async def test_a_form_of_one_browser_is_worth_nothing_in_another(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    from tests.support.oauth import front_door

    page = await http.get(AppRequest(public).address)
    action, hidden = form_of(page)
    async with front_door(app) as other:
        answer = await other.post(action, data=hidden | {"email": email, "password": "x"}, headers={"Origin": ORIGIN})
        assert answer.status_code == 403


# ── OpenID Connect ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_id_token_says_who_signed_in_for_whom(
    http: httpx.AsyncClient, team: SampleTeam, public: SampleClient, email: str
) -> None:
    """oidcc-server, oidcc-idtoken-signature, oidcc-scope-profile, oidcc-scope-email."""
    request = AppRequest(public, scope="openid profile email", more={"nonce": "n-1"})
    tokens = await tokens_of(http, request, email)
    keys = KeySet.import_key_set((await http.get("/.well-known/jwks.json")).json())
    decoded = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])
    claims = decoded.claims
    assert decoded.header["typ"] == "JWT"
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ORIGIN, public.client_id, "n-1")
    assert (claims["sub"], claims["email"]) == (str(team.member.user.id), email)
    assert claims["name"] == team.member.user.display_name
    assert claims["exp"] - claims["iat"] == 600
    assert claims["auth_time"] <= claims["iat"]
    told = await http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert told.json()["sub"] == claims["sub"]
    assert told.json()["email"] == email
    assert told.json()["email_verified"] is False


async def test_an_id_token_is_no_access_token(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    tokens = await tokens_of(http, AppRequest(public, scope="openid TASKS_READ"), email)
    assert graph_error(await post_graph(http, tokens["id_token"], TASKS))["code"] == "UNAUTHENTICATED"
    assert "errors" not in (await post_graph(http, tokens["access_token"], TASKS)).json()


async def test_userinfo_needs_openid_and_tells_what_was_granted(
    http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    """oidcc-userinfo-get, oidcc-userinfo-post-header; RFC 6750, section 3.1."""
    without = await tokens_of(http, AppRequest(public), email)
    refused = await http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {without['access_token']}"})
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    only = await tokens_of(http, AppRequest(public, scope="openid"), email)
    told = await http.post("/oauth/userinfo", headers={"Authorization": f"Bearer {only['access_token']}"})
    assert told.json().keys() == {"sub"}
    assert (await http.get("/oauth/userinfo")).status_code == 401
    nonsense = await http.get("/oauth/userinfo", headers={"Authorization": "Bearer nonsense"})
    assert 'error="invalid_token"' in nonsense.headers["www-authenticate"]


async def test_discovery_says_what_is_so(http: httpx.AsyncClient) -> None:
    """oidcc-discovery-endpoint-verification; RFC 8414."""
    found = (await http.get("/.well-known/openid-configuration")).json()
    assert found == (await http.get("/.well-known/oauth-authorization-server")).json()
    assert found["issuer"] == ORIGIN
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    assert found["authorization_response_iss_parameter_supported"] is True
    for name, address in found.items():
        if name.endswith(("_endpoint", "_uri")):
            assert address.startswith(ORIGIN)
            assert (await http.get(urlsplit(address).path)).status_code != 404, name
    assert "implicit" not in json.dumps(found)
    assert "password" not in json.dumps(found)
