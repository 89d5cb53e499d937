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

from gateway.execution.errors import FormattedError, coded, failure
from gateway.execution.executor import Answer, OperationRequest, Prepared
from gateway.http.ports import RequestInfo
from gateway.http.request import BadRequest, check_text
from gateway.websocket import authentication, subprotocols
from gateway.websocket.connection_registry import Host
from gateway.websocket.messages import Close, Complete, Init, Malformed, Ping, Pong, Subscribe, Terminate
from gateway.websocket.operation import operate
from gateway.websocket.send_queue import Outbox
from gateway.websocket.subprotocols import Dialect
from gateway.websocket.subscription import Cancel, Stream, cancel
from gateway.websocket.transport import Wire


class Connection:
    """One client's websocket, from its acceptance to its end."""

    __slots__ = (
        "_authorization",
        "_dialect",
        "_early",
        "_ended",
        "_greeted",
        "_host",
        "_info",
        "_operations",
        "_running",
        "_started",
        "_wire",
        "acknowledged",
        "awaited",
        "credentials",
        "out",
    )

    def __init__(self, host: Host, dialect: Dialect, info: RequestInfo, authorization: str | None, wire: Wire) -> None:
        self._host = host
        self._dialect = dialect
        self._early: list[Subscribe] = []  # what came between the hello and its answer
        self._info = info
        self._authorization = authorization
        self._wire = wire
        self._ended = False
        self._greeted = False
        self._operations: dict[str, Stream | Cancel] = {}  # what an id stands for
        self._running = 0  # tasks, those too that only clean up
        self._started = 0
        self.out = Outbox(host.events.outlet, wire)
        self.acknowledged = False
        self.awaited = False
        """Whether a sign of life is due."""
        self.credentials: Any = None
        host.opened(self)

    # From the wire.

    def receive(self, raw: bytes) -> None:
        """A text message. A bug in here ends the connection with 4500."""
        if self._ended:
            return
        self.awaited = False
        limit = self._host.limits.message_bytes
        if len(raw) > limit:
            self.end(Close(1009, f"A message may have {limit} bytes."))
            return
        try:
            self._handle(raw)
        except Malformed as malformed:
            self.end(Close(4400, malformed.reason))
        except Exception as error:  # noqa: BLE001 (the rim)
            failure(error)
            self.end(Close(4500, "Internal server error"))

    def pong(self) -> None:
        """The answer to a ping of the websocket itself, which is a sign of life where the protocol has none."""
        if not self._dialect.is_answered:
            self.awaited = False

    def end(self, how: Close | None) -> None:
        """End the connection, with a close frame unless the client is gone already (None). The first call decides."""
        if self._ended:
            return
        if how is not None:
            self.out.flush()
        self._ended = True
        operations, self._operations = self._operations, {}
        for each in operations.values():
            cancel(each)
        self.out.close()
        self._wire.close(how)
        if not self._running:
            self._host.closed(self)

    def go_away(self, how: Close, retry_after: float) -> None:
        """The server stops: tell from where each subscription goes on, in a ping that stock clients take as such, then end."""
        if self.acknowledged and self._dialect.is_answered:
            since = {id_: each.since() for id_, each in self._operations.items() if isinstance(each, Stream)}
            hint = {"resume": {id_: cursor for id_, cursor in since.items() if cursor}, "retryAfter": round(retry_after, 3)}
            self.out.put(subprotocols.ping(hint))
        self.end(how)

    # From the timers.

    def expect_hello(self) -> None:
        """The time to say hello is over."""
        if not self._greeted:
            self.end(Close(4408, "Connection initialisation timeout"))

    def beat(self) -> bool:
        """Ask for a sign of life; whether one is awaited that was not before."""
        if self.awaited or self._ended:
            return False
        self.out.put(self._dialect.beats)
        self.awaited = self._dialect.is_answered or self._wire.ping() or not self._wire.ready
        return self.awaited

    def expect_life(self) -> None:
        """The time to answer is over."""
        if self.awaited:
            self.end(Close(4408, "No pong"))

    @property
    def operations(self) -> int:
        """How many operations are open."""
        return len(self._operations)

    @property
    def has_ended(self) -> bool:
        return self._ended

    # What is said.

    def finished(self, id_: str, operation: object, errors: Sequence[FormattedError]) -> None:
        """Say how an operation ended. The id is free again before the client can know."""
        if self._operations.get(id_) is operation:
            del self._operations[id_]
            self.out.put(self._error(id_, errors) if errors else self._dialect.complete(id_))

    def _error(self, id_: str, errors: Sequence[FormattedError]) -> bytes:
        self._host.events.executor.tally.told(errors)
        return self._dialect.error(id_, errors)

    def say(self, id_: str, payload: bytes) -> None:
        """One answer of an operation."""
        self.out.put(b"%b%b}" % (self._dialect.head(id_), payload))

    def running(self, id_: str) -> Stream | Cancel | None:
        """What an id stands for."""
        return self._operations.get(id_)

    def stream(self, id_: str) -> Stream:
        """Let an id stand for a subscription that needs no task of its own."""
        stream = self._operations[id_] = Stream(self, id_, self._dialect.head(id_))
        return stream

    # What is heard.

    def _handle(self, raw: bytes) -> None:
        match self._dialect.parse(raw):
            case Init() as init:
                self._hello(init)
            case Ping(payload):
                token = None if payload is None else payload.get("authorization")
                if isinstance(token, str) and self.acknowledged:
                    self._run(self._renew(token))
                else:
                    self.out.put(subprotocols.pong(payload))
            case Pong():
                pass
            case Subscribe() as frame:
                self._begin(frame)
            case Complete(id_):
                self._early = [each for each in self._early if each.id != id_]
                if (operation := self._operations.pop(id_, None)) is not None:
                    cancel(operation)
            case Terminate():
                self.end(Close(1000, ""))

    def _hello(self, init: Init) -> None:
        if self._greeted and not (self._dialect.greets_again and self.acknowledged):
            self.end(Close(4429, "Too many initialisation requests"))
            return
        given = next((value for name, value in init.payload.items() if name.lower() == "authorization"), None)
        if given is not None and not isinstance(given, str):
            raise Malformed("The payload's Authorization must be a string.")
        if self._greeted:
            self._run(self._renew(given or ""))
            return
        self._greeted = True
        self._run(self._greet(given if given is not None else self._authorization))

    async def _greet(self, authorization: str | None) -> None:
        found = await authentication.greet(self._host, authorization)
        if isinstance(found, Close):
            if found.code == 4403 and (said := self._dialect.refused(found.reason)) is not None:
                self.out.put(said)
            self.end(found)
            return
        self.credentials = found.credentials
        self.acknowledged = True
        self._authorization = None
        for each in self._dialect.greetings:
            self.out.put(each)
        self._host.greeted(self)
        early, self._early = self._early, []
        for frame in early:
            self._begin(frame)

    async def _renew(self, authorization: str) -> None:
        """Take a newer token of the same session that lends the same."""
        found = await authentication.renew(self._host, self.credentials, authorization)
        if isinstance(found, authentication.Known):
            self.credentials = found.credentials
            self.out.put(
                subprotocols.pong({"authorization": "accepted"}) if self._dialect.is_answered else self._dialect.greetings[0]
            )
        else:
            refused = self._dialect.refused(found)
            self.out.put(subprotocols.pong({"authorization": "refused", "code": found}) if refused is None else refused)

    # Operations.

    def _run(self, work: Any, id_: str | None = None) -> None:
        self._running += 1
        cancel = self._host.events.tasks.start(work, "websocket", on_done=self._task_done)
        if id_ is not None:
            self._operations[id_] = cancel

    def _task_done(self) -> None:
        self._running -= 1
        if self._ended and not self._running:
            self._host.closed(self)

    def _begin(self, frame: Subscribe) -> None:
        if self._ended:
            return
        if not self.acknowledged:
            if self._greeted and not self._dialect.waits and len(self._early) < self._host.limits.operations:
                self._early.append(frame)
            else:
                self.end(Close(4401, "Unauthorized"))
        elif frame.id in self._operations:
            self.end(Close(4409, f"Subscriber for {frame.id} already exists"))
        else:
            self._start(frame)

    def _start(self, frame: Subscribe) -> None:
        most = self._host.limits.operations
        if max(self._running, len(self._operations)) >= most:
            message = f"At most {most} operations may run at once on a connection."
            self.out.put(self._error(frame.id, [coded(message, "LIMIT_EXCEEDED", limit=most)]))
            return
        self._started += 1
        info = RequestInfo(
            user_agent=self._info.user_agent, ip=self._info.ip, request_id=f"{self._info.request_id}.{self._started}"
        )
        try:
            check_text(frame.request, frame.raw)
        except BadRequest as error:
            self.out.put(self._error(frame.id, [coded(error.message, error.code)]))
            return
        if self._host.known.concerns(frame.request):
            self._run(self._look_up(frame, info), frame.id)
            return
        prepared = self._prepare(frame.request)
        if isinstance(prepared, Answer):
            self.out.put(self._error(frame.id, prepared.errors))
            return
        self._run(operate(self, self._host, frame.id, prepared, info), frame.id)

    def _prepare(self, request: OperationRequest) -> Prepared | Answer:
        return self._host.events.executor.prepare(request, may_introspect=self._host.may_introspect(self.credentials))

    async def _look_up(self, frame: Subscribe, info: RequestInfo) -> None:
        """Find the document that an operation names, and go on with it."""
        found = await self._host.known.resolve(frame.request)
        prepared = found if isinstance(found, Answer) else self._prepare(found)
        if isinstance(prepared, Answer):
            self.finished(frame.id, self._operations.get(frame.id), prepared.errors)
            return
        await operate(self, self._host, frame.id, prepared, info)
