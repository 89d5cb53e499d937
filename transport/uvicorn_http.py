"""Uvicorn's HTTP protocol, with a short way for what a graph is mostly asked: a POST of a few KiB, whole, for a path of the
graph.

Such a request goes from the parser to its endpoint as a dict of headers and a body, and its response to the socket as one write.
What ASGI puts in between (scope, two messages each way, an event, middleware, a timer to set and to cancel) took 38 µs of the 160
µs of a small query; two writes for one response are two system calls. All else takes uvicorn's usual way: other paths and
methods, streams, long or chunked bodies, proxies' headers, `Expect`, upgrades, what is pipelined behind a request, clients that
do not read.

One timer a connection, which is set anew only when it fires, bounds everything that may last: the head and the body of a request,
its operation, and the silence between two requests. Uvicorn bounds only the last; it would also wait for ever for a head, and
gather one without end.

Rejected: a server of our own (uvicorn's knows upgrades, shutting down, and what ASGI wants of the rest); a task less (a coroutine
that is driven by hand has no task to cancel, and asyncio's own tools ask for one).
"""

import asyncio
from asyncio import BaseTransport, CancelledError, Transport
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from transport.http_response import Reply

MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_FAST_BODY_BYTES: Final = 64 * 1024  # bytes of a body
_HEAD_TIMEOUT_SECONDS, _BODY_TIMEOUT_SECONDS = 15.0, 10.0
_DISCONNECT_GRACE_SECONDS = 0.05  # after a client's going, so that what is nearly done gets done
_SLOW_PATH_HEADERS: Final = frozenset((b"expect", b"upgrade", b"transfer-encoding", b"x-forwarded-for", b"x-forwarded-proto"))
_HEAD_TOO_LARGE_RESPONSE: Final = (
    STATUS_LINE[431] + b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 25\r\nconnection: close\r\n\r\nThe head is far too long."
)

Headers = dict[bytes, bytes]


class RequestHandler(Protocol):
    """What answers the requests of one path. It raises nothing but a cancellation."""

    timeout_seconds: float
    """Seconds after which it is cancelled and asked for what to say then."""

    def streams(self, accept: bytes | None) -> bool:
        """Whether a client with this Accept header is answered by a stream, which is not one whole response."""
        ...

    async def post(self, headers: Headers, body: bytes, ip: str | None) -> Reply:
        """The response to a whole request."""
        ...

    def timeout_response(self, headers: Headers) -> Reply:
        """The response to a request that took too long to be answered."""
        ...

    def body_timeout_response(self, headers: Headers) -> Reply:
        """The response to a request whose body took too long to arrive."""
        ...


class _FastRequest:
    """
    A request on its short way, from the end of its head to its response.

    `response_complete` and `keep_alive` are what uvicorn's protocol looks for in the request that it is busy with.
    """

    __slots__ = ("body", "deadline", "handler", "headers", "keep_alive", "response_complete", "task", "timed_out")

    def __init__(self, handler: RequestHandler, headers: Headers, *, keep_alive: bool, deadline: float) -> None:
        self.handler = handler
        self.headers = headers
        self.keep_alive = keep_alive
        self.deadline = deadline
        self.body = b""
        self.task: asyncio.Task[None] | None = None
        self.timed_out = self.response_complete = False

    def cancel(self) -> None:
        """Cancel what is not done yet."""
        if self.task is not None:
            self.task.cancel()


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's, with a short way for POSTs to the paths of `posts`."""

    def __init__(self, *args: Any, handlers: Mapping[bytes, RequestHandler], **named: Any) -> None:
        super().__init__(*args, **named)
        self._handlers = handlers
        self._incoming_request: _FastRequest | None = None
        self._running_request: _FastRequest | None = None
        self._in_head = self._message_began = False
        self._head_bytes = 0
        self._phase_started_at = 0.0
        self._has_responded = False

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Transport", transport))
        self._phase_started_at = self.loop.time()
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._check_timeouts)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        if self._running_request is not None:
            self.loop.call_later(_DISCONNECT_GRACE_SECONDS, self._running_request.cancel)
        self._incoming_request = None
        cycle: Any = self.cycle
        if isinstance(cycle, _FastRequest):
            self.cycle = cast(Any, None)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._timer.cancel()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._message_began = False
        super().data_received(data)
        if self._in_head and not self._message_began:  # else nobody knows how much of the data is the head's
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LARGE_RESPONSE)
                self.transport.close()

    def _is_busy(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _check_timeouts(self) -> None:
        """End what has lasted too long; come back when something else could have."""
        now = self.loop.time()
        reading, running = self._incoming_request, self._running_request
        if running is not None:
            due = running.deadline
            if due <= now:
                running.timed_out = True
                running.cancel()
                due = now + _BODY_TIMEOUT_SECONDS
        elif reading is not None:
            due = reading.deadline
            if due <= now:
                self._incoming_request = None
                reading.keep_alive = False
                self._write_response(reading, reading.handler.body_timeout_response(reading.headers))
                return
        elif self._is_busy():
            due = now + self.timeout_keep_alive  # uvicorn's, and somebody else's watch
        else:
            due = self._phase_started_at + (
                _HEAD_TIMEOUT_SECONDS if self._in_head or not self._has_responded else self.timeout_keep_alive
            )
            if due <= now:
                self.transport.close()
                return
        self._timer = self.loop.call_later(due - now, self._check_timeouts)

    # ── a request ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = self._message_began = True
        self._head_bytes = 0
        self._phase_started_at = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        posts = self._handlers.get(self.url)
        if posts is None or (call := self._fast_request(posts)) is None:
            self._fall_back_to_asgi()
        else:
            self._incoming_request = call
            self.cycle = cast(Any, call)

    def _fast_request(self, handler: RequestHandler) -> _FastRequest | None:
        """The request, where it may take the short way."""
        parser, headers = self.parser, dict(self.headers)
        declared = headers.get(b"content-length", b"")
        if (
            parser.get_method() != b"POST"
            or self._is_busy()
            or len(declared) > len(str(_MAX_FAST_BODY_BYTES))
            or not declared.isdigit()
            or int(declared) > _MAX_FAST_BODY_BYTES
            or not _SLOW_PATH_HEADERS.isdisjoint(headers)
            or handler.streams(headers.get(b"accept"))
            or parser.get_http_version() != "1.1"
            or self.flow.write_paused
        ):
            return None
        return _FastRequest(
            handler, headers, keep_alive=parser.should_keep_alive(), deadline=self._phase_started_at + _BODY_TIMEOUT_SECONDS
        )

    def _fall_back_to_asgi(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._incoming_request is None:
            super().on_body(body)
        else:
            self._incoming_request.body += body

    def on_message_complete(self) -> None:
        call = self._incoming_request
        if call is None:
            super().on_message_complete()
            return
        self._incoming_request = None
        self._running_request = call
        call.deadline = self.loop.time() + call.handler.timeout_seconds
        call.task = self.loop.create_task(self._run_request(call))
        self.tasks.add(call.task)

    # ── its response ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run_request(self, request: _FastRequest) -> None:
        assert request.task is not None
        try:
            reply = await request.handler.post(request.headers, request.body, self.client[0] if self.client else None)
        except CancelledError:
            if not request.timed_out:
                self.transport.close()
                raise
            request.task.uncancel()
            reply = request.handler.timeout_response(request.headers)
        finally:
            self._running_request = None
            self.tasks.discard(request.task)
        self._write_response(request, reply)

    def _write_response(self, request: _FastRequest, response: Reply) -> None:
        request.response_complete = True
        if not self.transport.is_closing():
            keeps = request.keep_alive and not response.closes
            self.transport.write(_serialize(response, self.server_state.default_headers, keep_alive=keeps))
            if not keeps:
                self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._has_responded = True
        self._phase_started_at = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())


def _serialize(response: Reply, default_headers: list[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    """The bytes of a response."""
    parts = [STATUS_LINE[response.status]]
    for name, value in (*default_headers, *response.headers):
        parts += (name, b": ", value, b"\r\n")
    if not keep_alive and not response.closes:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", response.body)
    return b"".join(parts)
