"""Requests for authorization: redirect URIs, and what an app asks wrongly (RFC 9700, OpenID conformance suite)."""

from urllib.parse import urlencode

import httpx
import pytest

from tests.support.app import App
from tests.support.browser_flow import AppRequest, authorize, consent, returned, sign_in, tokens_of
from tests.support.oauth import ORIGIN, SampleClient, registered
from tests.support.teams import SampleTeam

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
