"""The modules of the OpenID conformance suite that apply to this server (docs/sign-in.md names the others), by their names."""

import base64
import hashlib
import time
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey

from tests.support.browser_flow import returned, sign_in
from tests.support.conformance import CALLBACK_WITH_QUERY, SCOPE, Cases, Party, Suite
from tests.support.oauth import ORIGIN, create_client, post_graph


async def server(party: Party) -> None:
    request = party.request(nonce="n-0S6_WzA2Mj")
    response = await request.redeem(party.stranger, await party.code(request))
    tokens = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 600, SCOPE)
    claims = await party.claims(tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ORIGIN, party.suite.public.client_id, party.sub)
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 60
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


async def signature(party: Party) -> None:
    token = (await party.tokens())["id_token"]
    header = jws.extract_compact(token.encode()).headers()
    published = (await party.stranger.get("/.well-known/jwks.json")).json()["keys"]
    assert header["kid"] in [each["kid"] for each in published]
    assert (header["alg"], header["typ"]) == ("ES256", "JWT")
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(token, ECKey.generate_key("P-256"), algorithms=["ES256"])


async def without_nonce(party: Party) -> None:
    assert "nonce" not in await party.claims((await party.tokens())["id_token"])


async def scope(party: Party, asked: str, *, told: set[str]) -> None:
    tokens = await party.tokens(scope=asked)
    assert tokens["scope"] == asked
    for claims in (await party.claims(tokens["id_token"]), (await party.userinfo(tokens["access_token"])).json()):
        profile = {"name", "given_name", "family_name", "locale", "zoneinfo", "updated_at"}
        assert (claims.keys() & (profile | {"email", "email_verified"})) == told
        assert claims["sub"] == party.sub


async def userinfo(party: Party, method: str) -> None:
    told = await party.userinfo((await party.tokens(scope="openid email"))["access_token"], method)
    assert (told.status_code, told.headers["content-type"]) == (200, "application/json")
    assert told.json() == {"sub": party.sub, "email": party.email, "email_verified": False}


async def ignored(party: Party, **more: Any) -> None:
    claims = await party.claims((await party.tokens(**more))["id_token"])
    assert claims["sub"] == party.sub


async def prompt_login(party: Party) -> None:
    first = await party.claims((await party.tokens())["id_token"])
    await party.suite.app.sql.execute(
        "UPDATE sessions SET authenticated_at = authenticated_at - interval '1 min' WHERE kind = 'BROWSER' AND user_id = $1",
        party.suite.team.member.user.id,
    )
    given = returned(await sign_in(party.person, await party.asks_sign_in(prompt="login"), party.email))
    assert "code" in given
    again = await party.claims((await party.tokens())["id_token"])
    assert again["auth_time"] >= first["auth_time"]
    assert again["sub"] == first["sub"]


async def prompt_none_without_session(party: Party) -> None:
    request = party.request(prompt="none")
    given = returned(await party.stranger.get(request.address))
    assert (given["error"], given["state"]) == ("login_required", request.state)
    assert "code" not in given


async def prompt_none_with_session(party: Party) -> None:
    first = await party.claims((await party.tokens())["id_token"])
    second = await party.claims((await party.tokens(prompt="none"))["id_token"])
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


async def max_age_passed(party: Party) -> None:
    await party.suite.app.sql.execute(
        "UPDATE sessions SET authenticated_at = authenticated_at - interval '5 s' WHERE kind = 'BROWSER' AND user_id = $1",
        party.suite.team.member.user.id,
    )
    page = await party.asks_sign_in(max_age="1")
    await party.refused("login_required", max_age="1", prompt="none")
    assert "code" in returned(await sign_in(party.person, page, party.email))
    assert time.time() - (await party.claims((await party.tokens(max_age="60"))["id_token"]))["auth_time"] < 60


async def max_age_not_passed(party: Party) -> None:
    first = await party.claims((await party.tokens())["id_token"])
    second = await party.claims((await party.tokens(max_age="10000"))["id_token"])
    assert second["auth_time"] == first["auth_time"]


async def id_token_hint(party: Party) -> None:
    hint = (await party.tokens())["id_token"]
    assert (await party.claims((await party.tokens(prompt="none", id_token_hint=hint))["id_token"]))["sub"] == party.sub
    of_another_app = (await party.tokens(party.suite.confidential))["id_token"]
    forged = jws.serialize_compact({"alg": "ES256"}, b'{"sub": "x"}', ECKey.generate_key("P-256"), algorithms=["ES256"])
    for wrong in (of_another_app, forged, hint[:-4], "nonsense"):
        await party.refused("login_required", prompt="none", id_token_hint=wrong)
        await party.asks_sign_in(id_token_hint=wrong)
    tokens = party.suite.app.resources.tokens
    of_somebody = tokens.issue_id_token(party.suite.public.client_id, {"sub": str(party.suite.team.owner.user.id)})
    await party.refused("login_required", prompt="none", id_token_hint=of_somebody)
    page = await party.asks_sign_in(id_token_hint=of_somebody)
    assert "code" in returned(await sign_in(party.person, page, party.email))  # asked once: the app compares `sub`


async def login_hint(party: Party) -> None:
    page = await party.stranger.get(party.request(login_hint="buffy@example.com").address)
    assert 'value="buffy@example.com"' in page.text


async def code_reuse(party: Party, *, later: str) -> None:
    request = party.request()
    code = await party.code(request)
    tokens = (await request.redeem(party.stranger, code)).json()
    await party.suite.app.sql.execute(
        f"UPDATE authorization_codes SET expires_at = expires_at - interval '{later}' WHERE id::text = $1", code.partition(".")[0]
    )
    again = await request.redeem(party.stranger, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    refreshed = await party.stranger.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": party.suite.public.client_id},
    )
    assert refreshed.json()["error"] == "invalid_grant"


async def post_request(party: Party) -> None:
    request = party.request()
    posted = await party.person.post("/oauth/authorize", data=request.parameters, headers={"Origin": "https://app.example"})
    assert posted.status_code == 303
    given = returned(await party.person.get(posted.headers["location"]))
    assert (given["state"], "code" in given) == (request.state, True)
    for wrong in ({}, {"client_id": ["a", "b"]}):
        refused = await party.person.post("/oauth/authorize", data=wrong)
        assert (refused.status_code, "location" in refused.headers) == (400, False)


async def client_secret_post(party: Party) -> None:
    client = party.suite.confidential
    request = party.request(client)
    form = {"client_id": client.client_id, "client_secret": client.secret or "", "grant_type": "authorization_code"}
    form |= {"code": await party.code(request), "redirect_uri": request.redirect_uri, "code_verifier": request.verifier}
    wrong = await party.stranger.post("/oauth/token", data=form | {"client_secret": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert (await party.stranger.post("/oauth/token", data=form)).status_code == 200


async def refresh_token(party: Party) -> None:
    tokens = await party.tokens(nonce="n")
    form = {"grant_type": "refresh_token", "client_id": party.suite.public.client_id}
    answer = (await party.stranger.post("/oauth/token", data=form | {"refresh_token": tokens["refresh_token"]})).json()
    assert answer["refresh_token"] != tokens["refresh_token"]
    assert answer["access_token"] != tokens["access_token"]
    before, after = await party.claims(tokens["id_token"]), await party.claims(answer["id_token"])
    assert [after[each] for each in ("iss", "sub", "aud", "auth_time")] == [
        before[each] for each in ("iss", "sub", "aud", "auth_time")
    ]
    assert "nonce" not in after
    assert (await party.userinfo(answer["access_token"])).status_code == 200


async def pkce(party: Party) -> None:
    request = party.request()
    code = await party.code(request)
    wrong = await request.redeem(party.stranger, code, code_verifier="x" * 43)
    assert wrong.json()["error"] == "invalid_grant"
    assert (await request.redeem(party.stranger, code)).status_code == 200


async def query_of_redirect_uri(party: Party) -> None:
    request = party.request(redirect_uri=CALLBACK_WITH_QUERY)
    answer = await party.person.get(request.address)
    assert answer.headers["location"].startswith(f"{CALLBACK_WITH_QUERY}&")
    assert returned(answer)["tenant"] == "1"


async def fragment_of_redirect_uri(party: Party) -> None:
    suite = party.suite
    payload = await create_client(
        suite.app, suite.team.owner, suite.team.team_id, redirectUris=["https://app.example/callback#x"]
    )
    assert [each["code"] for each in payload["errors"]] == ["INVALID"]


async def discovery(party: Party) -> None:
    found = (await party.stranger.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == ORIGIN
    assert found["subject_types_supported"] == ["public"]
    assert found["id_token_signing_alg_values_supported"] == ["ES256"]
    assert found["response_types_supported"] == ["code"]
    assert {"openid", "profile", "email"} <= set(found["scopes_supported"])
    assert not {"offline_access", "address", "phone"} & set(found["scopes_supported"])
    assert (found["request_parameter_supported"], found["request_uri_parameter_supported"]) == (False, False)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert (await party.stranger.get(urlsplit(found[name]).path)).status_code != 404


async def published_keys(party: Party) -> None:
    keys = (await party.stranger.get("/.well-known/jwks.json")).json()["keys"]
    assert len({each["kid"] for each in keys}) == len(keys) >= 1
    for each in keys:
        assert (each["kty"], each["crv"], each["use"], each["alg"]) == ("EC", "P-256", "sig", "ES256")
        assert "d" not in each


async def id_token_is_no_access_token(party: Party) -> None:
    tokens = await party.tokens()
    assert (await party.userinfo(tokens["id_token"])).status_code == 401
    assert (await post_graph(party.stranger, tokens["id_token"], "{ viewer { id } }")).status_code == 401


PROFILE = {"name", "given_name", "family_name", "locale", "zoneinfo", "updated_at"}
EMAIL = {"email", "email_verified"}
CASES: Cases = {
    "oidcc-server": server,
    "oidcc-idtoken-signature": signature,
    "oidcc-response-type-missing": lambda party: party.refused("unsupported_response_type", response_type=""),
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": without_nonce,
    "oidcc-userinfo-get": partial(userinfo, method="GET"),
    "oidcc-userinfo-post-header": partial(userinfo, method="POST"),
    "oidcc-scope-profile": partial(scope, asked="openid profile", told=PROFILE),
    "oidcc-scope-email": partial(scope, asked="openid email", told=EMAIL),
    "oidcc-scope-all": partial(scope, asked="openid profile email", told=PROFILE | EMAIL),
    "oidcc-ensure-other-scope-order-succeeds": partial(scope, asked="email openid", told=EMAIL),
    "oidcc-display-page": partial(ignored, display="page"),
    "oidcc-display-popup": partial(ignored, display="popup"),
    "oidcc-prompt-login": prompt_login,
    "oidcc-prompt-none-not-logged-in": prompt_none_without_session,
    "oidcc-prompt-none-logged-in": prompt_none_with_session,
    "oidcc-max-age-1": max_age_passed,
    "oidcc-max-age-10000": max_age_not_passed,
    "oidcc-ensure-request-with-unknown-parameter-succeeds": partial(ignored, extra="foobar"),
    "oidcc-id-token-hint": id_token_hint,
    "oidcc-login-hint": login_hint,
    "oidcc-ui-locales": partial(ignored, ui_locales="se"),
    "oidcc-claims-locales": partial(ignored, claims_locales="se"),
    "oidcc-ensure-request-with-acr-values-succeeds": partial(ignored, acr_values="1 2"),
    "oidcc-claims-essential": partial(ignored, claims='{"userinfo":{"name":{"essential":true}}}'),
    "oidcc-codereuse": partial(code_reuse, later="0 s"),
    "oidcc-codereuse-30seconds": partial(code_reuse, later="30 s"),
    "oidcc-ensure-registered-redirect-uri": lambda party: party.shown(redirect_uri="https://app.example/other"),
    "oidcc-ensure-redirect-uri-in-authorization-request": lambda party: party.shown(redirect_uri=""),
    "oidcc-redirect-uri-query-OK": query_of_redirect_uri,
    "oidcc-redirect-uri-query-mismatch": lambda party: party.shown(redirect_uri="https://app.example/callback?tenant=2"),
    "oidcc-redirect-uri-query-added": lambda party: party.shown(redirect_uri=CALLBACK_WITH_QUERY + "&foo=bar"),
    "oidcc-redirect-uri-regfrag": fragment_of_redirect_uri,
    "oidcc-ensure-post-request-succeeds": post_request,
    "oidcc-server-client-secret-post": client_secret_post,
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": lambda party: party.refused(
        "request_uri_not_supported", request_uri="https://app.example/request.jwt"
    ),
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": lambda party: party.refused(
        "request_not_supported", request="eyJhbGciOiJub25lIn0.e30."
    ),
    "oidcc-ensure-request-object-with-redirect-uri": lambda party: party.refused("request_not_supported", request="e30.e30."),
    "oidcc-refresh-token": refresh_token,
    "oidcc-ensure-request-with-valid-pkce-succeeds": pkce,
    "oidcc-discovery-endpoint-verification": discovery,
    "openid-published-keys": published_keys,
    "openid-id-token-is-no-access-token": id_token_is_no_access_token,
}


@pytest.mark.parametrize("name", CASES)
async def test_openid(suite: Suite, name: str) -> None:
    async with suite.party() as party:
        await CASES[name](party)
