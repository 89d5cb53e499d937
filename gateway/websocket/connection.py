"""Handles one client's websocket, whatever carries it (`gateway.websocket.transport`) and whichever protocol it speaks
(`gateway.websocket.subprotocols`).

A connection is called: by its transport with every message, by its subscriptions with their payloads, by the timers that all
connections share. It has a task only while an operation begins or runs, or a token is checked. What it sends waits in one queue
and is written in turns (`transport.write_scheduler`), several messages in one write.

Slow readers: while the transport takes no more, or 1 MiB waits, nothing is read from the client, no operation begins, a replay
waits, and live subscriptions are bounded (`gateway.websocket.subscription`). A client that stays stalled misses its pong deadline
(`gateway.websocket.keepalive`).

Close codes are those of the protocol (docs/transports.md lists them for clients): 4400 malformed, 4401 not acknowledged yet, 4403
refused or ended meanwhile, 4408 no `connection_init` or no pong in time, 4409 id in use, 4429 (in `graphql-ws` 1008) second
`connection_init`, too many messages or too many connections. Besides: 1001 drained, 1009 too big, 1013 try later, 4500 a bug.
"""

from time import perf_counter
from typing import Any, Final, Protocol

from domain.errors import DomainError
from domain.rate_limit import network_of
from gateway.execution.errors import format_errors
from gateway.http.ports import RequestInfo
from gateway.websocket import subprotocols
from gateway.websocket.handshake import Handshake, token_of
from gateway.websocket.keepalive import Keepalive
from gateway.websocket.messages import (
    Complete,
    ConnectionInit,
    ConnectionTerminate,
    InvalidMessage,
    Ping,
    Pong,
    Subscribe,
)
from gateway.websocket.operations import ConnectionTasks, Operations
from gateway.websocket.send_queue import SendQueue
from gateway.websocket.services import WebSocketServices
from gateway.websocket.subprotocols import Subprotocol
from gateway.websocket.transport import WebSocketTransport
from transport.rfc6455 import CloseFrame

_TOKENS_PER_SECOND: Final = 2_000
"""What parsing and validating an operation costs, in messages (`transport.message_budget`): 0.5 ms are as much as one."""


class ConnectionObserver(Protocol):
    """Follows the life of connections."""

    def on_acknowledged(self, connection: "WebSocketConnection", /) -> None:
        """The client has been accepted."""
        ...

    def on_ended(self, connection: "WebSocketConnection", /) -> None:
        """The connection is closed, and everything that it had begun has ended."""
        ...


class WebSocketConnection:
    """One client's websocket, from its handshake to its end."""

    __slots__ = (
        "__weakref__",
        "_closed",
        "_handshake",
        "_observer",
        "_services",
        "_subprotocol",
        "_tasks",
        "_transport",
        "budget",
        "keepalive",
        "operations",
        "send_queue",
    )

    def __init__(
        self,
        services: WebSocketServices,
        observer: ConnectionObserver,
        subprotocol: Subprotocol,
        info: RequestInfo,
        authorization: str | None,
        transport: WebSocketTransport,
    ) -> None:
        self._services = services
        self._observer = observer
        self._subprotocol = subprotocol
        self._transport = transport
        self._closed = False
        self.budget = services.budgets.open(network_of(info.ip))
        self.send_queue = SendQueue(services.subscriptions.write_scheduler, transport)
        self.keepalive = Keepalive(subprotocol, transport, self.send_queue)
        self._handshake = Handshake(services, subprotocol, authorization)
        self._tasks = ConnectionTasks(services, self._on_idle)
        self.operations = Operations(services, subprotocol, info, self.send_queue, self._tasks)

    @property
    def is_closed(self) -> bool:
        return self._closed

    @property
    def credentials(self) -> Any:
        """Of an acknowledged client; None for an anonymous one."""
        return self._handshake.credentials

    def close_if_crowded(self) -> bool:
        """End the connection where its client has too many: a person, or strangers of one address; whether it did."""
        limits = self._services.limits
        most = limits.max_connections_per_address if self.credentials is None else limits.max_connections_per_person
        if most is None or self._services.budgets.connections_of(self.budget) <= most:
            return False
        self.close(self._subprotocol.crowd_close)
        return True

    # Called by the transport.

    def on_message(self, raw: bytes) -> None:
        """A text message. A bug in here ends the connection with 4500."""
        if self._closed:
            return
        self.keepalive.on_message()
        limit = self._services.limits.max_message_bytes
        if len(raw) > limit:
            self.close(CloseFrame(1009, f"A message may have {limit} bytes."))
            return
        try:
            self._handle_message(raw)
        except InvalidMessage as malformed:
            self.close(CloseFrame(4400, malformed.reason))
        except Exception as error:  # noqa: BLE001 (the boundary of a websocket)
            format_errors(error)
            self.close(CloseFrame(4500, "Internal server error"))
        if not self.send_queue.has_capacity:
            self._transport.pause_reading()

    def on_wrong_opcode(self) -> None:
        """A binary message."""
        self.close(CloseFrame(4400, "A message must be text."))

    def on_pong(self) -> None:
        """The client's library has answered a ping frame."""
        self.keepalive.on_pong_frame()

    def on_writable(self) -> None:
        """The transport takes more again."""
        self.keepalive.on_progress()
        self.send_queue.on_writable()

    def on_rate_exceeded(self) -> CloseFrame:
        """The client sends more messages than it may."""
        return self._subprotocol.flood_close

    def close(self, frame: CloseFrame | None) -> None:
        """End the connection, with a close frame unless the client is gone already (None). The first call decides."""
        if self._closed:
            return
        if frame is not None:
            self._services.close_counts[frame.code] += 1
            self.send_queue.flush()
        self._closed = True
        self.operations.close()
        self.send_queue.close()
        self._services.budgets.close(self.budget)
        self._transport.close(frame)
        if not self._tasks.count:
            self._on_idle()

    # Called by the endpoint, its timers and its watches.

    def close_going_away(self, frame: CloseFrame, retry_after_seconds: float) -> None:
        """The server stops: send the cursor to resume each subscription from, in a ping that stock clients ignore, then close."""
        if self._handshake.acknowledged and self._subprotocol.expects_pong:
            hint = {"resume": self.operations.resume_cursors(), "retryAfter": round(retry_after_seconds, 3)}
            self.send_queue.put(subprotocols.ping_message(hint))
        self.close(frame)

    def on_init_timeout(self) -> None:
        """The time for `connection_init` is over."""
        if not self._handshake.init_received:
            self.close(CloseFrame(4408, "Connection initialisation timeout"))

    def on_pong_timeout(self) -> None:
        """A ping was not answered in time."""
        self.close(CloseFrame(4408, "No pong"))

    def on_revoked(self, error: DomainError) -> None:
        """The client's credentials have ended."""
        self.close(CloseFrame(4403, error.code))

    # Messages.

    def _handle_message(self, raw: bytes) -> None:
        match self._subprotocol.parse(raw):
            case ConnectionInit() as init:
                self._handle_init(init)
            case Ping(payload):
                token = None if payload is None else payload.get("authorization")
                if isinstance(token, str) and self._handshake.acknowledged:
                    self._tasks.start(self._renew(token))
                else:
                    self.send_queue.put(subprotocols.pong_message(payload))
            case Pong():
                pass
            case Subscribe() as frame:
                self._handle_subscribe(frame)
            case Complete(id_):
                self._handshake.drop(id_)
                self.operations.cancel(id_)
            case ConnectionTerminate():
                self.close(CloseFrame(1000, ""))

    def _handle_init(self, init: ConnectionInit) -> None:
        handshake = self._handshake
        if handshake.init_received and not self._subprotocol.allows_reinit:
            self.close(CloseFrame(4429, "Too many initialisation requests"))
            return
        token = token_of(init)
        if not handshake.init_received:
            handshake.init_received = True
            self._tasks.start(self._authenticate(token))
        elif handshake.acknowledged:
            self._tasks.start(self._renew(token or ""))
        else:
            handshake.next_token = token or ""

    def _handle_subscribe(self, frame: Subscribe) -> None:
        if self._closed:
            return
        if not self._handshake.acknowledged:
            if not self._handshake.hold(frame):
                self.close(CloseFrame(4401, "Unauthorized"))
            return
        if frame.id in self.operations:
            if not self._subprotocol.replaces_operations:
                self.close(CloseFrame(4409, f"Subscriber for {frame.id} already exists"))
                return
            self.operations.cancel(frame.id)
        began = perf_counter()
        self.operations.start(frame, self._handshake.credentials)
        if not self.budget.take(int((perf_counter() - began) * _TOKENS_PER_SECOND)):
            self.close(self._subprotocol.flood_close)

    async def _authenticate(self, token: str | None) -> None:
        refused = await self._handshake.authenticate(token)
        if self._closed:
            return
        if refused is not None:
            if refused.code == 4403 and (message := self._subprotocol.connection_error(refused.reason)) is not None:
                self.send_queue.put(message)
            self.close(refused)
            return
        if self._handshake.credentials is not None:
            self._transport.mark_authenticated()
        self._services.budgets.accept(self.budget, self._services.credentials.session_stream(self._handshake.credentials))
        if self.close_if_crowded():
            return
        for each in self._subprotocol.ack_messages:
            self.send_queue.put(each)
        self._observer.on_acknowledged(self)
        if self._handshake.next_token is not None:
            self._tasks.start(self._renew(self._handshake.next_token))
        for frame in self._handshake.release():
            self._handle_subscribe(frame)

    async def _renew(self, token: str) -> None:
        self.send_queue.put(await self._handshake.renew(token))

    def _on_idle(self) -> None:
        if self._closed:
            self._tasks.release()
            self._observer.on_ended(self)
