"""GraphQL over HTTP for what lasts: a subscription whose answers are streamed in the body of the response.

A stream owns one task group: the operation, the heartbeat, the watch over the credentials and the one for the client's going.
Whoever decides that it ends says how in `_ended`; then every task is cancelled, and with it the operation's context and its
source are closed, before the last bytes are written.

Slow readers: the next event is executed only when the frame of the last one has been taken by the server, which takes frames
while its write buffer is below the high-water mark. A client that takes nothing for `stalled` seconds is let go. So it holds one
frame and the server's buffer (64 KiB), and nobody else waits for it.

What is said before anything streams: a request that is none keeps its status (400, 405, 415 …), and so do 429 and 5xx, on which
clients come again by themselves. Everything else that is wrong with an operation, also 401, is an answer in a stream of status
200: the protocol of graphql-sse wants it so, a browser's `EventSource` can't read any other, and graphql-sse would repeat a
refused request five times before it told anybody. A stream is opened before its subscription, which may have nothing to say for
hours.
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Send

from domain.errors import DomainError, Unavailable
from gateway.execution.errors import FormattedError, coded, failure
from gateway.execution.executor import Answer, Prepared, refusal
from gateway.http.ports import OpenContext, RequestInfo, StillGood
from gateway.http.response import JSON, encode, status_of, whole
from gateway.http.stream_format import StreamFormat
from gateway.subscriptions.manager import Events
from gateway.subscriptions.payload_queue import payloads
from transport.http_response import Header

_GOING = coded("The server is going away: subscribe again, from the last cursor on.", "SERVICE_UNAVAILABLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """The bounds of one stream; times in seconds."""

    keep_alive: float = 10.0
    stalled: float = 20.0
    """How long a client may leave a frame untaken."""
    look_again: float = 4.0
    """How often it is asked whether the client's credentials are still good."""
    farewell: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """A subscription that may run, and for whom."""

    prepared: Prepared
    credentials: Any


@dataclass(frozen=True, slots=True)
class _End:
    """How a stream ends: with an answer that ends the operation, with errors of the stream's own, or because it is complete."""

    answer: Answer | None = None
    errors: tuple[FormattedError, ...] = ()
    come_again: bool = False


class Streams:
    """All streams of an endpoint, and how they end together."""

    def __init__(
        self, events: Events, *, still_good: StillGood, open_context: OpenContext, limits: StreamLimits | None = None
    ) -> None:
        self.events = events
        self.still_good = still_good
        self.open_context = open_context
        self.limits = limits or StreamLimits()
        self._open: set[_Stream] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False

    async def follow(
        self,
        lasting: Lasting,
        form: StreamFormat,
        info: RequestInfo,
        headers: Iterable[Header],
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer with a stream, until the subscription, the client, the credentials or the server end."""
        stream = _Stream(self, lasting, form, info, tuple(headers), receive, send)
        if self._draining:
            stream.end(_End(errors=(_GOING,), come_again=True))
        self._open.add(stream)
        self._empty.clear()
        try:
            await stream.run()
        finally:
            self._open.discard(stream)
            if not self._open:
                self._empty.set()

    def open_now(self) -> int:
        """How many streams are open; from any thread."""
        return len(self._open)

    async def drain(self, *, within: float = 5.0) -> None:
        """End all streams, those too that still come, and wait until their operations are cleaned up."""
        self._draining = True
        for stream in self._open:
            stream.end(_End(errors=(_GOING,), come_again=True))
        try:
            async with asyncio.timeout(within):
                await self._empty.wait()
        except TimeoutError:
            return


async def once(answer: Answer, form: StreamFormat, headers: Iterable[Header], send: Send) -> None:
    """Answer with a stream of one answer: what a query or a mutation gives a client that takes nothing else."""
    status = status_of(answer, JSON)
    payload = encode(answer.payload())
    if status == 429 or status >= 500:
        for message in whole(status, JSON, payload, tuple(headers)).messages():
            await send(message)
        return
    await send(_start(form, headers))
    await send({"type": "http.response.body", "body": form.opening + form.answer(payload) + form.complete})


def _start(form: StreamFormat, headers: Iterable[Header]) -> dict[str, Any]:
    own = ((b"content-type", form.media_type), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
    return {"type": "http.response.start", "status": 200, "headers": [*own, *headers]}


class _Stream:
    """One subscription in one response."""

    def __init__(
        self,
        house: Streams,
        lasting: Lasting,
        form: StreamFormat,
        info: RequestInfo,
        headers: tuple[Header, ...],
        receive: Receive,
        send: Send,
    ) -> None:
        self._house = house
        self._lasting = lasting
        self._form = form
        self._info = info
        self._headers = headers
        self._receive = receive
        self._send = send
        self._one_writes = asyncio.Lock()
        self._started = False
        self._ended: asyncio.Future[_End | None] = asyncio.get_running_loop().create_future()

    def end(self, how: _End | None) -> None:
        """Let the stream end; None when nobody is there to be told. The first call decides."""
        if not self._ended.done():
            self._ended.set_result(how)

    async def run(self) -> None:
        """Serve until the end; the subscription's source is closed when this returns."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(each) for each in (self._tell(), self._beat(), self._watch(), self._listen())]
            try:
                how = await self._ended
            finally:
                for task in own:
                    task.cancel()
        if how is not None:
            await self._say_farewell(how)

    async def _say_farewell(self, how: _End) -> None:
        form = self._form
        if how.answer is not None and not self._started:
            await once(how.answer, form, self._headers, self._send)
            return
        last = b"" if how.answer is None else form.answer(encode(how.answer.payload()))
        if how.errors:
            last += form.farewell(encode({"errors": how.errors}))
        last += form.cut if how.come_again else form.complete
        try:
            async with asyncio.timeout(self._house.limits.farewell):
                if not self._started:
                    await self._send(_start(form, self._headers))
                    last = form.opening + last
                await self._send({"type": "http.response.body", "body": last})
        except (TimeoutError, OSError):
            return  # a stalled or vanished client: the server drops the connection when this call returns

    async def _tell(self) -> None:
        """Send what the subscription gives, and say how it ended."""
        try:
            self.end(await self._told())
        except Exception as error:  # noqa: BLE001 (the rim)
            self.end(_End(answer=refusal(*failure(error))))

    async def _told(self) -> _End:
        lasting = self._lasting
        async with self._house.open_context(lasting.credentials, self._info) as context:
            await self._open()
            async with aclosing(payloads(self._house.events, lasting.prepared, context)) as told:
                async for each in told:
                    if isinstance(each, Answer):
                        return _End(answer=each)
                    await self._write(self._form.answer(each))
                    await asyncio.sleep(0)  # a long replay leaves the others their turn
            return _End()

    async def _open(self) -> None:
        await self._send(_start(self._form, self._headers))
        self._started = True
        await self._write(self._form.opening)

    async def _write(self, body: bytes) -> None:
        try:
            async with asyncio.timeout(self._house.limits.stalled), self._one_writes:
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except (TimeoutError, OSError):
            self.end(None)

    async def _beat(self) -> None:
        """Keep proxies from taking silence for death."""
        while True:
            await asyncio.sleep(self._house.limits.keep_alive)
            if self._started:
                await self._write(self._form.keep_alive)

    async def _watch(self) -> None:
        """End the stream when the client's credentials do."""
        while self._lasting.credentials is not None:
            await asyncio.sleep(self._house.limits.look_again)
            try:
                await self._house.still_good(self._lasting.credentials)
            except Unavailable:
                continue
            except DomainError as ended:
                self.end(_End(errors=tuple(failure(ended))))
                return

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.end(None)
