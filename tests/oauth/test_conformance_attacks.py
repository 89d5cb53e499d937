"""The attacks of RFC 9700 (OAuth 2.0 Security Best Current Practice), by its sections."""

import asyncio
import html
import re
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.support.browser_flow import AppRequest, authorize, form_of, returned
from tests.support.conformance import Cases, Party, Suite
from tests.support.oauth import ORIGIN, SampleClient, post_graph, post_token, registered
from tests.support.sign_in import PASSWORD

TASKS = "{ tasks { totalCount } }"
NOBODY = SampleClient("", str(uuid4()), None)


# ── 2.1.1, 4.5, 4.8: PKCE and code injection ──────────────────────────────────────────────────────────────────────────


async def pkce_downgrade(party: Party, **more: str) -> None:
    for client in (party.suite.public, party.suite.confidential):
        given = await party.answer(party.request(client, **more))
        assert given["error"] == "invalid_request"
        assert "code" not in given


async def redeems_nothing(party: Party, **form: str) -> None:
    """A code with something wrong beside it opens no session, and is not used up."""
    request = party.request()
    code = await party.code(request)
    response = await request.redeem(party.stranger, code, **form)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_grant", "invalid_request")
    assert "access_token" not in response.text
    assert (await request.redeem(party.stranger, code)).status_code == 200


async def code_of_another_client(party: Party) -> None:
    request = party.request()
    code = await party.code(request)
    thief = AppRequest(party.suite.confidential, verifier=request.verifier)
    response = await thief.redeem(party.stranger, code)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert (await request.redeem(party.stranger, code)).status_code == 200


async def code_of_another_request(party: Party) -> None:
    """An attacker's app gives a victim's code to its own flow, whose verifier is another."""
    victim, attacker = party.request(), party.request()
    await party.code(attacker)
    stolen = await party.code(victim)
    response = await attacker.redeem(party.stranger, stolen)
    assert response.json()["error"] == "invalid_grant"


async def code_races(party: Party) -> None:
    request = party.request()
    code = await party.code(request)
    answers = await asyncio.gather(*(request.redeem(party.stranger, code) for _ in range(8)))
    good = [each.json() for each in answers if each.status_code == 200]
    assert len(good) == 1
    refresh = {"grant_type": "refresh_token", "refresh_token": good[0]["refresh_token"]}
    await party.token_error(party.suite.public, "invalid_grant", **refresh)  # the replay ended what the code opened


# ── 4.1, 4.11: redirection ────────────────────────────────────────────────────────────────────────────────────────────

_REDIRECT_TRICKS = {
    "other-host": "https://evil.example/callback",
    "subdomain": "https://sub.app.example/callback",
    "suffix": "https://app.example.evil.example/callback",
    "userinfo": "https://app.example@evil.example/callback",
    "path-traversal": "https://app.example/callback/../evil",
    "path-appended": "https://app.example/callback/more",
    "encoded-slash": "https://app.example/callback%2f..%2fevil",
    "case": "https://app.example/Callback",
    "port": "https://app.example:8443/callback",
    "http": "http://app.example/callback",
    "fragment": "https://app.example/callback#code",
    "query": "https://app.example/callback?next=https://evil.example",
    "backslash": "https://app.example\\@evil.example/callback",
    "script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "header": "https://app.example/callback\r\nSet-Cookie: a=b",
    "loopback": "http://127.0.0.1:1234/callback",
    "null": "https://app.example/callback\x00",
}


async def denied_leads_nowhere_else(party: Party) -> None:
    """What is denied goes to the registered address only: the server is no open redirector."""
    request = party.request(prompt="consent")
    page = await party.person.get(request.address)
    action, hidden = form_of(page)
    for name, value in (("redirect_uri", "https://evil.example"), ("continue", "https://evil.example")):
        given = hidden | {"decision": "deny", name: value}
        answer = await party.person.post(action, data=given, headers={"Origin": ORIGIN})
        assert urlsplit(answer.headers["location"])[:3] == ("https", "app.example", "/callback")
        assert returned(answer)["error"] == "access_denied"


# ── 4.2, 4.3, 4.12, 4.16: what pages leak, and who may show them ──────────────────────────────────────────────────────


async def pages_leak_nothing(party: Party) -> None:
    page = await party.stranger.get(party.request().address)
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    back = await party.person.get(party.request().address)
    assert (back.headers["referrer-policy"], back.headers["cache-control"]) == ("no-referrer", "no-store")
    for found in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert html.unescape(found).startswith("/oauth/")


async def token_in_query(party: Party) -> None:
    token = (await party.tokens())["access_token"]
    for answer in (
        await party.stranger.get("/oauth/userinfo", params={"access_token": token}),
        await party.stranger.get("/graphql", params={"access_token": token, "query": "{ viewer { id } }"}),
    ):
        assert '"sub"' not in answer.text
        assert answer.json()["data"]["viewer"] is None if answer.status_code == 200 else answer.status_code == 401
    by_get = await party.stranger.get("/oauth/token", params={"grant_type": "client_credentials"})
    assert by_get.status_code == 405


async def no_307(party: Party) -> None:
    """The password that a form carries is not sent on to the app."""
    page = await party.stranger.get(party.request().address)
    action, hidden = form_of(page)
    given = hidden | {"email": party.email, "password": PASSWORD}
    answer = await party.stranger.post(action, data=given, headers={"Origin": ORIGIN})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oauth/authorize?")
    assert (await party.stranger.get(answer.headers["location"])).status_code == 303


async def no_frames(party: Party) -> None:
    for page in (
        await party.stranger.get(party.request().address),
        await party.person.get(party.request(prompt="consent").address),
        await party.person.get("/oauth/device"),
        await party.person.get("/oauth/passkeys"),
    ):
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"


# ── 4.4, 4.7: mix-up and forged requests ──────────────────────────────────────────────────────────────────────────────


async def answers_name_the_issuer(party: Party) -> None:
    metadata = (await party.stranger.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert (await party.answer(party.request()))["iss"] == metadata["issuer"]
    await party.refused("login_required", prompt="none", id_token_hint="nonsense")


async def state_comes_back(party: Party, *, state: str) -> None:
    request = party.request(state=state)
    answer = await party.person.get(request.address)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["state"] == [state]
    assert "set-cookie" not in answer.headers


async def forged_consent(party: Party) -> None:
    """Another site consents to nothing in a person's name."""
    request = party.request(prompt="consent")
    action, hidden = form_of(await party.person.get(request.address))
    given = hidden | {"decision": "allow"}
    attempts: list[tuple[dict[str, str], str]] = [
        (given, "https://evil.example"),
        (given, "null"),
        (given | {"csrf": "0" * 64}, ORIGIN),
        ({"step": "consent", "decision": "allow"}, ORIGIN),
    ]
    for form, origin in attempts:
        refused = await party.person.post(action, data=form, headers={"Origin": origin})
        assert (refused.status_code, "location" in refused.headers) == (403, False)
    assert "code" in returned(await party.person.post(action, data=given, headers={"Origin": ORIGIN}))


async def forged_sign_in(party: Party) -> None:
    """Another site signs nobody in to an account of its own (login CSRF)."""
    action, hidden = form_of(await party.stranger.get(party.request().address))
    given = hidden | {"email": party.email, "password": PASSWORD}
    async with party.suite.browser(None) as victim:
        refused = await victim.post(action, data=given, headers={"Origin": "https://evil.example"})
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
        assert (await victim.post(action, data=given, headers={"Origin": ORIGIN})).status_code == 403


# ── 4.6, 4.9, 4.10: tokens where they do not belong ───────────────────────────────────────────────────────────────────


async def token_of_another_resource(party: Party) -> None:
    await party.refused("invalid_target", resource="https://evil.example")
    tokens = await party.tokens(resource=f"{ORIGIN}/graphql")
    assert (await party.claims(tokens["access_token"]))["aud"] == f"{ORIGIN}/graphql"
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "resource": "https://evil.example"}
    await party.token_error(party.suite.public, "invalid_target", **refresh)


async def token_says_for_whom(party: Party) -> None:
    claims = await party.claims((await party.tokens(party.suite.confidential))["access_token"])
    assert (claims["client_id"], claims["iss"], claims["sub"]) == (party.suite.confidential.client_id, ORIGIN, party.sub)


async def scope_is_a_bound(party: Party) -> None:
    token = (await party.tokens(scope="openid"))["access_token"]
    answer = (await post_graph(party.stranger, token, TASKS)).json()
    assert answer["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"


async def privileges_are_lent_once(party: Party, *, scope: str) -> None:
    await party.refused("invalid_scope", scope=scope)


async def tokens_live_briefly(party: Party) -> None:
    claims = await party.claims((await party.tokens())["access_token"])
    assert claims["exp"] - claims["iat"] == 600


# ── 4.14: refresh tokens ──────────────────────────────────────────────────────────────────────────────────────────────


async def _refresh(party: Party, token: str, client: SampleClient | None = None, **form: str) -> httpx.Response:
    given = {"grant_type": "refresh_token", "refresh_token": token} | form
    return await post_token(party.stranger, client or party.suite.public, **given)


async def refresh_reuse(party: Party, *, confidential: bool) -> None:
    client = party.suite.confidential if confidential else party.suite.public
    first = (await party.tokens(client))["refresh_token"]
    second = (await _refresh(party, first, client)).json()["refresh_token"]
    third = (await _refresh(party, second, client)).json()["refresh_token"]
    assert (await _refresh(party, first, client)).json()["error"] == "invalid_grant"  # the thief, or the owner after them
    assert (await _refresh(party, third, client)).json()["error"] == "invalid_grant"


async def refresh_of_another_client(party: Party) -> None:
    token = (await party.tokens())["refresh_token"]
    stolen = await _refresh(party, token, party.suite.confidential)
    assert stolen.json()["error"] == "invalid_grant"
    assert (await _refresh(party, token)).status_code == 200


async def refresh_widens_nothing(party: Party) -> None:
    token = (await party.tokens(scope="openid"))["refresh_token"]
    assert (await _refresh(party, token, scope="openid TASKS_READ")).json()["error"] == "invalid_scope"
    narrowed = (await _refresh(party, token, scope="openid")).json()
    assert narrowed["scope"] == "openid"


async def refresh_token_is_no_access_token(party: Party) -> None:
    token = (await party.tokens())["refresh_token"]
    assert (await party.userinfo(token)).status_code == 401


async def refresh_guessed(party: Party) -> None:
    token = (await party.tokens())["refresh_token"]
    head = token.partition(".")[0]
    for guess in (f"{head}.{'A' * 64}", f"{head}.", head, f"{uuid4()}.{token.partition('.')[2]}"):
        assert (await _refresh(party, guess)).json()["error"] in ("invalid_grant", "invalid_request")
    assert (await _refresh(party, token)).status_code == 200


# ── 2.4, 2.5, 4.15: clients ───────────────────────────────────────────────────────────────────────────────────────────


async def app_is_no_person(party: Party) -> None:
    """A client that acts for itself has a subject of its own, which no person has (4.15)."""
    client = party.suite.confidential
    answer = (await post_token(party.stranger, client, grant_type="client_credentials")).json()
    claims = await party.claims(answer["access_token"])
    assert claims["sub"] != party.sub
    assert claims["sid"] == claims["client_id"] == client.client_id
    assert "refresh_token" not in answer
    assert "id_token" not in answer


async def app_gets_no_identity(party: Party) -> None:
    await party.token_error(party.suite.confidential, "invalid_scope", grant_type="client_credentials", scope="openid")


async def secret_in_two_places(party: Party) -> None:
    client = party.suite.confidential
    form = {"grant_type": "client_credentials", "client_secret": client.secret or ""}
    answer = await party.stranger.post("/oauth/token", data=form, auth=client.basic)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def secret_left_out(party: Party) -> None:
    client = party.suite.confidential
    request = party.request(client)
    bare = SampleClient(client.id, client.client_id, None)
    code = await party.code(request)
    answer = await AppRequest(bare, verifier=request.verifier).redeem(party.stranger, code)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def secret_of_a_public_client(party: Party) -> None:
    public = party.suite.public
    posed = SampleClient(public.id, public.client_id, "a secret")
    await party.token_error(posed, "invalid_client", 401, grant_type="refresh_token", refresh_token="x")


async def impersonable_client_asks(party: Party) -> None:
    """An app that anybody on the machine can pretend to be gets no code without a question (RFC 8252, section 8.6)."""
    suite = party.suite
    redirect_uri = "http://127.0.0.1/callback"
    given: dict[str, Any] = {"isPublic": True, "grants": ["AUTHORIZATION_CODE"], "redirectUris": [redirect_uri]}
    client = await registered(suite.app, suite.team.owner, suite.team.team_id, **given)
    for port in ("", ":53121", ":53122"):
        request = AppRequest(client, redirect_uri=redirect_uri.replace("/callback", f"{port}/callback"))
        assert "<h1>Allow App?</h1>" in (await party.person.get(request.address)).text
        await authorize(party.person, request, party.email)


CASES: Cases = {
    "rfc9700-2.1.1-pkce-left-out": partial(pkce_downgrade, code_challenge="", code_challenge_method=""),
    "rfc9700-2.1.1-pkce-method-left-out": partial(pkce_downgrade, code_challenge_method=""),
    "rfc9700-2.1.1-pkce-plain": partial(pkce_downgrade, code_challenge_method="plain"),
    "rfc9700-2.1.1-pkce-unknown-method": partial(pkce_downgrade, code_challenge_method="S512"),
    "rfc9700-2.1.1-pkce-short-challenge": partial(pkce_downgrade, code_challenge="short"),
    "rfc9700-2.1.2-implicit-grant": lambda party: party.refused("unsupported_response_type", response_type="token"),
    "rfc9700-2.1.2-implicit-id-token": lambda party: party.refused("unsupported_response_type", response_type="id_token"),
    "rfc9700-2.1.2-hybrid-flow": lambda party: party.refused("unsupported_response_type", response_type="code token"),
    "rfc9700-2.1.2-fragment-mode": lambda party: party.refused("invalid_request", response_mode="fragment"),
    "rfc9700-2.2-tokens-live-briefly": tokens_live_briefly,
    "rfc9700-2.3-audience-restricted": token_of_another_resource,
    "rfc9700-2.3-privileges-restricted": scope_is_a_bound,
    "rfc9700-2.3-scope-of-nobody": partial(privileges_are_lent_once, scope="TASKS_READ NONSENSE"),
    "rfc9700-2.3-scope-of-others": partial(privileges_are_lent_once, scope="TASKS_READ ADMIN"),
    "rfc9700-2.4-password-grant": lambda party: party.token_error(
        party.suite.confidential, "unsupported_grant_type", grant_type="password", username=party.email, password=PASSWORD
    ),
    "rfc9700-2.5-secret-left-out": secret_left_out,
    "rfc9700-2.5-secret-in-two-places": secret_in_two_places,
    "rfc9700-2.5-secret-of-a-public-client": secret_of_a_public_client,
    **{
        f"rfc9700-4.1-redirect-uri-{name}": lambda party, uri=uri: party.shown(redirect_uri=uri)  # type: ignore[misc]
        for name, uri in _REDIRECT_TRICKS.items()
    },
    "rfc9700-4.2-referrer": pages_leak_nothing,
    "rfc9700-4.3-token-in-history": token_in_query,
    "rfc9700-4.4-mix-up": answers_name_the_issuer,
    "rfc9700-4.5-code-of-another-client": code_of_another_client,
    "rfc9700-4.5-code-of-another-request": code_of_another_request,
    "rfc9700-4.5-code-without-verifier": partial(redeems_nothing, code_verifier=""),
    "rfc9700-4.5-code-with-wrong-verifier": partial(redeems_nothing, code_verifier="x" * 43),
    "rfc9700-4.5-code-with-short-verifier": partial(redeems_nothing, code_verifier="short"),
    "rfc9700-4.5-code-with-other-redirect-uri": partial(redeems_nothing, redirect_uri="https://app.example/callback?tenant=1"),
    "rfc9700-4.5-code-without-redirect-uri": partial(redeems_nothing, redirect_uri=""),
    "rfc9700-4.5-code-raced": code_races,
    "rfc9700-4.6-token-names-its-client": token_says_for_whom,
    "rfc9700-4.7-forged-consent": forged_consent,
    "rfc9700-4.7-forged-sign-in": forged_sign_in,
    "rfc9700-4.7-state-comes-back": partial(state_comes_back, state="a b&c=d#e%0d%0aX: ü💛"),
    "rfc9700-4.7-state-of-headers": partial(state_comes_back, state="\r\nSet-Cookie: x=y"),
    "rfc9700-4.11-open-redirector": denied_leads_nowhere_else,
    "rfc9700-4.12-redirect-307": no_307,
    "rfc9700-4.14-refresh-token-reused": partial(refresh_reuse, confidential=False),
    "rfc9700-4.14-refresh-token-reused-by-a-confidential-client": partial(refresh_reuse, confidential=True),
    "rfc9700-4.14-refresh-token-of-another-client": refresh_of_another_client,
    "rfc9700-4.14-refresh-token-guessed": refresh_guessed,
    "rfc9700-4.14-refresh-widens-nothing": refresh_widens_nothing,
    "rfc9700-4.14-refresh-token-as-access-token": refresh_token_is_no_access_token,
    "rfc9700-4.15-app-is-no-person": app_is_no_person,
    "rfc9700-4.15-app-gets-no-identity": app_gets_no_identity,
    "rfc9700-4.16-clickjacking": no_frames,
    "rfc8252-8.6-impersonable-client-asks": impersonable_client_asks,
}


@pytest.mark.parametrize("name", CASES)
async def test_attack(suite: Suite, name: str) -> None:
    async with suite.party() as party:
        await CASES[name](party)
