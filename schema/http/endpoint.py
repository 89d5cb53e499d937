"""GraphQL over HTTP: one operation per request, as a plain ASGI application.

Strawberry's view is not used: it answers malformed input with 500, and issues of speed need a path without request and response
objects. A client that goes away cancels its operation (`schema.http.vigil`).
"""

import re
from collections.abc import Iterable
from itertools import count
from secrets import token_hex

from graphql.language import OperationType
from starlette.types import Receive, Scope, Send

from schema.execution.errors import coded, failure
from schema.execution.executor import Answer, Executor, OperationRequest, refusal
from schema.http.compression import compressed
from schema.http.origins import Header, Origins
from schema.http.persisted import KnownQueries
from schema.http.ports import Authenticate, MayIntrospect, OpenContext, RequestInfo, everybody_may_introspect
from schema.http.request import BadRequest, check_body_type, from_body, from_query_string
from schema.http.response import JSON, encode, messages, negotiate, status_of
from schema.http.stream_format import wanted
from schema.http.streaming import Lasting, Streams, once
from schema.http.vigil import ClientGone, TooLate, Vigil

MAX_BODY = 1024 * 1024
_BODY_SECONDS = 10.0
_PATIENCE = 8  # how many times the longest body is read before the connection is cut
_CLOSE = ((b"connection", b"close"),)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS = token_hex(6)
_NUMBER = count(1)


class GraphQLEndpoint:
    """The ASGI application behind `/graphql` for HTTP."""

    def __init__(
        self,
        executor: Executor,
        *,
        authenticate: Authenticate,
        open_context: OpenContext,
        origins: Origins,
        known: KnownQueries,
        streams: Streams,
        may_introspect: MayIntrospect = everybody_may_introspect,
        max_body: int = MAX_BODY,
        compress: bool = False,
    ) -> None:
        self._executor = executor
        self._authenticate = authenticate
        self._open_context = open_context
        self._origins = origins
        self._known = known
        self._streams = streams
        self._may_introspect = may_introspect
        self._max_body = max_body
        self._compress = compress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        info = request_info(scope, headers)
        own = ((b"x-request-id", info.request_id.encode()), *self._origins.response_headers(headers))
        media_type = JSON
        try:
            if scope["method"] == "OPTIONS":
                preflight = self._origins.preflight_headers(headers)
                await send({"type": "http.response.start", "status": 204, "headers": [own[0], *preflight]})
                await send({"type": "http.response.body", "body": b""})
                return
            stream = wanted(headers.get(b"accept"))
            if stream is None or not stream.only:
                media_type = negotiate(headers.get(b"accept"))
            answer = await self._answered(scope, receive, headers, info, streams=stream is not None)
            if stream is not None and isinstance(answer, Lasting):
                await self._streams.follow(answer, stream.format, info, own, receive, send)
                return
            assert isinstance(answer, Answer)
            if answer.errors:
                self._executor.tally.told(answer.errors)
            if stream is not None and stream.only:
                await once(answer, stream.format, own, send)
                return
            status = status_of(answer, media_type)
            extra = _challenge(answer) if status == 401 else ()
            body = encode(answer.payload())
            if self._compress:
                body, coding = compressed(body, headers.get(b"accept-encoding"))
                extra = (*extra, *coding)
            await _respond(send, status, media_type, body, (*own, *extra))
        except ClientGone:
            return
        except BadRequest as error:
            told = coded(error.message, error.code)
            self._executor.tally.told([told])
            body = encode({"errors": [told]})
            await _respond(send, error.status, media_type, body, (*own, *error.headers))
        except Exception as error:  # noqa: BLE001 (the rim)
            body = encode({"errors": failure(error)})
            await _respond(send, 500, media_type, body, own)

    async def _answered(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], info: RequestInfo, *, streams: bool
    ) -> Answer | Lasting:
        """The answer; or, where the client takes a stream, the subscription that is to be answered by one."""
        reading = True
        try:
            with Vigil(receive, _BODY_SECONDS) as vigil:
                request = await self._request(scope["method"], scope["query_string"], headers, receive)
                reading = False
                vigil.now(self._executor.timeout)
                only = None if scope["method"] == "POST" else OperationType.QUERY
                return await self._answer(request, headers, info, only, streams=streams)
        except TooLate:
            if reading:
                raise BadRequest(408, "BAD_USER_INPUT", "The body took too long to arrive.", _CLOSE) from None
            return self._executor.too_slow()

    async def _request(self, method: str, query_string: bytes, headers: dict[bytes, bytes], receive: Receive) -> OperationRequest:
        match method:
            case "POST":
                check_body_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
                return from_body(await self._body(headers, receive))
            case "GET":
                self._origins.refuse_cross_site_get(headers)
                return from_query_string(query_string)
        raise BadRequest(405, "BAD_USER_INPUT", "Use GET or POST.", [(b"allow", b"GET, POST, OPTIONS")])

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """
        The whole body. What is too long is read on for a while and thrown away: closing on a client that still writes resets the
        connection, and it would never see the answer.
        """
        declared = headers.get(b"content-length", b"0")
        parts: list[bytes] = []
        length = 0
        more = declared.isdigit() and int(declared[:18]) <= self._max_body * _PATIENCE
        while more and length <= self._max_body * _PATIENCE:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            length += len(part)
            if length <= self._max_body:
                parts.append(part)
            more = message.get("more_body", False)
        if more or length > self._max_body or not declared.isdigit() or int(declared[:18]) > self._max_body:
            raise BadRequest(413, "LIMIT_EXCEEDED", f"The body is longer than {self._max_body} bytes.", _CLOSE)
        return b"".join(parts)

    async def _answer(
        self,
        request: OperationRequest,
        headers: dict[bytes, bytes],
        info: RequestInfo,
        only: OperationType | None,
        *,
        streams: bool,
    ) -> Answer | Lasting:
        try:
            credentials = await self._authenticate(authorization(headers))
            if self._known.concerns(request):
                found = await self._known.resolve(request)
                if isinstance(found, Answer):
                    return found
                request = found
            prepared = self._executor.prepare(request, may_introspect=self._may_introspect(credentials))
            if isinstance(prepared, Answer):
                return prepared
            if prepared.kind is OperationType.SUBSCRIPTION:
                if streams:
                    return Lasting(prepared=prepared, credentials=credentials)
                message = "Subscriptions need a websocket, or an Accept header with text/event-stream or multipart/mixed."
                raise BadRequest(400, "BAD_USER_INPUT", message)
            if only is not None and prepared.kind is not only:
                raise BadRequest(405, "BAD_USER_INPUT", "A GET may only run queries.", [(b"allow", b"POST")])
            async with self._open_context(credentials, info) as context:
                return await self._executor.execute(prepared, context, timed=False)
        except BadRequest:
            raise
        except Exception as error:  # noqa: BLE001 (the rim)
            return refusal(*failure(error))


def request_info(scope: Scope, headers: dict[bytes, bytes]) -> RequestInfo:
    """Where a request comes from; the client's `X-Request-Id` is kept when it is a plain word."""
    given = headers.get(b"x-request-id", b"")
    agent = headers.get(b"user-agent")
    client = scope.get("client")
    return RequestInfo(
        user_agent=agent[:256].decode("latin-1") if agent else None,
        ip=client[0] if client else None,
        request_id=given.decode() if _REQUEST_ID.fullmatch(given) else f"{_PROCESS}{next(_NUMBER):x}",
    )


def authorization(headers: dict[bytes, bytes]) -> str | None:
    """The value of the Authorization header."""
    value = headers.get(b"authorization")
    return None if value is None else value.decode("latin-1")


def _challenge(answer: Answer) -> Iterable[Header]:
    expired = any(error["extensions"]["code"] == "TOKEN_EXPIRED" for error in answer.errors)
    reason = b', error_description="expired"' if expired else b""
    return ((b"www-authenticate", b'Bearer error="invalid_token"' + reason),)


async def _respond(send: Send, status: int, media_type: bytes, body: bytes, headers: Iterable[Header]) -> None:
    for message in messages(status, media_type, body, headers):
        await send(message)
