"""OpenID Connect: ID tokens, userinfo, discovery."""

import json
import re
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.browser_flow import AppRequest, tokens_of
from tests.support.oauth import ORIGIN, SampleClient, graph_error, post_graph
from tests.support.teams import SampleTeam

TASKS = "{ tasks { nodes { title } } }"


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


async def test_who_comes_without_a_good_token_is_told_who_gives_one(http: httpx.AsyncClient) -> None:
    """RFC 9728, section 5.1."""
    refused = await post_graph(http, "nonsense", TASKS)
    assert refused.status_code == 401
    where = re.search(r'resource_metadata="([^"]+)"', refused.headers["www-authenticate"])
    assert where is not None
    assert (await http.get(where[1])).json()["authorization_servers"] == [ORIGIN]
