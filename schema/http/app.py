"""The routes of the graph: `/graphql` for HTTP and for websockets."""

from collections.abc import Collection

from starlette.routing import BaseRoute, Route, WebSocketRoute

from schema.execution.events import Events
from schema.http.endpoint import MAX_BODY, GraphQLEndpoint
from schema.http.host import SocketLimits
from schema.http.origins import Origins
from schema.http.ports import (
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
from schema.http.websocket import WebsocketEndpoint


def graphql_routes(
    events: Events,
    *,
    authenticate: Authenticate,
    still_good: StillGood = for_ever,
    ended_among: EndedAmong | None = None,
    renews: Renews = equals_renew,
    stream_of: StreamOf = nobodys,
    open_context: OpenContext,
    allowed_origins: Collection[str] = (),
    may_introspect: MayIntrospect = everybody_may_introspect,
    socket_limits: SocketLimits | None = None,
    max_body: int = MAX_BODY,
    path: str = "/graphql",
) -> tuple[list[BaseRoute], WebsocketEndpoint]:
    """
    The routes, and the websocket endpoint, whose `drain` the server awaits before it stops.

    `allowed_origins` are pages of other origins that may call the graph, such as `https://app.example.com`.
    """
    origins = Origins(allowed_origins)
    http = GraphQLEndpoint(
        events.executor,
        authenticate=authenticate,
        open_context=open_context,
        origins=origins,
        may_introspect=may_introspect,
        max_body=max_body,
    )
    websocket = WebsocketEndpoint(
        events,
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
    return [Route(path, http), WebSocketRoute(path, websocket)], websocket
