"""Answers GraphQL over HTTP: one operation per request, for whole requests (`post`) and as a plain ASGI application.

Strawberry's view is not used: it answers malformed input with 500, and speed needs a path without request and response objects.
Most requests come as `post`, past ASGI (`transport.uvicorn_http`). A client that goes away cancels its operation
(`gateway.http.request_watchdog`).
"""

from typing import Any, NamedTuple

from graphql.language import OperationType
from starlette.types import Receive, Scope, Send

from domain.cost_limit import CostBalance, CostLimitExceeded
from domain.errors import DomainError
from gateway.execution.encoding import encode, encode_in_turns
from gateway.execution.errors import coded_error, format_errors
from gateway.execution.executor import Executor, OperationRequest, OperationResult, PreparedOperation, error_result
from gateway.http.anonymous_turns import AnonymousTurns
from gateway.http.body import CLOSE_HEADER, read_body, request_timeout
from gateway.http.compression import compress_body
from gateway.http.cost_meter import CostMeter, rate_limit_headers, wants_cost, with_cost
from gateway.http.credentials import CredentialVerifier
from gateway.http.origins import AllowedOrigins
from gateway.http.ports import MayIntrospect, OpenContext, RequestInfo, allow_introspection
from gateway.http.request import BadRequest, check_body_type, from_body, from_query_string
from gateway.http.request_info import authorization, client_ip, request_info
from gateway.http.request_watchdog import ClientDisconnected, RequestTimeout, RequestWatchdog
from gateway.http.response import JSON, Reply, full_response, http_status, negotiate_media_type
from gateway.http.stream_format import negotiate_stream
from gateway.http.streaming import StreamingOperation, StreamingResponses, stream_once
from gateway.persisted.queries import PersistedQueries
from transport.http_response import Header

MAX_BODY_BYTES = 1024 * 1024
_BODY_TIMEOUT_SECONDS = 10.0

Headers = dict[bytes, bytes]


class _Answer(NamedTuple):
    """The answer to an operation, whether the caller is signed in, and the balance of their cost limit, where there is one."""

    result: OperationResult | StreamingOperation
    is_authenticated: bool = False
    balance: CostBalance | None = None


class GraphQLEndpoint:
    """Answers `/graphql` over HTTP."""

    def __init__(
        self,
        executor: Executor,
        *,
        credentials: CredentialVerifier,
        open_context: OpenContext,
        origins: AllowedOrigins,
        persisted_queries: PersistedQueries,
        streaming: StreamingResponses,
        may_introspect: MayIntrospect = allow_introspection,
        cost_meter: CostMeter | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        compress: bool = False,
        resource_metadata: str | None = None,
    ) -> None:
        self._executor = executor
        self._credentials = credentials
        self._open_context = open_context
        self._origins = origins
        self._persisted_queries = persisted_queries
        self._streaming = streaming
        self._may_introspect = may_introspect
        self._cost_meter = cost_meter
        self._max_body_bytes = max_body_bytes
        self._compress = compress
        self._resource_metadata = resource_metadata
        self._anonymous_turns = AnonymousTurns()
        self.timeout_seconds = executor.timeout_seconds

    # ── whole requests ────────────────────────────────────────────────────────────────────────────────────────────────

    def streams(self, accept: bytes | None) -> bool:
        return negotiate_stream(accept) is not None

    async def post(self, headers: Headers, body: bytes, ip: str | None) -> Reply:
        """The response to a POST that takes no stream and is not too long. The caller bounds the time."""
        info = request_info(headers, ip)
        media_type = JSON
        try:
            media_type = negotiate_media_type(headers.get(b"accept"))
            check_body_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
            return await self._respond(await self._execute(from_body(body), headers, info), media_type, headers, info)
        except Exception as error:  # noqa: BLE001 (the rim)
            return self._error_response(error, media_type, headers, info)

    def timeout_response(self, headers: Headers) -> Reply:
        """The response to a request that took too long to be answered."""
        result = self._executor.timeout_result()
        return self._build_response(_Answer(result), encode(result.to_payload()), (), JSON, headers, request_info(headers, None))

    def body_timeout_response(self, headers: Headers) -> Reply:
        """The response to a request whose body took too long to arrive."""
        return self._error_response(request_timeout(), JSON, headers, request_info(headers, None))

    # ── ASGI ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"])
        info = request_info(headers, client_ip(scope))
        media_type = JSON
        try:
            if scope["method"] == "OPTIONS":
                reply = Reply(204, (_request_id_header(info), *self._origins.preflight_headers(headers)))
            else:
                stream = negotiate_stream(headers.get(b"accept"))
                if stream is None or not stream.is_only_choice:
                    media_type = negotiate_media_type(headers.get(b"accept"))
                answer = await self._read_and_execute(scope, receive, headers, info, accepts_stream=stream is not None)
                result = answer.result
                if stream is not None and isinstance(result, StreamingOperation):
                    own = self._response_headers(headers, info, answer.balance)
                    await self._streaming.respond(result, stream.format, info, own, receive, send)
                    return
                assert isinstance(result, OperationResult)
                if stream is not None and stream.is_only_choice:
                    self._executor.metrics.count_errors(result.errors)
                    await stream_once(result, stream.format, self._response_headers(headers, info, answer.balance), send)
                    return
                reply = await self._respond(answer, media_type, headers, info)
        except ClientDisconnected:
            return
        except Exception as error:  # noqa: BLE001 (the rim)
            reply = self._error_response(error, media_type, headers, info)
        for message in reply.messages():
            await send(message)

    async def _read_and_execute(
        self, scope: Scope, receive: Receive, headers: Headers, info: RequestInfo, *, accepts_stream: bool
    ) -> _Answer:
        """The answer; or, where the client takes a stream, the subscription that is to be answered by one."""
        reading = True
        try:
            with RequestWatchdog(receive, _BODY_TIMEOUT_SECONDS) as watchdog:
                request = await self._read_request(scope["method"], scope["query_string"], headers, receive)
                reading = False
                watchdog.begin_operation(self._executor.timeout_seconds)
                only = None if scope["method"] == "POST" else OperationType.QUERY
                return await self._execute(request, headers, info, only, accepts_stream=accepts_stream)
        except RequestTimeout:
            if reading:
                raise request_timeout() from None
            return _Answer(self._executor.timeout_result())

    async def _read_request(self, method: str, query_string: bytes, headers: Headers, receive: Receive) -> OperationRequest:
        match method:
            case "POST":
                check_body_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
                return from_body(await read_body(headers, receive, self._max_body_bytes))
            case "GET":
                self._origins.require_same_site_get(headers)
                return from_query_string(query_string)
        raise BadRequest(405, "BAD_USER_INPUT", "Use GET or POST.", [(b"allow", b"GET, POST, OPTIONS")])

    # ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _execute(
        self,
        request: OperationRequest,
        headers: Headers,
        info: RequestInfo,
        allowed_type: OperationType | None = None,
        *,
        accepts_stream: bool = False,
    ) -> _Answer:
        try:
            credentials = await self._credentials.authenticate(authorization(headers))
            if credentials is None:
                await self._anonymous_turns.wait()
        except DomainError as error:
            return _Answer(error_result(*format_errors(error)))
        if credentials is None:
            return await self._execute_as(None, request, info, allowed_type, accepts_stream=accepts_stream)
        with self._anonymous_turns.authenticated():
            return await self._execute_as(credentials, request, info, allowed_type, accepts_stream=accepts_stream)

    async def _execute_as(
        self,
        credentials: Any,
        request: OperationRequest,
        info: RequestInfo,
        allowed_type: OperationType | None,
        *,
        accepts_stream: bool,
    ) -> _Answer:
        balance: CostBalance | None = None
        try:
            if self._persisted_queries.applies_to(request):
                found = await self._persisted_queries.resolve(request)
                if isinstance(found, OperationResult):
                    return _Answer(found, credentials is not None)
                request = found
            may_introspect = self._may_introspect(credentials)
            prepared = self._executor.prepare_known(request, may_introspect=may_introspect)
            if prepared is None:
                prepared = await self._executor.prepare_in_turn(
                    request,
                    owner=self._credentials.session_stream(credentials) or info.ip,
                    may_introspect=may_introspect,
                    parsing_budget=None if credentials is not None else self._executor.parsing_budgets.of(info.ip),
                )
            if isinstance(prepared, OperationResult):
                return _Answer(prepared, credentials is not None)
            _check_kind(prepared, allowed_type, accepts_stream=accepts_stream)
            if self._cost_meter is not None:
                info = await self._cost_meter.charge(prepared, credentials, info)
            balance = info.charge and info.charge.balance
            if prepared.kind is OperationType.SUBSCRIPTION:
                return _Answer(StreamingOperation(prepared=prepared, credentials=credentials), credentials is not None, balance)
            async with self._open_context(credentials, info) as context:
                result = await self._executor.execute(prepared, context, enforce_timeout=False)
            if info.charge is not None and wants_cost(request):
                result = with_cost(result, prepared, info.charge, self._executor)
            return _Answer(result, credentials is not None, balance)
        except BadRequest:
            raise
        except Exception as error:  # noqa: BLE001 (the rim)
            if isinstance(error, CostLimitExceeded):
                balance = error.balance
            return _Answer(error_result(*format_errors(error)), credentials is not None, balance)

    async def _respond(self, answer: _Answer, media_type: bytes, headers: Headers, info: RequestInfo) -> Reply:
        assert isinstance(answer.result, OperationResult)
        body = await encode_in_turns(answer.result.to_payload())
        coding: tuple[Header, ...] = ()
        if self._compress:
            body, coding = await compress_body(body, headers.get(b"accept-encoding"))
        return self._build_response(answer, body, coding, media_type, headers, info)

    def _build_response(
        self,
        answer: _Answer,
        body: bytes,
        coding: tuple[Header, ...],
        media_type: bytes,
        headers: Headers,
        info: RequestInfo,
    ) -> Reply:
        result = answer.result
        assert isinstance(result, OperationResult)
        own = self._response_headers(headers, info, answer.balance)
        status = 200
        if result.errors or not result.executed:
            self._executor.metrics.count_errors(result.errors)
            status = http_status(result, media_type)
            if status == 401:
                own = (*own, _www_authenticate_header(result, self._resource_metadata))
            elif status == 429:
                own = (*own, *_retry_after_headers(result))
        return full_response(status, media_type, body, (*own, *coding), is_authenticated=answer.is_authenticated)

    def _error_response(self, error: Exception, media_type: bytes, headers: Headers, info: RequestInfo) -> Reply:
        """The response to a request that is malformed, or that a bug of the server ends."""
        own = self._response_headers(headers, info)
        if not isinstance(error, BadRequest):
            return full_response(500, media_type, encode({"errors": format_errors(error)}), own)
        formatted = coded_error(error.message, error.code)
        self._executor.metrics.count_errors([formatted])
        return full_response(
            error.status,
            media_type,
            encode({"errors": [formatted]}),
            (*own, *error.headers),
            closes_connection=CLOSE_HEADER in error.headers,
        )

    def _response_headers(self, headers: Headers, info: RequestInfo, balance: CostBalance | None = None) -> tuple[Header, ...]:
        limits = () if balance is None else rate_limit_headers(balance)
        return (_request_id_header(info), *limits, *self._origins.response_headers(headers))


def _check_kind(prepared: PreparedOperation, allowed_type: OperationType | None, *, accepts_stream: bool) -> None:
    """Raises BadRequest for an operation that cannot be answered to this request."""
    if prepared.kind is OperationType.SUBSCRIPTION:
        if not accepts_stream:
            message = "Subscriptions need a websocket, or an Accept header with text/event-stream or multipart/mixed."
            raise BadRequest(400, "BAD_USER_INPUT", message)
    elif allowed_type is not None and prepared.kind is not allowed_type:
        raise BadRequest(405, "BAD_USER_INPUT", "A GET may only run queries.", [(b"allow", b"POST")])


def _request_id_header(info: RequestInfo) -> Header:
    return (b"x-request-id", info.request_id.encode())


def _retry_after_headers(result: OperationResult) -> tuple[Header, ...]:
    """When a refused client may come again (RFC 9110, section 10.2.3)."""
    seconds = max((error["extensions"].get("retryAfter", 0) for error in result.errors), default=0)
    return ((b"retry-after", b"%d" % seconds),) if seconds else ()


def _www_authenticate_header(result: OperationResult, resource_metadata: str | None) -> Header:
    """The challenge of a 401 (RFC 6750), with the address of the metadata that name the authorization server (RFC 9728)."""
    expired = any(error["extensions"]["code"] == "TOKEN_EXPIRED" for error in result.errors)
    reason = b', error_description="expired"' if expired else b""
    where = b"" if resource_metadata is None else f', resource_metadata="{resource_metadata}"'.encode()
    return (b"www-authenticate", b'Bearer error="invalid_token"' + reason + where)
