"""Describes the authorization server (RFC 8414) and the protected resource (RFC 9728) to clients that bring themselves."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.oauth.server import SECRET_METHODS
from auth.oauth.token_endpoint import CORS_HEADERS, TOKEN_PATH
from auth.routes import JWKS_PATH
from domain.actor import Scope

_MAX_AGE_SECONDS: Final = 300
_HEADERS: Final = {
    **CORS_HEADERS,
    "Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}",
    "X-Content-Type-Options": "nosniff",
}


def server_metadata(issuer: str) -> dict[str, Any]:
    """What RFC 8414 tells of the server."""
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": [str(each) for each in Scope],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": list(SECRET_METHODS),
        "service_documentation": f"{issuer}/",
    }


def resource_metadata(issuer: str, resource: str) -> dict[str, Any]:
    """What RFC 9728 tells of the graph."""
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
        "/.well-known/oauth-protected-resource": resource_metadata(issuer, issuer),
        "/.well-known/oauth-protected-resource/graphql": resource_metadata(issuer, f"{issuer}/graphql"),
    }

    def route(path: str, document: dict[str, Any]) -> Route:
        body = orjson.dumps(document)

        async def answer(request: Request) -> Response:
            return Response(body, headers=_HEADERS, media_type="application/json")

        return Route(path, answer, methods=["GET"])

    return [route(path, document) for path, document in documents.items()]
