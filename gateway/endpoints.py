"""The routes of the graph: `/graphql` for HTTP and for websockets, and what is to be ended before the server stops."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway.http.endpoint import MAX_BODY, GraphQLEndpoint
from gateway.http.origins import Origins
from gateway.http.ports import (
    Authenticate,
    EndedAmong,
    MayIntrospect,
    OpenContext,
    Renews,
    StillGood,
    StreamOf,
    equals_renew,
    everybody_may_introspect,
    for_ever,
    nobodys,
)
from gateway.http.streaming import StreamLimits, Streams
from gateway.persisted.queries import KnownQueries
from gateway.subscriptions.manager import Events
from gateway.websocket.connection_registry import SocketLimits
from gateway.websocket.endpoint import WebsocketEndpoint
from transport.uvicorn_http import Posts


@dataclass(frozen=True, slots=True)
class Lines:
    """What stays open for longer than an answer takes: websockets, and streams over HTTP."""

    websockets: WebsocketEndpoint
    streams: Streams

    async def drain(self, *, within: float = 5.0) -> None:
        """
        Take leave of all clients, those too that still come, and wait until their operations are cleaned up. Call it before
        uvicorn's own shutdown, which would cut websockets and wait for streams.
        """
        await asyncio.gather(self.websockets.drain(within=within), self.streams.drain(within=within))


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The graph on the web. `posts`: what answers whole requests, by path, where the server has a short way to it."""

    routes: list[BaseRoute]
    lines: Lines
    posts: Mapping[bytes, Posts]


def serve_graph(
    events: Events,
    *,
    known: KnownQueries,
    authenticate: Authenticate,
    still_good: StillGood = for_ever,
    ended_among: EndedAmong | None = None,
    renews: Renews = equals_renew,
    stream_of: StreamOf = nobodys,
    open_context: OpenContext,
    allowed_origins: Collection[str] = (),
    may_introspect: MayIntrospect = everybody_may_introspect,
    socket_limits: SocketLimits | None = None,
    stream_limits: StreamLimits | None = None,
    max_body: int = MAX_BODY,
    compress: bool = False,
    path: str = "/graphql",
) -> Graph:
    """
    The endpoints of a graph. The server awaits `drain` of the lines before it stops.

    `allowed_origins` are pages of other origins that may call the graph, such as `https://app.example.com`.
    """
    origins = Origins(allowed_origins)
    streams = Streams(events, still_good=still_good, open_context=open_context, limits=stream_limits)
    http = GraphQLEndpoint(
        events.executor,
        authenticate=authenticate,
        open_context=open_context,
        origins=origins,
        known=known,
        streams=streams,
        may_introspect=may_introspect,
        max_body=max_body,
        compress=compress,
    )
    websocket = WebsocketEndpoint(
        events,
        known=known,
        authenticate=authenticate,
        still_good=still_good,
        ended_among=ended_among,
        renews=renews,
        stream_of=stream_of,
        open_context=open_context,
        origins=origins,
        may_introspect=may_introspect,
        limits=socket_limits,
    )
    return Graph(
        routes=[Route(path, http), WebSocketRoute(path, websocket)],
        lines=Lines(websocket, streams),
        posts={path.encode(): http},
    )
