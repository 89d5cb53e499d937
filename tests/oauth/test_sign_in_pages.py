"""The pages on which people sign in and consent: prompts, cookies, and forms of other sites."""

import httpx
from starlette.requests import Request
from starlette.responses import Response

from auth.oauth.browser_session import BrowserSessions
from tests.graph.test_factor import protected
from tests.support.app import App
from tests.support.browser_flow import AppRequest, authorize, consent, form_of, returned, sign_in, submit
from tests.support.oauth import ORIGIN, SampleClient, registered
from tests.support.sign_in import PASSWORD
from tests.support.teams import SampleTeam

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
    request, response = Request({"type": "http", "scheme": "http", "path": "/", "headers": []}), Response()
    BrowserSessions(app.resources.secret, "https://hive.example").remember(request, response, "x")
    assert response.headers["set-cookie"].startswith("__Host-hive_sign_in=x;")
    assert "Secure" in response.headers["set-cookie"]
    assert "Path=/" in response.headers["set-cookie"]


async def test_a_proxy_that_ends_tls_makes_cookies_secure_and_pages_in_clear_foreign(app: App) -> None:
    browsers = BrowserSessions(app.resources.secret, "http://hive.example")

    def request(scheme: str, origin: str, cookie: str = "") -> Request:
        headers = {"host": "hive.example", "origin": origin, "cookie": cookie}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        return Request({"type": "http", "scheme": scheme, "path": "/", "query_string": b"", "headers": raw})

    for scheme, is_secure in (("https", True), ("http", False)):
        response = Response()
        browsers.set_form_secret(request(scheme, ""), response, "x" * 20)
        assert ("Secure" in response.headers["set-cookie"]) is is_secure
    cookie, token = f"hive_form={'x' * 20}", browsers.form_token("x" * 20, "/")
    allowed = [
        (scheme, origin)
        for scheme in ("http", "https")
        for origin in ("http://other.example", "https://hive.example", "https://hive.example:8443")
        if browsers.is_own_form(request(scheme, origin, cookie), token, "/")
    ]
    assert allowed == [("http", "https://hive.example"), ("https", "https://hive.example")]
    tls = BrowserSessions(app.resources.secret, "https://hive.example")
    token = tls.form_token("x" * 20, "/")
    assert not tls.is_own_form(request("https", "http://hive.example", f"__Host-{cookie}"), token, "/")


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


# ── second factors ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_second_factor_is_asked_for(app: App, http: httpx.AsyncClient, public: SampleClient) -> None:
    email, _, device, _ = await protected(app)
    page = await http.get(AppRequest(public).address)
    asked = await submit(http, page, email=email, password=PASSWORD)
    assert asked.status_code == 200
    assert "<h1>Enter your code</h1>" in asked.text
    assert "hive_sign_in" not in asked.headers.get("set-cookie", "")
    wrong = await submit(http, asked, code="000000")
    assert wrong.status_code == 401
    assert "The code is wrong, or was used before." in wrong.text
    answer = await submit(http, wrong, code=device.code())
    assert answer.status_code == 303
    assert "code" in returned(await consent(http, await http.get(answer.headers["location"])))
