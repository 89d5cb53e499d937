"""Answers `/oauth/token`, `/oauth/revoke` and `/oauth/introspect`, which programs call."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import orjson
from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.oauth.client_documents import id_of, is_document_url
from auth.oauth.device_grant import DeviceAuthorizationEndpoint, DeviceGrant
from auth.oauth.grants import token_server
from auth.oauth.requests import ParsedRequest, read_form
from auth.oauth.server import Answer, LoadedRequest, RequestServer
from auth.oauth.token_inspection import IntrospectionEndpoint, RevocationEndpoint, load_token
from auth.tokens import AccessTokens
from domain import device_code as device_codes
from domain import session as sessions
from domain.errors import DomainError, Unavailable
from domain.oauth_client import OAuthClient, as_first_party
from domain.oauth_grant import parse_code, redeemed
from domain.origin import origin_of
from domain.session import FIRST_PARTY_PATHS, Device, SessionKind, parse_token
from persistence.engine.database import Database
from persistence.stores import oauth_client
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 (a path)
DEVICE_START_PATH: Final = "/oauth/device_authorization"
DEVICE_PATH: Final = "/oauth/device"
REVOKE_PATH: Final = "/oauth/revoke"
INTROSPECT_PATH: Final = "/oauth/introspect"
_NOT_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
CORS_HEADERS: Final = {"Access-Control-Allow-Origin": "*"}
"""Any page may call: nothing here reads cookies."""
PREFLIGHT_HEADERS: Final = {
    **CORS_HEADERS,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "86400",
}


class TokenEndpoint:
    """Answers requests of programs: for tokens, and about them."""

    def __init__(self, database: Database, announcer: Announcer, tokens: AccessTokens, *, issuer: str) -> None:
        self._database = database
        self._announcer = announcer
        self._tokens = tokens
        self._issuer = issuer

    def routes(self) -> list[BaseRoute]:
        methods = ["POST", "OPTIONS"]
        return [
            Route(TOKEN_PATH, self._endpoint(TOKEN_PATH, self._issue), methods=methods),
            Route(DEVICE_START_PATH, self._endpoint(DEVICE_START_PATH, self._start_device), methods=methods),
            Route(REVOKE_PATH, self._endpoint(REVOKE_PATH, self._revoke), methods=methods),
            Route(INTROSPECT_PATH, self._endpoint(INTROSPECT_PATH, self._introspect), methods=methods),
        ]

    def _endpoint(
        self, path: str, answer: Callable[[ParsedRequest, LoadedRequest], Awaitable[Answer]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint at a path; errors are those of RFC 6749, section 5.2."""

        async def respond(request: Request) -> Response:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=PREFLIGHT_HEADERS)
            try:
                parameters = await read_form(request)
                authorization = {"Authorization": request.headers.get("authorization", "")}
                parsed = ParsedRequest("POST", self._issuer + path, parameters, authorization)
                return to_response(await answer(parsed, await self._load(request, parsed)))
            except OAuth2Error as error:
                return to_response(Answer(*error()))
            except Unavailable as error:
                return unavailable(error)

        return respond

    async def _load(self, request: Request, parsed: ParsedRequest) -> LoadedRequest:
        return LoadedRequest(
            now=datetime.now(UTC),
            tokens=self._tokens,
            device=device_of(request),
            client=await find_client(self._database, parsed, issuer=self._issuer),
        )

    async def _issue(self, parsed: ParsedRequest, loaded: LoadedRequest) -> Answer:
        if not parsed.payload.grant_type:
            raise InvalidRequestError("Send a grant_type.")

        async def run(uow: SqlUnitOfWork) -> Answer:
            loaded.reset()  # of a run that was undone
            await self._load_grant(uow, parsed, loaded)
            server = token_server(loaded)
            server.register_grant(DeviceGrant)
            answer: Answer = server.create_token_response(parsed)
            await self._store(uow, loaded)
            return answer

        origin = origin_of(None, loaded.device)
        return await run_in_unit_of_work(self._database, self._announcer, run, origin=origin)

    async def _load_grant(self, uow: SqlUnitOfWork, parsed: ParsedRequest, loaded: LoadedRequest) -> None:
        """Load and lock what the request's code or refresh token names."""
        loaded.now = uow.now
        match parsed.payload.grant_type:
            case "authorization_code" if (named := parse_code(parsed.form.get("code", ""))) is not None:
                found = await uow.oauth_grants.lock_code(named[0])
                loaded.code_secret = named[1]
                loaded.code, loaded.user = found if found is not None else (None, None)
            case DeviceGrant.GRANT_TYPE if (named := parse_code(parsed.form.get("device_code", ""))) is not None:
                loaded.code_secret = named[1]
                if (known := await uow.device_codes.lock(named[0])) is not None:
                    loaded.device_code, loaded.user = known
            case "refresh_token" if (token := parse_token(parsed.form.get("refresh_token", ""))) is not None:
                held = await uow.sessions.lock(token[0])
                loaded.refresh_secret = token[1]
                if held is not None and held[0].kind is SessionKind.GRANT:
                    loaded.session, loaded.user = held

    async def _store(self, uow: SqlUnitOfWork, loaded: LoadedRequest) -> None:
        """Store what the grant decided. What was presented again ends the session that came of it."""
        if loaded.opened is not None:
            await sessions.add(uow, loaded.opened)
            if loaded.code is not None:
                await uow.oauth_grants.save_code(redeemed(loaded.code, loaded.opened.id))
            elif loaded.device_code is not None:
                await uow.device_codes.save(replace(loaded.device_code, session_id=loaded.opened.id))
        elif loaded.device_polled and loaded.device_code is not None:
            await uow.device_codes.save(replace(loaded.device_code, polled_at=uow.now))
        if loaded.renewed is not None:
            await uow.sessions.save(loaded.renewed)
        if loaded.token_reused:
            assert loaded.session is not None
            await sessions.end(uow, loaded.session, None)
        if loaded.code_reused and loaded.code is not None and loaded.code.session_id is not None:
            held = await uow.sessions.lock(loaded.code.session_id)
            if held is not None and held[0].revoked_at is None:
                await sessions.end(uow, held[0], None)

    async def _start_device(self, parsed: ParsedRequest, loaded: LoadedRequest) -> Answer:
        async def run(uow: SqlUnitOfWork) -> Answer:
            loaded.reset()
            server = RequestServer(loaded)
            endpoint = DeviceAuthorizationEndpoint(loaded, self._issuer + DEVICE_PATH)
            server.register_endpoint(endpoint)
            answer: Answer = server.create_endpoint_response(DeviceAuthorizationEndpoint.ENDPOINT_NAME, parsed)
            if loaded.new_code is not None and loaded.client is not None:
                await device_codes.issue(
                    uow,
                    loaded.client,
                    code=loaded.new_code,
                    user_code=endpoint.user_code,
                    scopes=loaded.new_code_scopes,
                    resource=loaded.audience(parsed),
                )
            return answer

        return await run_in_unit_of_work(self._database, self._announcer, run)

    async def _revoke(self, parsed: ParsedRequest, loaded: LoadedRequest) -> Answer:
        async def run(uow: SqlUnitOfWork) -> Answer:
            token = await load_token(uow, parsed, loaded)
            server = RequestServer(loaded)
            server.register_endpoint(endpoint := RevocationEndpoint(token))
            answer: Answer = server.create_endpoint_response(RevocationEndpoint.ENDPOINT_NAME, parsed)
            if endpoint.revoked is not None and endpoint.revoked.revoked_at is None:
                await sessions.end(uow, endpoint.revoked, None)
            return answer

        return await run_in_unit_of_work(self._database, self._announcer, run)

    async def _introspect(self, parsed: ParsedRequest, loaded: LoadedRequest) -> Answer:
        async def run(uow: SqlUnitOfWork) -> Answer:
            token = await load_token(uow, parsed, loaded)
            server = RequestServer(loaded)
            server.register_endpoint(IntrospectionEndpoint(token, self._issuer))
            answer: Answer = server.create_endpoint_response(IntrospectionEndpoint.ENDPOINT_NAME, parsed)
            return answer

        return await run_in_unit_of_work(self._database, self._announcer, run)


async def find_client(database: Database, request: ParsedRequest, *, issuer: str) -> OAuthClient | None:
    """The client that a request names, in its header or its form; None when there is none. Raises InvalidRequestError."""
    try:
        named, _ = extract_basic_authorization(request.headers)
    except ValueError as error:
        raise InvalidRequestError("The Authorization header cannot be read.") from error
    in_form = request.payload.client_id
    if named is not None and (request.payload.data.get("client_secret") or in_form not in (None, named)):
        raise InvalidRequestError("Authenticate the client in one way only.")
    return await client_by_id(database, named or in_form or "", issuer=issuer)


async def client_by_id(database: Database, client_id: str, *, issuer: str) -> OAuthClient | None:
    """The client of a client id, written as it was given out, or of a document that somebody has consented to; None when there is
    none."""
    if is_document_url(client_id):
        described = await oauth_client.get(database, id_of(client_id))
        return described if described is not None and described.document_url == client_id else None
    try:
        id_ = UUID(client_id)
    except ValueError:
        return None
    found = await oauth_client.get(database, id_) if str(id_) == client_id else None
    return found if found is None or found.id not in FIRST_PARTY_PATHS else as_first_party(found, issuer)


def device_of(request: Request) -> Device:
    """The client, as its request describes it."""
    address = request.client.host if request.client is not None else None
    return Device(user_agent=request.headers.get("user-agent"), ip_address=address)


def to_response(answer: Answer) -> Response:
    """The response of an endpoint without pages."""
    headers = {**dict(answer.headers), **_NOT_STORED, **CORS_HEADERS}
    headers.pop("Content-Type", None)
    return Response(orjson.dumps(answer.body), answer.status, headers, "application/json")


def unavailable(error: DomainError) -> Response:
    """The response when a store does not answer."""
    body = {"error": "temporarily_unavailable", "error_description": error.message}
    return Response(orjson.dumps(body), 503, {**_NOT_STORED, **CORS_HEADERS}, "application/json")
