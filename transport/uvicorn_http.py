"""Extends uvicorn's HTTP protocol: a fast path for small POSTs, and a deadline for every state.

Fast path. A POST of a few KiB to a path of the graph goes from the parser to its handler as a dict of headers and a body, and its
response to the socket as one write. What ASGI puts in between (scope, two messages each way, an event, middleware, a timer to
set and to cancel) took 38 of the 160 µs of a small query; two writes for one response are two system calls. All else takes
uvicorn's path: other paths and methods, streams, long or chunked bodies, `Expect`, clients that do not read.

Deadlines. One timer a connection, which is set anew only when it fires, bounds everything that may last: the head and the body of
a request, its operation, the silence between two requests, the writing of a response, and closing. Uvicorn bounds only the
silence; it would also wait for ever for a head, and gather one without end.

Rejected: an own server (uvicorn's knows shutting down, and what ASGI wants of the rest); driving the coroutine without a task
(there would be nothing to cancel, and asyncio's own tools ask for one).
"""

from asyncio import BaseTransport, CancelledError, Transport
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from transport.connection_table import ConnectionTable
from transport.fast_request import FastRequest, RequestHandler
from transport.http_head import check_path
from transport.http_reader import HttpReader, ReadFlow
from transport.http_response import Reply, plain_text_response, serialize
from transport.trusted_proxies import NO_PROXIES, TrustedProxies

_MAX_FAST_BODY_BYTES: Final = 64 * 1024
_DISCONNECT_GRACE_SECONDS = 0.05  # after a client's going, so that what is nearly done gets done
_SLOW_PATH_HEADERS: Final = frozenset((b"expect", b"upgrade", b"transfer-encoding"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTimeouts:
    """How long the states of a connection may last; the silence between two requests is uvicorn's `timeout_keep_alive`."""

    head_seconds: float = 15.0
    """From its beginning, or from that of the connection, to the end of a head."""
    body_seconds: float = 10.0
    """From the beginning of a request to the end of its body, on the fast path."""
    write_seconds: float = 30.0
    """For which a client may take nothing of a response that it was sent more of than buffers hold."""
    close_seconds: float = 5.0
    """From a connection's closing until it is cut."""


def http_protocol(
    handlers: Mapping[bytes, RequestHandler],
    table: ConnectionTable | None = None,
    timeouts: HttpTimeouts = HttpTimeouts(),
    proxies: TrustedProxies = NO_PROXIES,
) -> Any:
    """What makes protocols for uvicorn's `http` setting; all of them share one table of connections."""
    shared = ConnectionTable() if table is None else table
    return partial(HttpProtocol, handlers=handlers, table=shared, timeouts=timeouts, proxies=proxies)


class HttpProtocol(HttpReader):
    """One connection. `handlers` answer POSTs to their paths on the fast path."""

    def __init__(self, *args: Any, handlers: Mapping[bytes, RequestHandler], timeouts: HttpTimeouts, **named: Any) -> None:
        super().__init__(*args, **named)
        self._handlers = handlers
        self._timeouts = timeouts
        self._incoming_request: FastRequest | None = None
        self._running_request: FastRequest | None = None
        self._blocked_since: float | None = None
        self._is_closing_slowly = False
        self._has_responded = False
        self._is_authenticated = False

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Transport", transport))
        self.flow = ReadFlow(self.transport)
        self.phase_started_at = self.loop.time()
        self._timer = self.loop.call_later(min(self.timeout_keep_alive, self._timeouts.head_seconds), self._check_timeouts)
        if not self.table.add(self, self.client[0] if self.client is not None and self._proxy is None else None):
            reply = plain_text_response(503, "Too many connections.")
            self.transport.write(serialize(reply, self.server_state.default_headers, keep_alive=False))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self.table.remove(self)
        if self._running_request is not None:
            self.loop.call_later(_DISCONNECT_GRACE_SECONDS, self._running_request.cancel)
        self._incoming_request = None
        cycle: Any = self.cycle
        if isinstance(cycle, FastRequest):
            self.cycle = cast(Any, None)
        super().connection_lost(exc)
        self.drop_received()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._blocked_since = self.loop.time()
        self.table.add_unread(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._blocked_since = None
        self.table.remove_unread(self)

    def _check_timeouts(self) -> None:
        """End what has lasted too long; come back when something else could have."""
        now = self.loop.time()
        reading, running = self._incoming_request, self._running_request
        if self._blocked_since is not None and self._blocked_since + self._timeouts.write_seconds <= now:
            self.transport.abort()
            return
        if self.transport.is_closing():
            if self._is_closing_slowly and self._blocked_since is None:
                self.transport.abort()
                return
            self._is_closing_slowly = True
            due = now + self._timeouts.close_seconds
        elif running is not None:
            due = running.deadline
            if due <= now:
                running.timed_out = True
                running.cancel()
                due = now + self._timeouts.body_seconds
        elif reading is not None:
            due = reading.deadline
            if due <= now:
                self._incoming_request = None
                reading.keep_alive = False
                self._write_response(reading, reading.handler.body_timeout_response(reading.headers))
                due = now + self._timeouts.close_seconds
        elif self.is_busy or self._blocked_since is not None:
            due = now + self.timeout_keep_alive  # an ASGI application bounds its own time
        else:
            due = self.phase_started_at + (
                self._timeouts.head_seconds if self.in_head or not self._has_responded else self.timeout_keep_alive
            )
            if due <= now:
                self.transport.close()
                due = now + self._timeouts.close_seconds
        self._timer = self.loop.call_at(max(due, now), self._check_timeouts)

    # ── a request ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def start_request(self, version: str) -> None:
        handler = self._handlers.get(self.url)
        if handler is None or (request := self._fast_request(handler, version)) is None:
            check_path(self.url)
            self._fall_back_to_asgi()
        else:
            self._incoming_request = request
            self.cycle = cast(Any, request)

    def _fast_request(self, handler: RequestHandler, version: str) -> FastRequest | None:
        """The request, where it may take the fast path."""
        parser, headers = self.parser, dict(self.headers)
        declared = headers.get(b"content-length", b"")
        if (
            parser.get_method() != b"POST"
            or self.is_busy
            or len(declared) > len(str(_MAX_FAST_BODY_BYTES))
            or not declared.isdigit()
            or int(declared) > _MAX_FAST_BODY_BYTES
            or not _SLOW_PATH_HEADERS.isdisjoint(headers)
            or handler.streams(headers.get(b"accept"))
            or version != "1.1"
            or self.flow.write_paused
        ):
            return None
        return FastRequest(
            handler, headers, keep_alive=parser.should_keep_alive(), deadline=self.phase_started_at + self._timeouts.body_seconds
        )

    def _fall_back_to_asgi(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super(HttpReader, self).on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super(HttpReader, self).on_headers_complete()

    def on_body(self, body: bytes) -> None:
        request = self._incoming_request
        if request is None:
            super().on_body(body)
        else:
            self.missing_body_bytes -= len(body)  # type: ignore[operator]  # it has a Content-Length
            request.body = request.body + body if request.body else body

    def on_message_complete(self) -> None:
        request = self._incoming_request
        if request is None:
            super().on_message_complete()
            return
        self.between_messages, self.in_body = True, False
        self._incoming_request = None
        self._running_request = request
        request.deadline = self.loop.time() + request.handler.timeout_seconds
        request.task = self.loop.create_task(self._run_request(request))
        self.tasks.add(request.task)

    def on_refused(self) -> None:
        if self._incoming_request is not None:
            self._incoming_request = None
            self.cycle = cast(Any, None)

    def handle_websocket_upgrade(self) -> None:
        self._timer.cancel()
        super().handle_websocket_upgrade()

    # ── its response ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run_request(self, request: FastRequest) -> None:
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
            request.task = None  # a cancelled task refers to this frame
        self._write_response(request, reply)

    def _write_response(self, request: FastRequest, response: Reply) -> None:
        request.response_complete = True
        if response.is_authenticated and not self._is_authenticated:
            self._is_authenticated = True
            self.table.mark_authenticated(self)
        if not self.transport.is_closing():
            keeps = request.keep_alive and not response.closes
            self.transport.write(serialize(response, self.server_state.default_headers, keep_alive=keeps))
            if not keeps:
                self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._has_responded = True
        self.phase_started_at = self.loop.time()
        if self.transport.is_closing():
            return
        self.continue_held()
