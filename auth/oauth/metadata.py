"""Describes the authorization server (RFC 8414, OpenID Connect Discovery) and the protected resource (RFC 9728)."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.keys import ALGORITHM
from auth.oauth.authorize_endpoint import AUTHORIZE_PATH
from auth.oauth.device_grant import DeviceGrant
from auth.oauth.server import ALL_METHODS, SECRET_METHODS
from auth.oauth.token_endpoint import CORS_HEADERS, DEVICE_START_PATH, INTROSPECT_PATH, REVOKE_PATH, TOKEN_PATH
from auth.oauth.userinfo import USERINFO_PATH
from auth.routes import JWKS_PATH
from auth.tokens import OPENID_SCOPES
from domain.actor import Scope

GRAPH_METADATA_PATH: Final = "/.well-known/oauth-protected-resource/graphql"
_MAX_AGE_SECONDS: Final = 300
_CLAIMS: Final = [
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"),
    *("name", "given_name", "family_name", "locale", "zoneinfo", "updated_at", "email", "email_verified"),
]
_HEADERS: Final = {
    **CORS_HEADERS,
    "Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}",
    "X-Content-Type-Options": "nosniff",
}


def server_metadata(issuer: str) -> dict[str, Any]:
    """The metadata of the authorization server (RFC 8414, OpenID Connect Discovery)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE_PATH,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOKE_PATH,
        "introspection_endpoint": issuer + INTROSPECT_PATH,
        "device_authorization_endpoint": issuer + DEVICE_START_PATH,
        "userinfo_endpoint": issuer + USERINFO_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": [*OPENID_SCOPES, *map(str, Scope)],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", DeviceGrant.GRANT_TYPE],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(ALL_METHODS),
        "revocation_endpoint_auth_methods_supported": list(ALL_METHODS),
        "introspection_endpoint_auth_methods_supported": list(SECRET_METHODS),
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": _CLAIMS,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "client_id_metadata_document_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


def resource_metadata(issuer: str, resource: str) -> dict[str, Any]:
    """The metadata of the graph as a protected resource (RFC 9728)."""
    return {
        "resource": resource,
        "authorization_servers": [issuer],
        "scopes_supported": [str(each) for each in Scope],
        "bearer_methods_supported": ["header"],
        "resource_name": "PantheraHive",
    }


def metadata_routes(issuer: str) -> list[BaseRoute]:
    """The documents at their well-known places."""
    documents: Mapping[str, dict[str, Any]] = {
        "/.well-known/oauth-authorization-server": server_metadata(issuer),
        "/.well-known/openid-configuration": server_metadata(issuer),
        "/.well-known/oauth-protected-resource": resource_metadata(issuer, issuer),
        GRAPH_METADATA_PATH: resource_metadata(issuer, f"{issuer}/graphql"),
    }

    def route(path: str, document: dict[str, Any]) -> Route:
        body = orjson.dumps(document)

        async def answer(request: Request) -> Response:
            return Response(body, headers=_HEADERS, media_type="application/json")

        return Route(path, answer, methods=["GET"])

    return [route(path, document) for path, document in documents.items()]
