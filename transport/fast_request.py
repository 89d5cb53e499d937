"""What the fast path of HTTP asks of a handler, and the request that it carries there."""

import asyncio
from typing import Protocol

from transport.http_response import Reply

Headers = dict[bytes, bytes]


class RequestHandler(Protocol):
    """Answers the POSTs to one path. It raises nothing but a cancellation."""

    timeout_seconds: float
    """After which it is cancelled and asked for the response to give then."""

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


class FastRequest:
    """
    A request on the fast path, from the end of its head to its response.

    `response_complete` and `keep_alive` are what uvicorn's protocol reads from the request that it is busy with.
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
