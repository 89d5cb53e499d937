"""Answers subscriptions over HTTP: payloads are streamed in the body of the response.

A stream owns one task group: the operation, the heartbeat and the wait for the client's disconnect.
Whoever decides that it ends says how in `_ended`; then every task is cancelled, and with it the operation's context and its
source are closed, before the last bytes are written.

Slow readers: the next event is executed only when the frame of the last one has been taken by the server, which takes frames
while its write buffer is below the high-water mark. A client that takes nothing for `stalled` seconds is let go. So it holds one
frame and the server's buffer (64 KiB), and nobody else waits for it.

What is said before anything streams: a request that is none keeps its status (400, 405, 415 …), and so do 429 and 5xx, on which
clients come again by themselves. Everything else that is wrong with an operation, also 401, is an answer in a stream of status
200: the protocol of graphql-sse wants it so, a browser's `EventSource` can't read any other, and graphql-sse would repeat a
refused request five times before it reported it. A stream is opened before its subscription, which may have nothing to say for
hours.
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Send

from domain.errors import DomainError
from gateway.execution.encoding import encode, encode_in_turns
from gateway.execution.errors import FormattedError, coded_error, format_errors
from gateway.execution.executor import OperationResult, PreparedOperation, error_result
from gateway.http.credentials import CredentialWatch
from gateway.http.ports import OpenContext, RequestInfo
from gateway.http.response import JSON, full_response, http_status
from gateway.http.stream_format import StreamFormat
from gateway.subscriptions.manager import SubscriptionManager
from gateway.subscriptions.payload_queue import iterate_payloads
from transport.http_response import Header

_SHUTTING_DOWN = coded_error("The server is going away: subscribe again, from the last cursor on.", "SERVICE_UNAVAILABLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """The bounds of one stream; times in seconds."""

    keep_alive_seconds: float = 10.0
    write_timeout_seconds: float = 20.0
    """How long a client may leave a frame untaken."""
    close_timeout_seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingOperation:
    """A subscription that may run, and for whom."""

    prepared: PreparedOperation
    credentials: Any


@dataclass(frozen=True, slots=True)
class _StreamEnd:
    """How a stream ends: with an answer that ends the operation, with errors of the stream's own, or because it is complete."""

    result: OperationResult | None = None
    errors: tuple[FormattedError, ...] = ()
    should_reconnect: bool = False


class StreamingResponses:
    """All streams of an endpoint, and how they end together."""

    def __init__(
        self,
        subscriptions: SubscriptionManager,
        *,
        watch: CredentialWatch,
        open_context: OpenContext,
        limits: StreamLimits | None = None,
    ) -> None:
        self.subscriptions = subscriptions
        self.watch = watch
        self.open_context = open_context
        self.limits = limits or StreamLimits()
        self._open: set[_StreamingResponse] = set()
        self._drained = asyncio.Event()
        self._drained.set()
        self._draining = False

    async def respond(
        self,
        operation: StreamingOperation,
        stream_format: StreamFormat,
        info: RequestInfo,
        headers: Iterable[Header],
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer with a stream, until the subscription, the client, the credentials or the server end."""
        stream = _StreamingResponse(self, operation, stream_format, info, tuple(headers), receive, send)
        if self._draining:
            stream.end(_StreamEnd(errors=(_SHUTTING_DOWN,), should_reconnect=True))
        self._open.add(stream)
        self._drained.clear()
        self.watch.add(stream)
        try:
            await stream.run()
        finally:
            self.watch.discard(stream)
            self._open.discard(stream)
            if not self._open:
                self._drained.set()

    def open_count(self) -> int:
        """How many streams are open; from any thread."""
        return len(self._open)

    async def drain(self, *, timeout_seconds: float = 5.0) -> None:
        """End all streams, those too that still come, and wait until their operations are cleaned up."""
        self._draining = True
        for stream in self._open:
            stream.end(_StreamEnd(errors=(_SHUTTING_DOWN,), should_reconnect=True))
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._drained.wait()
        except TimeoutError:
            return


async def stream_once(result: OperationResult, stream_format: StreamFormat, headers: Iterable[Header], send: Send) -> None:
    """Answer with a stream of one answer: what a query or a mutation gives a client that takes nothing else."""
    status = http_status(result, JSON)
    payload = await encode_in_turns(result.to_payload())
    if status == 429 or status >= 500:
        for message in full_response(status, JSON, payload, tuple(headers)).messages():
            await send(message)
        return
    await send(_start_message(stream_format, headers))
    await send(
        {
            "type": "http.response.body",
            "body": stream_format.preamble + stream_format.result_event(payload) + stream_format.complete,
        }
    )


def _start_message(stream_format: StreamFormat, headers: Iterable[Header]) -> dict[str, Any]:
    own = ((b"content-type", stream_format.media_type), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
    return {"type": "http.response.start", "status": 200, "headers": [*own, *headers]}


class _StreamingResponse:
    """One subscription in one response."""

    def __init__(
        self,
        responses: StreamingResponses,
        operation: StreamingOperation,
        stream_format: StreamFormat,
        info: RequestInfo,
        headers: tuple[Header, ...],
        receive: Receive,
        send: Send,
    ) -> None:
        self._responses = responses
        self._operation = operation
        self._format = stream_format
        self._info = info
        self._headers = headers
        self._receive = receive
        self._send = send
        self._write_lock = asyncio.Lock()
        self._started = False
        self._end_future: asyncio.Future[_StreamEnd | None] = asyncio.get_running_loop().create_future()

    def end(self, outcome: _StreamEnd | None) -> None:
        """Let the stream end; None when the client is gone. The first call decides."""
        if not self._end_future.done():
            self._end_future.set_result(outcome)

    @property
    def credentials(self) -> Any:
        return self._operation.credentials

    def on_revoked(self, error: DomainError) -> None:
        """Called by the watch: the client's credentials have ended."""
        self.end(_StreamEnd(errors=tuple(format_errors(error))))

    async def run(self) -> None:
        """Serve until the end; the subscription's source is closed when this returns."""
        async with asyncio.TaskGroup() as tasks:
            own = [
                tasks.create_task(each)
                for each in (
                    self._run_subscription(),
                    self._send_keep_alives(),
                    self._wait_for_disconnect(),
                )
            ]
            try:
                how = await self._end_future
            finally:
                for task in own:
                    task.cancel()
        if how is not None:
            await self._send_end(how)

    async def _send_end(self, outcome: _StreamEnd) -> None:
        form = self._format
        if outcome.result is not None and not self._started:
            await stream_once(outcome.result, form, self._headers, self._send)
            return
        last = b"" if outcome.result is None else form.result_event(encode(outcome.result.to_payload()))
        if outcome.errors:
            last += form.error_event(encode({"errors": outcome.errors}))
        last += form.abort if outcome.should_reconnect else form.complete
        try:
            async with asyncio.timeout(self._responses.limits.close_timeout_seconds):
                if not self._started:
                    await self._send(_start_message(form, self._headers))
                    last = form.preamble + last
                await self._send({"type": "http.response.body", "body": last})
        except (TimeoutError, OSError):
            return  # a stalled or vanished client: the server drops the connection when this call returns

    async def _run_subscription(self) -> None:
        """Send what the subscription gives, and say how it ended."""
        try:
            self.end(await self._send_results())
        except Exception as error:  # noqa: BLE001 (the rim)
            self.end(_StreamEnd(result=error_result(*format_errors(error))))

    async def _send_results(self) -> _StreamEnd:
        lasting = self._operation
        async with self._responses.open_context(lasting.credentials, self._info) as context:
            await self._send_start()
            async with aclosing(iterate_payloads(self._responses.subscriptions, lasting.prepared, context)) as payloads:
                async for each in payloads:
                    if isinstance(each, OperationResult):
                        return _StreamEnd(result=each)
                    await self._write(self._format.result_event(each))
                    await asyncio.sleep(0)  # a long replay leaves the others their turn
            return _StreamEnd()

    async def _send_start(self) -> None:
        await self._send(_start_message(self._format, self._headers))
        self._started = True
        await self._write(self._format.preamble)

    async def _write(self, body: bytes) -> None:
        try:
            async with asyncio.timeout(self._responses.limits.write_timeout_seconds), self._write_lock:
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except (TimeoutError, OSError):
            self.end(None)

    async def _send_keep_alives(self) -> None:
        """Keep proxies from taking silence for death."""
        while True:
            await asyncio.sleep(self._responses.limits.keep_alive_seconds)
            if self._started:
                await self._write(self._format.keep_alive)

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.end(None)
