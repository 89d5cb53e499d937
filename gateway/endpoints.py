"""Assembles the routes of the graph, `/graphql` for HTTP and for websockets, and ends its connections before the server stops."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway.http.cost_meter import CostMeter
from gateway.http.credentials import CHECK_INTERVAL_SECONDS, CredentialVerifier, CredentialWatch
from gateway.http.endpoint import MAX_BODY_BYTES, GraphQLEndpoint
from gateway.http.origins import AllowedOrigins
from gateway.http.ports import MayIntrospect, OpenContext, allow_introspection
from gateway.http.streaming import StreamingResponses, StreamLimits
from gateway.persisted.queries import PersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from gateway.websocket.endpoint import WebSocketEndpoint
from gateway.websocket.services import WebSocketLimits
from transport.fast_request import RequestHandler


@dataclass(frozen=True, slots=True)
class OpenConnections:
    """The long-lived connections: websockets, and streams over HTTP."""

    websockets: WebSocketEndpoint
    streams: StreamingResponses

    async def drain(self, *, timeout_seconds: float = 5.0) -> None:
        """
        Close all connections, those too that are still opened, and wait until their operations are cleaned up.

        To be called before uvicorn's own shutdown, which would cut websockets and wait for streams.
        """
        await asyncio.gather(
            self.websockets.drain(timeout_seconds=timeout_seconds), self.streams.drain(timeout_seconds=timeout_seconds)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEndpoints:
    """The graph on the web. `request_handlers` answer whole requests past ASGI, by path, where the server can do that."""

    routes: list[BaseRoute]
    connections: OpenConnections
    request_handlers: Mapping[bytes, RequestHandler]


def graph_endpoints(
    subscriptions: SubscriptionManager,
    *,
    persisted_queries: PersistedQueries,
    credentials: CredentialVerifier,
    open_context: OpenContext,
    allowed_origins: Collection[str] = (),
    own_origin: str = "",
    may_introspect: MayIntrospect = allow_introspection,
    cost_meter: CostMeter | None = None,
    socket_limits: WebSocketLimits | None = None,
    stream_limits: StreamLimits | None = None,
    credential_check_seconds: float = CHECK_INTERVAL_SECONDS,
    max_body_bytes: int = MAX_BODY_BYTES,
    compress: bool = False,
    resource_metadata: str | None = None,
    path: str = "/graphql",
) -> GraphEndpoints:
    """
    The endpoints of a graph. The server awaits `drain` of the connections before it stops.

    `allowed_origins` are pages of other origins that may call the graph, such as `https://app.example.com`; `own_origin` is where
    people reach the server. `resource_metadata`: the address of the document that says who gives tokens (RFC 9728).
    """
    origins = AllowedOrigins(allowed_origins, own=own_origin)
    hub = None if subscriptions.groups is None else subscriptions.groups.hub
    watch = CredentialWatch(credentials, subscriptions.tasks, hub, interval_seconds=credential_check_seconds)
    streams = StreamingResponses(subscriptions, watch=watch, open_context=open_context, limits=stream_limits)
    http = GraphQLEndpoint(
        subscriptions.executor,
        credentials=credentials,
        open_context=open_context,
        origins=origins,
        persisted_queries=persisted_queries,
        streaming=streams,
        may_introspect=may_introspect,
        cost_meter=cost_meter,
        max_body_bytes=max_body_bytes,
        compress=compress,
        resource_metadata=resource_metadata,
    )
    websocket = WebSocketEndpoint(
        subscriptions,
        persisted_queries=persisted_queries,
        credentials=credentials,
        watch=watch,
        open_context=open_context,
        origins=origins,
        may_introspect=may_introspect,
        cost_meter=cost_meter,
        limits=socket_limits,
    )
    return GraphEndpoints(
        routes=[Route(path, http), WebSocketRoute(path, websocket)],
        connections=OpenConnections(websocket, streams),
        request_handlers={path.encode(): http},
    )
