"""GraphQL over HTTP: one operation per request, for whole requests (`post`) and as a plain ASGI application.

Strawberry's view is not used: it answers malformed input with 500, and issues of speed need a path without request and response
objects. Most requests come as `post`, past ASGI (`transport.uvicorn_http`). A client that goes away cancels its operation
(`gateway.http.request_watchdog`).
"""

from graphql.language import OperationType
from starlette.types import Receive, Scope, Send

from gateway.execution.errors import coded, failure
from gateway.execution.executor import Answer, Executor, OperationRequest, refusal
from gateway.http.body import CLOSE, read_body, too_late
from gateway.http.compression import compressed
from gateway.http.origins import Origins
from gateway.http.ports import Authenticate, MayIntrospect, OpenContext, RequestInfo, everybody_may_introspect
from gateway.http.request import BadRequest, check_body_type, from_body, from_query_string
from gateway.http.request_info import authorization, ip_of, request_info
from gateway.http.request_watchdog import ClientGone, TooLate, Vigil
from gateway.http.response import JSON, Reply, encode, negotiate, status_of, whole
from gateway.http.stream_format import wanted
from gateway.http.streaming import Lasting, Streams, once
from gateway.persisted.queries import KnownQueries
from transport.http_response import Header

MAX_BODY = 1024 * 1024
_BODY_SECONDS = 10.0

Headers = dict[bytes, bytes]


class GraphQLEndpoint:
    """What answers `/graphql` over HTTP."""

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
        self.timeout = executor.timeout

    # ── whole requests ────────────────────────────────────────────────────────────────────────────────────────────────

    def streams(self, accept: bytes | None) -> bool:
        return wanted(accept) is not None

    async def post(self, headers: Headers, body: bytes, ip: str | None) -> Reply:
        """The response to a POST that takes no stream and is not too long. Whoever calls bounds the time."""
        info = request_info(headers, ip)
        media_type = JSON
        try:
            media_type = negotiate(headers.get(b"accept"))
            check_body_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
            answer = await self._answer(from_body(body), headers, info)
            assert isinstance(answer, Answer)
            return self._reply(answer, media_type, headers, info)
        except Exception as error:  # noqa: BLE001 (the rim)
            return self._refused(error, media_type, headers, info)

    def too_slow(self, headers: Headers) -> Reply:
        """The response to a request that took too long to be answered."""
        return self._reply(self._executor.too_slow(), JSON, headers, request_info(headers, None))

    def too_late(self, headers: Headers) -> Reply:
        """The response to a request whose body took too long to arrive."""
        return self._refused(too_late(), JSON, headers, request_info(headers, None))

    # ── ASGI ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"])
        info = request_info(headers, ip_of(scope))
        media_type = JSON
        try:
            if scope["method"] == "OPTIONS":
                reply = Reply(204, (_named(info), *self._origins.preflight_headers(headers)))
            else:
                stream = wanted(headers.get(b"accept"))
                if stream is None or not stream.only:
                    media_type = negotiate(headers.get(b"accept"))
                answer = await self._read_and_answered(scope, receive, headers, info, streams=stream is not None)
                if stream is not None and isinstance(answer, Lasting):
                    await self._streams.follow(answer, stream.format, info, self._own(headers, info), receive, send)
                    return
                assert isinstance(answer, Answer)
                if stream is not None and stream.only:
                    self._executor.tally.told(answer.errors)
                    await once(answer, stream.format, self._own(headers, info), send)
                    return
                reply = self._reply(answer, media_type, headers, info)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 (the rim)
            reply = self._refused(error, media_type, headers, info)
        for message in reply.messages():
            await send(message)

    async def _read_and_answered(
        self, scope: Scope, receive: Receive, headers: Headers, info: RequestInfo, *, streams: bool
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
                raise too_late() from None
            return self._executor.too_slow()

    async def _request(self, method: str, query_string: bytes, headers: Headers, receive: Receive) -> OperationRequest:
        match method:
            case "POST":
                check_body_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
                return from_body(await read_body(headers, receive, self._max_body))
            case "GET":
                self._origins.refuse_cross_site_get(headers)
                return from_query_string(query_string)
        raise BadRequest(405, "BAD_USER_INPUT", "Use GET or POST.", [(b"allow", b"GET, POST, OPTIONS")])

    # ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(
        self,
        request: OperationRequest,
        headers: Headers,
        info: RequestInfo,
        only: OperationType | None = None,
        *,
        streams: bool = False,
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

    def _reply(self, answer: Answer, media_type: bytes, headers: Headers, info: RequestInfo) -> Reply:
        own = self._own(headers, info)
        status = 200
        if answer.errors or not answer.executed:
            self._executor.tally.told(answer.errors)
            status = status_of(answer, media_type)
            if status == 401:
                own = (*own, _challenge(answer))
        body = encode(answer.payload())
        if self._compress:
            body, coding = compressed(body, headers.get(b"accept-encoding"))
            own = (*own, *coding)
        return whole(status, media_type, body, own)

    def _refused(self, error: Exception, media_type: bytes, headers: Headers, info: RequestInfo) -> Reply:
        """The response to what is no request of the graph; or to a failure of ours."""
        own = self._own(headers, info)
        if not isinstance(error, BadRequest):
            return whole(500, media_type, encode({"errors": failure(error)}), own)
        told = coded(error.message, error.code)
        self._executor.tally.told([told])
        return whole(error.status, media_type, encode({"errors": [told]}), (*own, *error.headers), closes=CLOSE in error.headers)

    def _own(self, headers: Headers, info: RequestInfo) -> tuple[Header, ...]:
        return (_named(info), *self._origins.response_headers(headers))


def _named(info: RequestInfo) -> Header:
    return (b"x-request-id", info.request_id.encode())


def _challenge(answer: Answer) -> Header:
    expired = any(error["extensions"]["code"] == "TOKEN_EXPIRED" for error in answer.errors)
    reason = b', error_description="expired"' if expired else b""
    return (b"www-authenticate", b'Bearer error="invalid_token"' + reason)
