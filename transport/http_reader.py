"""Reads the requests of an HTTP connection one at a time, and refuses what cannot be answered.

While a request is answered, what follows it waits unparsed, and the connection is not read from: a client that pipelines holds no
more memory than one packet. The parser cannot stop between two messages, so bytes with several ends of heads are fed to it in
pieces that contain one at most; more than a few pieces are continued in fair turns with other connections.

Only upgrades to websockets are served. The parser stops reading at any other too, as if the rest of the stream were another
protocol's; then a new parser reads the same head without the offer, and the request is answered as HTTP/1.1 (RFC 9110, 7.8).

A request that is refused is answered after the requests before it, and ends the connection.
"""

from asyncio import Transport
from time import monotonic
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from transport.connection_table import ConnectionTable
from transport.fair_turns import MAX_TURN_MESSAGES
from transport.http_head import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    RefusedRequest,
    check_head_size,
    check_version_and_host,
    head_with_upgrade,
    head_without_upgrade,
    is_websocket_upgrade,
    new_parser,
)
from transport.http_response import plain_text_response, serialize
from transport.trusted_proxies import TrustedProxies
from transport.uvicorn_websocket import WebSocketProtocol

_HEAD_END: Final = b"\r\n\r\n"
_LINE_ENDS: Final = b"\r\n"  # which clients may send between two messages, and the parser would skip one by one
_MAX_LINE_END_BYTES: Final = 1_024  # before one message; looking through a flood of them takes as long as it lasts
_LINGER_SECONDS: Final = 1.0  # for which a refused client's bytes are dropped, so that it sees the answer before a reset
_COUNTED_HEADERS: Final = frozenset((b"host", b"expect", b"content-length"))
_MALFORMED: Final = "Invalid HTTP request received."


class ReadFlow(FlowControl):
    """Uvicorn's control of reading, which cannot resume while pipelined requests wait."""

    is_held = False

    def resume_reading(self) -> None:
        if not self.is_held:
            super().resume_reading()


def _do_nothing() -> None:
    """Stands in for a callback of a request that is never answered."""


class HttpReader(HttpToolsProtocol):
    """The reading half of a connection; `start_request` and what answers are its subclass's."""

    def __init__(self, *args: Any, table: ConnectionTable, proxies: TrustedProxies, **named: Any) -> None:
        super().__init__(*args, **named)
        self.parser = new_parser(self)
        self.table = table
        self._proxies = proxies
        self._proxy: tuple[str, int] | None = None  # at the other end of the socket, where it is a trusted one
        self.phase_started_at = 0.0
        self.in_head = False
        self.in_body = self._in_turns = self._offers_upgrade = self._to_websocket = False
        self.between_messages = True
        self._head_bytes = self._piece_bytes = self._host_count = self._line_end_bytes = 0
        self.missing_body_bytes: int | None = None  # None: it is chunked, or there is none
        self._held: bytes | bytearray = b""
        self._is_refusing = False
        self._refusal: RefusedRequest | None = None

    def start_request(self, version: str) -> None:
        """The head of a request is whole: begin to answer it. Raises `RefusedRequest`."""
        raise NotImplementedError

    def on_refused(self) -> None:
        """No further request of the connection is answered; drop one whose body has not arrived."""
        raise NotImplementedError

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None and self._proxies.trusts(self.client[0]):
            self._proxy = self.client

    # ── bytes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        held = self._held
        if self.between_messages and not held and not self._is_refusing:
            # Nearly always: one request, in one packet, with nothing before it.
            cycle: Any = self.cycle
            if (cycle is None or cycle.response_complete) and data[0] not in _LINE_ENDS and data.count(_HEAD_END) == 1:
                self._feed(data)
                return
        if held or self._must_wait:
            self._hold(data)
        elif self._is_refusing:
            return
        elif self.between_messages and data[0] in _LINE_ENDS:
            if data := self._skip_line_ends(data):
                self.data_received(data)
        elif self._is_one_piece(data):
            self._feed(data)
        else:
            self._hold(data)
            if self.continue_reading(0.0):
                self.wait_for_turn()

    def continue_reading(self, deadline: float) -> bool:
        """Parse held bytes up to the end of one request, which is then answered while the others wait. Whether there is more to
        parse in a later turn."""
        for _ in range(MAX_TURN_MESSAGES):
            held = self._held
            if not held or self._must_wait:
                break
            if self._is_refusing or self.parser is None:
                self._held = b""
                break
            if self.between_messages and held[0] in _LINE_ENDS:
                self._held = self._skip_line_ends(held)
                continue
            if self.in_body and self.missing_body_bytes is not None:
                end = self.missing_body_bytes
            else:
                end = held.find(_HEAD_END) + len(_HEAD_END)
                end = len(held) if end < len(_HEAD_END) else end
            piece = bytes(held[:end])
            self._held = held[len(piece) :]
            self._feed(piece)
            if deadline and monotonic() >= deadline:
                break
        if self._held and not self._must_wait:
            return True
        self._in_turns = False
        if not self._held and self.parser is not None:
            cast(ReadFlow, self.flow).is_held = False
            self.flow.resume_reading()
        return False

    def continue_held(self) -> None:
        """A response is complete: go on with the next request, or say why there is none."""
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            if self._held:
                self.wait_for_turn()
        elif self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            self.refuse(refusal)
        elif self._held:
            self.wait_for_turn()

    def wait_for_turn(self) -> None:
        """Continue with the held bytes in a later turn of the loop."""
        if not self._in_turns:
            self._in_turns = True
            self.table.turns.add(self.client[0] if self.client else "", self)

    def drop_received(self) -> None:
        """The connection is lost."""
        self._held = b""
        for waiting, _ in self.pipeline:
            waiting.on_response = _do_nothing  # it refers to this protocol, which would live until cycles are collected
        self.pipeline.clear()

    @property
    def _must_wait(self) -> bool:
        """Whether what follows belongs to others than the request that is being answered."""
        return self.is_busy and (not self.in_body or bool(self.pipeline))

    def _is_one_piece(self, data: bytes) -> bool:
        """Whether at most one head ends in the bytes, and no message in front of it."""
        if not self.in_body:
            return data.count(_HEAD_END) <= 1
        if self.missing_body_bytes is not None:
            return len(data) <= self.missing_body_bytes
        return _HEAD_END not in data

    def _hold(self, data: bytes) -> None:
        """Leave bytes unparsed until the request before them is answered."""
        if self._held:
            self._held += data
            return
        self._held = bytearray(data)
        self.flow.pause_reading()
        cast(ReadFlow, self.flow).is_held = True

    def _skip_line_ends(self, data: bytes | bytearray) -> bytes:
        """What follows the ends of lines in front of a message (RFC 9112, 2.2); too many of them are refused."""
        first = bytes(data[: _MAX_LINE_END_BYTES + 1])
        rest = first.lstrip(_LINE_ENDS)
        self._line_end_bytes += len(first) - len(rest)
        if self._line_end_bytes > _MAX_LINE_END_BYTES:
            self.refuse(RefusedRequest(400, _MALFORMED))
            return b""
        return rest + data[len(first) :]

    def _feed(self, data: bytes) -> None:
        starts_message = self.between_messages
        self._piece_bytes = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            self._on_upgrade(data[stop.args[0] :])
        except httptools.HttpParserError as error:
            reason = error.__context__
            self.refuse(reason if isinstance(reason, RefusedRequest) else RefusedRequest(400, _MALFORMED))
        if self.in_head and (starts_message or self._head_bytes):
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self._is_refusing:
                self.refuse(RefusedRequest(431, "The head is far too long."))

    # ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.in_head = True
        self.in_body = self.between_messages = self._offers_upgrade = self._to_websocket = False
        self._head_bytes = self._host_count = self._line_end_bytes = 0
        self.missing_body_bytes = None
        self.phase_started_at = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            return  # a trailer, which is never taken for a header
        name = name.lower()
        if name in _COUNTED_HEADERS:
            if name == b"host":
                self._host_count += 1
            elif name == b"content-length":
                self.missing_body_bytes = int(value)  # the parser refuses what is no number
            elif value.lower() == b"100-continue":
                self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.in_head = False
        parser = self.parser
        version = parser.get_http_version()
        if version != "1.1" or self._host_count != 1:
            check_version_and_host(version, self._host_count)
        if self._head_bytes + self._piece_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            check_head_size(self.url, self.headers)
        if self._proxy is not None:
            self.client, self.scheme = self._proxies.client_of(self._proxy, "http", self.headers)
        if parser.should_upgrade():
            method = parser.get_method()
            if method == b"CONNECT":
                raise RefusedRequest(405, "This server is no proxy.")
            self._to_websocket = is_websocket_upgrade(method, version, self.headers)
            self._offers_upgrade = not self._to_websocket
            return
        self.start_request(version)
        self.in_body = True

    def end_message(self) -> None:
        """A request is whole."""
        self.between_messages = True
        self.in_body = False

    def count_body(self, size: int) -> None:
        """So many bytes of a body have arrived."""
        if self.missing_body_bytes is not None:
            self.missing_body_bytes -= size

    def on_body(self, body: bytes) -> None:
        self.count_body(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.end_message()
        if not (self._offers_upgrade or self._to_websocket):
            super().on_message_complete()

    # ── upgrades and refusals ─────────────────────────────────────────────────────────────────────────────────────────

    def _should_upgrade(self) -> bool:
        return False  # uvicorn's own code never sees an upgrade

    def _on_upgrade(self, rest: bytes) -> None:
        if self._to_websocket:
            if rest or self.is_busy:
                self.refuse(RefusedRequest(400, _MALFORMED))
            else:
                self.handle_websocket_upgrade()
            return
        method, version = self.parser.get_method(), self.parser.get_http_version()
        self._offers_upgrade = False
        self.parser = new_parser(self)
        self._feed(head_without_upgrade(method, self.url, version, self.headers))
        if self._held:
            self._held = bytearray(rest) + self._held
        elif rest:
            self.data_received(rest)

    def handle_websocket_upgrade(self) -> None:
        """Go on with a websocket's protocol."""
        self.connections.discard(self)
        protocol: Any = self.ws_protocol_class(  # type: ignore[call-arg, misc]
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        if isinstance(protocol, WebSocketProtocol):
            protocol.table = self.table
            self.table.replace(self, protocol)
        else:
            self.table.remove(self)
        protocol.connection_made(self.transport)
        protocol.client, protocol.scheme = self.client, "wss" if self.scheme == "https" else "ws"
        protocol.data_received(head_with_upgrade(self.url, self.headers))
        self.transport.set_protocol(protocol)
        self.parser = cast(Any, None)  # it refers to this protocol, which would live until cycles are collected

    @property
    def is_idle(self) -> bool:
        return not self.is_busy

    def evict(self) -> None:
        self.transport.abort()

    def abort(self) -> None:
        self.transport.abort()

    def refuse(self, refusal: RefusedRequest) -> None:
        """Answer a request that cannot be served, once the requests before it are answered, and end the connection."""
        in_own_body, self.in_body = self.in_body, False
        self._is_refusing = True
        self.in_head = False
        self.on_refused()
        if self.is_busy:
            if not in_own_body or self.pipeline:
                self.pipeline.clear()
                self._refusal = refusal
                return
            # The body of the request that is being answered is malformed.
            self.cycle.disconnected = True
            self.cycle.waiting_for_100_continue = False  # it is answered below, and after that nothing can be written
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        reply = plain_text_response(refusal.status, refusal.message)
        self.transport.write(serialize(reply, self.server_state.default_headers, keep_alive=False))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()
