"""Answers `/oauth/token`: a client presents a grant and gets tokens."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import orjson
from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.oauth.requests import ParsedRequest, read_form
from auth.oauth.server import Answer, LoadedRequest, RequestServer
from auth.tokens import AccessTokens
from domain.errors import DomainError, Unavailable
from domain.oauth_client import OAuthClient
from persistence.engine.database import Database
from persistence.stores import oauth_client

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 (a path)
_NOT_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
CORS_HEADERS: Final = {"Access-Control-Allow-Origin": "*"}
"""Any page may call: nothing here reads cookies."""
_PREFLIGHT_HEADERS: Final = {
    **CORS_HEADERS,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "86400",
}


class TokenEndpoint:
    """Answers requests for tokens."""

    def __init__(self, database: Database, tokens: AccessTokens, *, issuer: str) -> None:
        self._database = database
        self._tokens = tokens
        self._issuer = issuer

    def routes(self) -> list[BaseRoute]:
        return [Route(TOKEN_PATH, self.answer, methods=["POST", "OPTIONS"])]

    async def answer(self, request: Request) -> Response:
        """The tokens, or an error of RFC 6749, section 5.2."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT_HEADERS)
        try:
            parsed = await self._parse(request, TOKEN_PATH)
            client = await find_client(self._database, parsed)
            return to_response(RequestServer(self._load(client)).create_token_response(parsed))
        except OAuth2Error as error:
            return to_response(Answer(*error()))
        except Unavailable as error:
            return unavailable(error)

    async def _parse(self, request: Request, path: str) -> ParsedRequest:
        parameters = await read_form(request)
        authorization = {"Authorization": request.headers.get("authorization", "")}
        return ParsedRequest(request.method, self._issuer + path, parameters, authorization)

    def _load(self, client: OAuthClient | None) -> LoadedRequest:
        return LoadedRequest(
            now=datetime.now(UTC),
            client=client,
            issue_to_app=self._tokens.issue_to_app,
            lifetime_seconds=self._tokens.lifetime_seconds,
            resources=self._tokens.resources,
        )


async def find_client(database: Database, request: ParsedRequest) -> OAuthClient | None:
    """The client that a request names, in its header or its form; None when there is none. Raises InvalidRequestError."""
    try:
        named, _ = extract_basic_authorization(request.headers)
    except ValueError as error:
        raise InvalidRequestError("The Authorization header cannot be read.") from error
    in_form = request.payload.client_id
    if named is not None and (request.payload.data.get("client_secret") or in_form not in (None, named)):
        raise InvalidRequestError("Authenticate the client in one way only.")
    try:
        return await oauth_client.get(database, UUID(named or in_form or ""))
    except ValueError:
        return None


def to_response(answer: Answer) -> Response:
    """The response of an endpoint without pages."""
    headers = {**dict(answer.headers), **_NOT_STORED, **CORS_HEADERS}
    headers.pop("Content-Type", None)
    return Response(orjson.dumps(answer.body), answer.status, headers, "application/json")


def unavailable(error: DomainError) -> Response:
    """The response when a store does not answer."""
    body = {"error": "temporarily_unavailable", "error_description": error.message}
    return Response(orjson.dumps(body), 503, {**_NOT_STORED, **CORS_HEADERS}, "application/json")
