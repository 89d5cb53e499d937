"""Answers `/oauth/userinfo`: who the person behind an access token is (OpenID Connect Core, section 5.3)."""

from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.oauth.id_token import user_claims
from auth.oauth.token_endpoint import CORS_HEADERS, PREFLIGHT_HEADERS, unavailable
from auth.tokens import AccessTokens
from domain.errors import Unauthenticated, Unavailable
from persistence.engine.database import Database
from persistence.stores import user as users

USERINFO_PATH: Final = "/oauth/userinfo"
_HEADERS: Final = {**CORS_HEADERS, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def userinfo_routes(database: Database, tokens: AccessTokens) -> list[BaseRoute]:
    """The endpoint, for tokens with the scope `openid`."""

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=PREFLIGHT_HEADERS)
        authorization = request.headers.get("authorization")
        try:
            credentials = await tokens.authenticate(authorization)
            if authorization is None or credentials is None:
                return Response(status_code=401, headers=_HEADERS | {"WWW-Authenticate": "Bearer"})
            scopes = tokens.verify(authorization.partition(" ")[2].strip()).scopes
        except Unauthenticated as error:
            return _refuse(401, "invalid_token", error.message)
        except Unavailable as error:
            return unavailable(error)
        if "openid" not in scopes:
            return _refuse(403, "insufficient_scope", "The token lacks the scope openid.", 'scope="openid"')
        user_id = credentials.actor.user_id
        found = await users.by_ids(database, [user_id])
        return Response(orjson.dumps(user_claims(found[user_id], scopes)), headers=_HEADERS, media_type="application/json")

    return [Route(USERINFO_PATH, answer, methods=["GET", "POST", "OPTIONS"])]


def _refuse(status: int, error: str, description: str, *more: str) -> Response:
    """A refusal of RFC 6750, section 3."""
    challenge = ", ".join([f'Bearer error="{error}"', f'error_description="{description}"', *more])
    return Response(status_code=status, headers=_HEADERS | {"WWW-Authenticate": challenge})
