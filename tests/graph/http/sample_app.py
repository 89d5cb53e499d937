"""An ASGI application that serves the sample graph as the product would."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from domain.errors import TokenExpired, Unauthenticated, Unavailable
from gateway.endpoints import Lines, serve_graph
from gateway.execution.executor import Executor
from gateway.http.ports import RequestInfo, StillGood, for_ever
from gateway.http.streaming import StreamLimits
from gateway.persisted.queries import AutomaticQueries, KnownQueries
from gateway.subscriptions.manager import Events
from gateway.websocket.connection_registry import SocketLimits
from persistence.persisted_queries.memory import MemoryTexts
from tests.graph.http.sample_graph import JOURNAL, SCHEMA, Context
from transport.uvicorn_http import Posts


async def authenticate(authorization: str | None) -> str | None:
    """Bearer tokens that say what they are."""
    if authorization is None:
        return None
    match authorization.split(" "):
        case ["Bearer", "expired"]:
            raise TokenExpired()
        case ["Bearer", "down"]:
            raise Unavailable()
        case ["Bearer", "late"]:
            await asyncio.sleep(0.1)
            return "late"
        case ["Bearer", "bug"]:
            raise RuntimeError("secret of the house")
        case ["Bearer", name] if name.isalpha():
            return name
    raise Unauthenticated("The access token is not valid.")


@asynccontextmanager
async def open_context(credentials: Any, info: RequestInfo) -> AsyncIterator[Context]:
    context = Context(credentials, info)
    JOURNAL.contexts.append(context)
    if credentials == "gone":
        raise TokenExpired()
    try:
        yield context
    finally:
        context.closed = True
        JOURNAL.note("context closed")


def forget(context: Context) -> None:
    context.forgotten += 1


@dataclass(frozen=True)
class Served:
    """The application and what a test may want to reach behind it."""

    app: ASGIApp
    sockets: Lines
    executor: Executor
    posts: Mapping[bytes, Posts]


def serve(
    *,
    timeout: float = 10.0,
    hints: bool = True,
    streams: StreamLimits | None = None,
    known: KnownQueries | None = None,
    still_good: StillGood = for_ever,
    compress: bool = False,
    **limits: Any,
) -> Served:
    """The application as the product assembles it; `limits` are `SocketLimits`."""
    executor = Executor(SCHEMA, timeout=timeout, hints=hints, weights={"Query.echo": 7}, before_event=forget)
    graph = serve_graph(
        Events(executor, None),
        known=known or AutomaticQueries(MemoryTexts(), longest=16 * 1024),
        authenticate=authenticate,
        still_good=still_good,
        open_context=open_context,
        allowed_origins=["https://app.example.com"],
        may_introspect=lambda credentials: hints or credentials == "dev",
        socket_limits=SocketLimits(**limits),
        stream_limits=streams,
        compress=compress,
    )
    return Served(Starlette(routes=graph.routes), graph.lines, executor, graph.posts)
