"""One client's websocket, speaking `graphql-transport-ws`.

A connection owns one task group: its reader, its heartbeat, its watch over the credentials and one task per operation. Whoever
decides that the connection ends says how in `_ended`; then every task is cancelled, and with it every operation's context and
subscription source are closed, before `run` returns. Each operation has a context of its own.

Slow readers: an operation executes its next event only when the frame of the last one has been handed to the server, and the
server accepts frames only while its write buffer is below the high-water mark. So a stalled client holds at most one frame per
operation, and fails the heartbeat. (Dropping behind, being told, grouping: `realtime.broadcast`.)

Close codes are the protocol's: 4400 malformed, 4401 not acknowledged yet, 4403 refused or ended meanwhile, 4408 too slow to say
hello or to answer a ping, 4409 id in use, 4429 second hello. Besides: 1001 drained, 1009 too big, 1013 try later, 4500 a bug.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from graphql.language import OperationType
from starlette.types import Receive, Send

from domain.errors import DomainError, Unavailable
from schema.execution.errors import FormattedError, coded, failure
from schema.execution.executor import Answer, Executor
from schema.http import frames
from schema.http.frames import Close, Complete, Init, Malformed, Ping, Pong, Subscribe
from schema.http.ports import Authenticate, MayIntrospect, OpenContext, RequestInfo, StillGood
from schema.http.request import BadRequest, check_text


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """The bounds of one connection; times in seconds."""

    init: float = 3.0
    operations: int = 20
    message_bytes: int = 64 * 1024
    ping_every: float = 20.0
    pong_within: float = 20.0
    sign_in: float = 10.0
    look_again: float = 4.0
    """How often it is asked whether the client's credentials are still good."""
    farewell: float = 1.0
    """How long a close frame may take to be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What all connections of an endpoint share."""

    executor: Executor
    authenticate: Authenticate
    still_good: StillGood
    open_context: OpenContext
    may_introspect: MayIntrospect
    limits: SocketLimits


class Connection:
    """One client's websocket, from its acceptance to its end."""

    def __init__(self, host: Host, info: RequestInfo, authorization: str | None, receive: Receive, send: Send) -> None:
        self._host = host
        self._limits = host.limits
        self._info = info
        self._authorization = authorization
        self._receive = receive
        self._asgi_send = send
        self._ended: asyncio.Future[Close | None] = asyncio.get_running_loop().create_future()
        self._greeted = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._ponged = asyncio.Event()
        self._credentials: Any = None
        self._operations: dict[str, asyncio.Task[None]] = {}  # what an id stands for
        self._running: set[asyncio.Task[None]] = set()  # besides, those that only clean up or say `complete`
        self._started = 0

    @property
    def running(self) -> int:
        """How many operations run, or clean up."""
        return len(self._running)

    def end(self, how: Close | None) -> None:
        """Let the connection end, with a close frame unless the client is gone already (None). The first call decides."""
        if not self._ended.done():
            self._ended.set_result(how)

    async def run(self) -> None:
        """Serve until the end; every task of the connection is done when this returns."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            own = [tasks.create_task(each) for each in (self._read(), self._beat(), self._watch())]
            try:
                how = await self._ended
                if how is not None:
                    await self._say_farewell(how)
            finally:
                for task in (*own, *self._running):
                    task.cancel()

    async def _say_farewell(self, how: Close) -> None:
        try:
            async with asyncio.timeout(self._limits.farewell):
                await self._asgi_send(how.message())
        except (TimeoutError, OSError):
            return  # a stalled or vanished client: the server drops the connection when this call returns

    async def _send(self, frame: str) -> None:
        if self._ended.done():
            return
        try:
            await self._asgi_send({"type": "websocket.send", "text": frame})
        except OSError:
            self.end(None)
        except RuntimeError:
            if not self._ended.done():  # else the close frame overtook this one
                raise

    async def _read(self) -> None:
        """Take frames until the connection ends. A bug in here ends the connection with 4500."""
        try:
            while not self._ended.done():
                message = await self._receive()
                if message["type"] != "websocket.receive":
                    self.end(None)
                    return
                text = message.get("text")
                if text is None:
                    self.end(Close(4400, "A message must be text."))
                    return
                raw = text.encode()
                if len(raw) > self._limits.message_bytes:
                    self.end(Close(1009, f"A message may have {self._limits.message_bytes} bytes."))
                    return
                await self._handle(frames.parse(raw))
        except Malformed as malformed:
            self.end(Close(4400, malformed.reason))
        except Exception as error:  # noqa: BLE001 (the rim)
            failure(error)
            self.end(Close(4500, "Internal server error"))

    async def _handle(self, frame: frames.Incoming) -> None:
        match frame:
            case Init():
                await self._greet(frame)
            case Ping(payload):
                await self._send(frames.pong(payload))
            case Pong():
                self._ponged.set()
            case Subscribe(id_):
                if not self._acknowledged.is_set():
                    self.end(Close(4401, "Unauthorized"))
                elif id_ in self._operations:
                    self.end(Close(4409, f"Subscriber for {id_} already exists"))
                else:
                    await self._start(frame)
            case Complete(id_):
                if (task := self._operations.pop(id_, None)) is not None:
                    task.cancel()

    async def _greet(self, init: Init) -> None:
        if self._greeted.is_set():
            self.end(Close(4429, "Too many initialisation requests"))
            return
        self._greeted.set()
        given = next((value for name, value in init.payload.items() if name.lower() == "authorization"), None)
        if given is not None and not isinstance(given, str):
            raise Malformed("The payload's Authorization must be a string.")
        try:
            async with asyncio.timeout(self._limits.sign_in):
                self._credentials = await self._host.authenticate(given if given is not None else self._authorization)
        except (TimeoutError, Unavailable):
            self.end(Close(1013, "Try again later"))
        except DomainError as refused:
            self.end(Close(4403, refused.code))
        else:
            self._acknowledged.set()
            await self._send(frames.ACKNOWLEDGED)

    async def _start(self, frame: Subscribe) -> None:
        if len(self._running) >= self._limits.operations:
            message = f"At most {self._limits.operations} operations may run at once on a connection."
            await self._send(frames.error(frame.id, [coded(message, "LIMIT_EXCEEDED", limit=self._limits.operations)]))
            return
        self._started += 1
        task = self._tasks.create_task(self._operate(frame, self._started))
        self._operations[frame.id] = task
        self._running.add(task)
        task.add_done_callback(lambda done: self._forget(frame.id, done))

    def _forget(self, id_: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._operations.get(id_) is task:
            del self._operations[id_]

    async def _operate(self, frame: Subscribe, number: int) -> None:
        """One operation: its frames, then `complete`; or `error`, which ends it too."""
        try:
            errors: Sequence[FormattedError] = await self._answer(frame, number)
        except Exception as error:  # noqa: BLE001 (the rim)
            errors = failure(error)
        self._host.executor.tally.told(errors)
        # The id is free again before the client can know that the operation ended.
        if self._operations.get(frame.id) is asyncio.current_task():
            del self._operations[frame.id]
        await self._send(frames.error(frame.id, errors) if errors else frames.complete(frame.id))

    async def _answer(self, frame: Subscribe, number: int) -> Sequence[FormattedError]:
        """Send what the operation gives; return the errors that ended it, if any."""
        try:
            check_text(frame.request, frame.raw)
        except BadRequest as error:
            return [coded(error.message, error.code)]
        host = self._host
        prepared = host.executor.prepare(frame.request, may_introspect=host.may_introspect(self._credentials))
        if isinstance(prepared, Answer):
            return prepared.errors
        info = RequestInfo(user_agent=self._info.user_agent, ip=self._info.ip, request_id=f"{self._info.request_id}.{number}")
        async with host.open_context(self._credentials, info) as context:
            if prepared.kind is not OperationType.SUBSCRIPTION:
                return await self._send_answer(frame.id, await host.executor.execute(prepared, context))
            stream = await host.executor.subscribe(prepared, context)
            if isinstance(stream, Answer):
                return stream.errors
            async with aclosing(stream):
                async for answer in stream:
                    if errors := await self._send_answer(frame.id, answer):
                        return errors
                    await asyncio.sleep(0)  # a long replay leaves the others their turn
            return ()

    async def _send_answer(self, id_: str, answer: Answer) -> Sequence[FormattedError]:
        if not answer.executed:
            return answer.errors
        self._host.executor.tally.told(answer.errors)
        await self._send(frames.next_(id_, answer.payload()))
        return ()

    async def _beat(self) -> None:
        """Hang up on a client that doesn't say hello, and on one that stops answering pings."""
        try:
            async with asyncio.timeout(self._limits.init):
                await self._greeted.wait()
        except TimeoutError:
            self.end(Close(4408, "Connection initialisation timeout"))
            return
        await self._acknowledged.wait()
        while True:
            await asyncio.sleep(self._limits.ping_every)
            self._ponged.clear()
            try:
                async with asyncio.timeout(self._limits.pong_within):
                    await self._send(frames.PING)
                    await self._ponged.wait()
            except TimeoutError:
                self.end(Close(4408, "No pong"))
                return

    async def _watch(self) -> None:
        """Hang up when the client's credentials end: what it listens to would go on for as long as it stays."""
        await self._acknowledged.wait()
        while self._credentials is not None:
            await asyncio.sleep(self._limits.look_again)
            try:
                await self._host.still_good(self._credentials)
            except Unavailable:
                continue
            except DomainError as ended:
                self.end(Close(4403, ended.code))
                return
