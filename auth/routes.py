"""Serves what verifiers of tokens need to know: the public keys."""

from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.keys import LEAD_SECONDS, SigningKeys

JWKS_PATH: Final = "/.well-known/jwks.json"


def key_routes(keys: SigningKeys) -> list[BaseRoute]:
    """The JWK Set of the server, for everybody; it may be cached for as long as a new key is published before it signs."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": f"public, max-age={LEAD_SECONDS:.0f}",
        "X-Content-Type-Options": "nosniff",
    }

    async def jwks(request: Request) -> Response:
        return Response(orjson.dumps(keys.jwks()), media_type="application/jwk-set+json", headers=headers)

    return [Route(JWKS_PATH, jwks, methods=["GET"])]
