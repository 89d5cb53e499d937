"""An ASGI application that serves the sample graph as the product would."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from domain.errors import TokenExpired, Unauthenticated, Unavailable
from gateway.endpoints import OpenConnections, graph_endpoints
from gateway.execution.executor import Executor
from gateway.http.cost_meter import CostMeter
from gateway.http.credentials import CredentialVerifier
from gateway.http.ports import RequestInfo
from gateway.http.streaming import StreamLimits
from gateway.persisted.queries import AutomaticPersistedQueries, PersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from gateway.websocket.services import WebSocketLimits
from persistence.persisted_queries.memory import MemoryTexts
from tests.support.credentials import SampleCredentials
from tests.support.sample_graph import JOURNAL, SCHEMA, Context
from transport.fast_request import RequestHandler


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
            raise RuntimeError("internal secret")
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
        JOURNAL.record("context closed")


def forget(context: Context) -> None:
    context.forgotten += 1


@dataclass(frozen=True)
class SampleApp:
    """The application and what a test may want to reach behind it."""

    app: ASGIApp
    connections: OpenConnections
    executor: Executor
    request_handlers: Mapping[bytes, RequestHandler]


def build_sample_app(
    *,
    timeout: float = 10.0,
    hints: bool = True,
    streams: StreamLimits | None = None,
    persisted_queries: PersistedQueries | None = None,
    credentials: CredentialVerifier | None = None,
    credential_check_seconds: float = 4.0,
    compress: bool = False,
    cost_meter: CostMeter | None = None,
    **limits: Any,
) -> SampleApp:
    """The application as the product assembles it; `limits` are `SocketLimits`."""
    executor = Executor(SCHEMA, timeout_seconds=timeout, hints=hints, weights={"Query.echo": 7}, before_event=forget)
    graph = graph_endpoints(
        SubscriptionManager(executor, None),
        persisted_queries=persisted_queries or AutomaticPersistedQueries(MemoryTexts(), max_characters=16 * 1024),
        credentials=credentials or SampleCredentials(authenticate),
        credential_check_seconds=credential_check_seconds,
        open_context=open_context,
        allowed_origins=["https://app.example.com"],
        may_introspect=lambda credentials: hints or credentials == "dev",
        socket_limits=WebSocketLimits(**limits),
        stream_limits=streams,
        compress=compress,
        cost_meter=cost_meter,
    )
    return SampleApp(Starlette(routes=graph.routes), graph.connections, executor, graph.request_handlers)
