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

LONGEST_HEAD: Final = 64 * 1024
_SHORT: Final = 64 * 1024  # bytes of a body
_HEAD_SECONDS, _BODY_SECONDS = 15.0, 10.0
_SOON = 0.05  # after a client's going, so that what is nearly done gets done
_LONG_WAY: Final = frozenset((b"expect", b"upgrade", b"transfer-encoding", b"x-forwarded-for", b"x-forwarded-proto"))
_HEAD_TOO_LONG: Final = (
    STATUS_LINE[431] + b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 25\r\nconnection: close\r\n\r\nThe head is far too long."
)

Headers = dict[bytes, bytes]


class Posts(Protocol):
    """What answers the requests of one path. It raises nothing but a cancellation."""

    timeout: float
    """Seconds after which it is cancelled and asked for what to say then."""

    def streams(self, accept: bytes | None) -> bool:
        """Whether a client with this Accept header is answered by a stream, which is not one whole response."""
        ...

    async def post(self, headers: Headers, body: bytes, ip: str | None) -> Reply:
        """The response to a whole request."""
        ...

    def too_slow(self, headers: Headers) -> Reply:
        """The response to a request that took too long to be answered."""
        ...

    def too_late(self, headers: Headers) -> Reply:
        """The response to a request whose body took too long to arrive."""
        ...


class _Call:
    """
    A request on its short way, from the end of its head to its response.

    `response_complete` and `keep_alive` are what uvicorn's protocol looks for in the request that it is busy with.
    """

    __slots__ = ("body", "due", "headers", "keep_alive", "posts", "response_complete", "task", "too_slow")

    def __init__(self, posts: Posts, headers: Headers, *, keep_alive: bool, due: float) -> None:
        self.posts = posts
        self.headers = headers
        self.keep_alive = keep_alive
        self.due = due
        self.body = b""
        self.task: asyncio.Task[None] | None = None
        self.too_slow = self.response_complete = False

    def end(self) -> None:
        """Cancel what is not done yet."""
        if self.task is not None:
            self.task.cancel()


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's, with a short way for POSTs to the paths of `posts`."""

    def __init__(self, *args: Any, posts: Mapping[bytes, Posts], **named: Any) -> None:
        super().__init__(*args, **named)
        self._posts = posts
        self._reading: _Call | None = None
        self._running: _Call | None = None
        self._in_head = self._begins = False
        self._head_bytes = 0
        self._since = 0.0
        self._answered = False

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Transport", transport))
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        if self._running is not None:
            self.loop.call_later(_SOON, self._running.end)
        self._reading = None
        cycle: Any = self.cycle
        if isinstance(cycle, _Call):
            self.cycle = cast(Any, None)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._timer.cancel()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._begins = False
        super().data_received(data)
        if self._in_head and not self._begins:  # else nobody knows how much of the data is the head's
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD and not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LONG)
                self.transport.close()

    def _is_busy(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _look(self) -> None:
        """End what has lasted too long; come back when something else could have."""
        now = self.loop.time()
        reading, running = self._reading, self._running
        if running is not None:
            due = running.due
            if due <= now:
                running.too_slow = True
                running.end()
                due = now + _BODY_SECONDS
        elif reading is not None:
            due = reading.due
            if due <= now:
                self._reading = None
                reading.keep_alive = False
                self._respond(reading, reading.posts.too_late(reading.headers))
                return
        elif self._is_busy():
            due = now + self.timeout_keep_alive  # uvicorn's, and somebody else's watch
        else:
            due = self._since + (_HEAD_SECONDS if self._in_head or not self._answered else self.timeout_keep_alive)
            if due <= now:
                self.transport.close()
                return
        self._timer = self.loop.call_later(due - now, self._look)

    # ── a request ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = self._begins = True
        self._head_bytes = 0
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        posts = self._posts.get(self.url)
        if posts is None or (call := self._call(posts)) is None:
            self._take_usual_way()
        else:
            self._reading = call
            self.cycle = cast(Any, call)

    def _call(self, posts: Posts) -> _Call | None:
        """The request, where it may take the short way."""
        parser, headers = self.parser, dict(self.headers)
        declared = headers.get(b"content-length", b"")
        if (
            parser.get_method() != b"POST"
            or self._is_busy()
            or len(declared) > len(str(_SHORT))
            or not declared.isdigit()
            or int(declared) > _SHORT
            or not _LONG_WAY.isdisjoint(headers)
            or posts.streams(headers.get(b"accept"))
            or parser.get_http_version() != "1.1"
            or self.flow.write_paused
        ):
            return None
        return _Call(posts, headers, keep_alive=parser.should_keep_alive(), due=self._since + _BODY_SECONDS)

    def _take_usual_way(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._reading is None:
            super().on_body(body)
        else:
            self._reading.body += body

    def on_message_complete(self) -> None:
        call = self._reading
        if call is None:
            super().on_message_complete()
            return
        self._reading = None
        self._running = call
        call.due = self.loop.time() + call.posts.timeout
        call.task = self.loop.create_task(self._answer(call))
        self.tasks.add(call.task)

    # ── its response ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, call: _Call) -> None:
        assert call.task is not None
        try:
            reply = await call.posts.post(call.headers, call.body, self.client[0] if self.client else None)
        except CancelledError:
            if not call.too_slow:
                self.transport.close()
                raise
            call.task.uncancel()
            reply = call.posts.too_slow(call.headers)
        finally:
            self._running = None
            self.tasks.discard(call.task)
        self._respond(call, reply)

    def _respond(self, call: _Call, reply: Reply) -> None:
        call.response_complete = True
        if not self.transport.is_closing():
            keeps = call.keep_alive and not reply.closes
            self.transport.write(_raw(reply, self.server_state.default_headers, keeps=keeps))
            if not keeps:
                self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._answered = True
        self._since = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())


def _raw(reply: Reply, always: list[tuple[bytes, bytes]], *, keeps: bool) -> bytes:
    """The bytes of a response."""
    parts = [STATUS_LINE[reply.status]]
    for name, value in (*always, *reply.headers):
        parts += (name, b": ", value, b"\r\n")
    if not keeps and not reply.closes:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", reply.body)
    return b"".join(parts)
