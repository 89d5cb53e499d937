"""The routes of the graph: `/graphql` for HTTP and for websockets."""

from collections.abc import Collection

from starlette.routing import BaseRoute, Route, WebSocketRoute

from schema.execution.executor import Executor
from schema.http.connection import SocketLimits
from schema.http.endpoint import MAX_BODY, GraphQLEndpoint
from schema.http.origins import Origins
from schema.http.ports import Authenticate, MayIntrospect, OpenContext, StillGood, everybody_may_introspect, for_ever
from schema.http.websocket import WebsocketEndpoint


def graphql_routes(
    executor: Executor,
    *,
    authenticate: Authenticate,
    still_good: StillGood = for_ever,
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
        executor,
        authenticate=authenticate,
        open_context=open_context,
        origins=origins,
        may_introspect=may_introspect,
        max_body=max_body,
    )
    websocket = WebsocketEndpoint(
        executor,
        authenticate=authenticate,
        still_good=still_good,
        open_context=open_context,
        origins=origins,
        may_introspect=may_introspect,
        limits=socket_limits,
    )
    return [Route(path, http), WebSocketRoute(path, websocket)], websocket
