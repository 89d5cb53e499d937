"""One client's websocket, whatever carries it (`gateway.websocket.transport`) and whichever protocol it speaks
(`gateway.websocket.subprotocols`).

A connection is called back: by its wire with every message, by its subscriptions with what they are told, by the timers that all
connections share. It has a task only while an operation begins or runs. What it says waits in one list and is written in turns
(`transport.write_scheduler`), several messages in one write.

Slow readers: while the wire takes no more, nothing is read from the client either, a query's answer waits, a replay waits, and
live subscriptions are bounded (`gateway.websocket.subscription`); a client that stays stalled fails the heartbeat.

Close codes are the protocol's: 4400 malformed, 4401 not acknowledged yet, 4403 refused or ended meanwhile, 4408 too slow to say
hello or to answer a ping, 4409 id in use, 4429 second hello. Besides: 1001 drained, 1009 too big, 1013 try later, 4500 a bug.
"""

from collections.abc import Sequence
from typing import Any

from gateway.execution.errors import FormattedError, coded_error, format_errors
from gateway.execution.executor import OperationRequest, OperationResult, PreparedOperation
from gateway.http.ports import RequestInfo
from gateway.http.request import BadRequest, check_text
from gateway.websocket import authentication, subprotocols
from gateway.websocket.connection_registry import ConnectionRegistry
from gateway.websocket.messages import (
    CloseFrame,
    Complete,
    ConnectionInit,
    ConnectionTerminate,
    InvalidMessage,
    Ping,
    Pong,
    Subscribe,
)
from gateway.websocket.operation import run_operation
from gateway.websocket.send_queue import SendQueue
from gateway.websocket.subprotocols import Subprotocol
from gateway.websocket.subscription import CancelCallback, WebSocketSubscription, cancel_operation
from gateway.websocket.transport import WebSocketTransport


class WebSocketConnection:
    """One client's websocket, from its acceptance to its end."""

    __slots__ = (
        "_authorization",
        "_closed",
        "_info",
        "_init_received",
        "_operations",
        "_operations_started",
        "_pending_subscribes",
        "_registry",
        "_running_tasks",
        "_subprotocol",
        "_transport",
        "acknowledged",
        "credentials",
        "pong_pending",
        "send_queue",
    )

    def __init__(
        self,
        registry: ConnectionRegistry,
        subprotocol: Subprotocol,
        info: RequestInfo,
        authorization: str | None,
        transport: WebSocketTransport,
    ) -> None:
        self._registry = registry
        self._subprotocol = subprotocol
        self._pending_subscribes: list[Subscribe] = []  # what came between the hello and its answer
        self._info = info
        self._authorization = authorization
        self._transport = transport
        self._closed = False
        self._init_received = False
        self._operations: dict[str, WebSocketSubscription | CancelCallback] = {}  # what an id stands for
        self._running_tasks = 0  # tasks, those too that only clean up
        self._operations_started = 0
        self.send_queue = SendQueue(registry.subscriptions.write_scheduler, transport)
        self.acknowledged = False
        self.pong_pending = False
        """Whether a sign of life is due."""
        self.credentials: Any = None
        registry.register(self)

    # From the wire.

    def on_message(self, raw: bytes) -> None:
        """A text message. A bug in here ends the connection with 4500."""
        if self._closed:
            return
        self.pong_pending = False
        limit = self._registry.limits.max_message_bytes
        if len(raw) > limit:
            self.close(CloseFrame(1009, f"A message may have {limit} bytes."))
            return
        try:
            self._handle_message(raw)
        except InvalidMessage as malformed:
            self.close(CloseFrame(4400, malformed.reason))
        except Exception as error:  # noqa: BLE001 (the rim)
            format_errors(error)
            self.close(CloseFrame(4500, "Internal server error"))

    def on_wrong_opcode(self) -> None:
        """A binary message."""
        self.close(CloseFrame(4400, "A message must be text."))

    def on_rate_exceeded(self) -> CloseFrame:
        """More messages than the connection's budget allows."""
        return CloseFrame(4429, "Too many messages")

    def on_writable(self) -> None:
        """The transport takes more again."""
        self.send_queue.on_writable()

    def on_pong(self) -> None:
        """The answer to a ping of the websocket itself, which is a sign of life where the protocol has none."""
        if not self._subprotocol.expects_pong:
            self.pong_pending = False

    def close(self, frame: CloseFrame | None) -> None:
        """End the connection, with a close frame unless the client is gone already (None). The first call decides."""
        if self._closed:
            return
        if frame is not None:
            self.send_queue.flush()
        self._closed = True
        operations, self._operations = self._operations, {}
        for each in operations.values():
            cancel_operation(each)
        self.send_queue.close()
        self._transport.close(frame)
        if not self._running_tasks:
            self._registry.unregister(self)

    def close_going_away(self, frame: CloseFrame, retry_after_seconds: float) -> None:
        """The server stops: tell from where each subscription goes on, in a ping that stock clients take as such, then end."""
        if self.acknowledged and self._subprotocol.expects_pong:
            since = {
                id_: each.resume_cursor() for id_, each in self._operations.items() if isinstance(each, WebSocketSubscription)
            }
            hint = {
                "resume": {id_: cursor for id_, cursor in since.items() if cursor},
                "retryAfter": round(retry_after_seconds, 3),
            }
            self.send_queue.put(subprotocols.ping_message(hint))
        self.close(frame)

    # From the timers.

    def on_init_timeout(self) -> None:
        """The time to say hello is over."""
        if not self._init_received:
            self.close(CloseFrame(4408, "Connection initialisation timeout"))

    def on_ping_due(self) -> bool:
        """Ask for a sign of life; whether one is awaited that was not before."""
        if self.pong_pending or self._closed:
            return False
        self.send_queue.put(self._subprotocol.ping_message)
        self.pong_pending = self._subprotocol.expects_pong or self._transport.ping() or not self._transport.is_writable
        return self.pong_pending

    def on_pong_timeout(self) -> None:
        """The time to answer is over."""
        if self.pong_pending:
            self.close(CloseFrame(4408, "No pong"))

    @property
    def operation_count(self) -> int:
        """How many operations are open."""
        return len(self._operations)

    @property
    def is_closed(self) -> bool:
        return self._closed

    # What is said.

    def finish_operation(self, id_: str, operation: object, errors: Sequence[FormattedError]) -> None:
        """Say how an operation ended. The id is free again before the client can know."""
        if self._operations.get(id_) is operation:
            del self._operations[id_]
            self.send_queue.put(self._error_message(id_, errors) if errors else self._subprotocol.complete(id_))

    def _error_message(self, id_: str, errors: Sequence[FormattedError]) -> bytes:
        self._registry.subscriptions.executor.metrics.count_errors(errors)
        return self._subprotocol.error(id_, errors)

    def send_next(self, id_: str, payload: bytes) -> None:
        """One answer of an operation."""
        self.send_queue.put(b"%b%b}" % (self._subprotocol.next_prefix(id_), payload))

    def find_operation(self, id_: str) -> WebSocketSubscription | CancelCallback | None:
        """What an id stands for."""
        return self._operations.get(id_)

    def open_subscription(self, id_: str) -> WebSocketSubscription:
        """Let an id stand for a subscription that needs no task of its own."""
        stream = self._operations[id_] = WebSocketSubscription(self, id_, self._subprotocol.next_prefix(id_))
        return stream

    # What is heard.

    def _handle_message(self, raw: bytes) -> None:
        match self._subprotocol.parse(raw):
            case ConnectionInit() as init:
                self._handle_init(init)
            case Ping(payload):
                token = None if payload is None else payload.get("authorization")
                if isinstance(token, str) and self.acknowledged:
                    self._start_task(self._reauthenticate(token))
                else:
                    self.send_queue.put(subprotocols.pong_message(payload))
            case Pong():
                pass
            case Subscribe() as frame:
                self._handle_subscribe(frame)
            case Complete(id_):
                self._pending_subscribes = [each for each in self._pending_subscribes if each.id != id_]
                if (operation := self._operations.pop(id_, None)) is not None:
                    cancel_operation(operation)
            case ConnectionTerminate():
                self.close(CloseFrame(1000, ""))

    def _handle_init(self, init: ConnectionInit) -> None:
        if self._init_received and not (self._subprotocol.allows_reinit and self.acknowledged):
            self.close(CloseFrame(4429, "Too many initialisation requests"))
            return
        given = next((value for name, value in init.payload.items() if name.lower() == "authorization"), None)
        if given is not None and not isinstance(given, str):
            raise InvalidMessage("The payload's Authorization must be a string.")
        if self._init_received:
            self._start_task(self._reauthenticate(given or ""))
            return
        self._init_received = True
        self._start_task(self._authenticate(given if given is not None else self._authorization))

    async def _authenticate(self, authorization: str | None) -> None:
        found = await authentication.authenticate(self._registry, authorization)
        if isinstance(found, CloseFrame):
            if found.code == 4403 and (said := self._subprotocol.connection_error(found.reason)) is not None:
                self.send_queue.put(said)
            self.close(found)
            return
        self.credentials = found.credentials
        self.acknowledged = True
        self._authorization = None
        for each in self._subprotocol.ack_messages:
            self.send_queue.put(each)
        self._registry.on_authenticated(self)
        early, self._pending_subscribes = self._pending_subscribes, []
        for frame in early:
            self._handle_subscribe(frame)

    async def _reauthenticate(self, authorization: str) -> None:
        """Take a newer token of the same session that lends the same."""
        found = await authentication.reauthenticate(self._registry, self.credentials, authorization)
        if isinstance(found, authentication.Authenticated):
            self.credentials = found.credentials
            self.send_queue.put(
                subprotocols.pong_message({"authorization": "accepted"})
                if self._subprotocol.expects_pong
                else self._subprotocol.ack_messages[0]
            )
        else:
            refused = self._subprotocol.connection_error(found)
            self.send_queue.put(
                subprotocols.pong_message({"authorization": "refused", "code": found}) if refused is None else refused
            )

    # Operations.

    def _start_task(self, coroutine: Any, id_: str | None = None) -> None:
        self._running_tasks += 1
        cancel = self._registry.subscriptions.tasks.start(coroutine, "websocket", on_done=self._on_task_done)
        if id_ is not None:
            self._operations[id_] = cancel

    def _on_task_done(self) -> None:
        self._running_tasks -= 1
        if self._closed and not self._running_tasks:
            self._registry.unregister(self)

    def _handle_subscribe(self, frame: Subscribe) -> None:
        if self._closed:
            return
        if not self.acknowledged:
            if (
                self._init_received
                and not self._subprotocol.client_waits_for_ack
                and len(self._pending_subscribes) < self._registry.limits.max_operations
            ):
                self._pending_subscribes.append(frame)
            else:
                self.close(CloseFrame(4401, "Unauthorized"))
        elif frame.id in self._operations:
            self.close(CloseFrame(4409, f"Subscriber for {frame.id} already exists"))
        else:
            self._start_operation(frame)

    def _start_operation(self, frame: Subscribe) -> None:
        most = self._registry.limits.max_operations
        if max(self._running_tasks, len(self._operations)) >= most:
            message = f"At most {most} operations may run at once on a connection."
            self.send_queue.put(self._error_message(frame.id, [coded_error(message, "LIMIT_EXCEEDED", limit=most)]))
            return
        self._operations_started += 1
        info = RequestInfo(
            user_agent=self._info.user_agent, ip=self._info.ip, request_id=f"{self._info.request_id}.{self._operations_started}"
        )
        try:
            check_text(frame.request, frame.raw)
        except BadRequest as error:
            self.send_queue.put(self._error_message(frame.id, [coded_error(error.message, error.code)]))
            return
        if self._registry.persisted_queries.applies_to(frame.request):
            self._start_task(self._load_document(frame, info), frame.id)
            return
        prepared = self._prepare(frame.request)
        if isinstance(prepared, OperationResult):
            self.send_queue.put(self._error_message(frame.id, prepared.errors))
            return
        self._start_task(run_operation(self, self._registry, frame.id, prepared, info), frame.id)

    def _prepare(self, request: OperationRequest) -> PreparedOperation | OperationResult:
        return self._registry.subscriptions.executor.prepare(
            request, may_introspect=self._registry.may_introspect(self.credentials)
        )

    async def _load_document(self, frame: Subscribe, info: RequestInfo) -> None:
        """Find the document that an operation names, and go on with it."""
        found = await self._registry.persisted_queries.resolve(frame.request)
        prepared = found if isinstance(found, OperationResult) else self._prepare(found)
        if isinstance(prepared, OperationResult):
            self.finish_operation(frame.id, self._operations.get(frame.id), prepared.errors)
            return
        await run_operation(self, self._registry, frame.id, prepared, info)
