"""The routes of the graph: `/graphql` for HTTP and for websockets."""

from collections.abc import Collection, Sequence

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

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


def straight(app: ASGIApp, graph: Sequence[BaseRoute]) -> ASGIApp:
    """
    The same application, with a short way to the graph: a request for its very path goes to its endpoint, past routing and middleware.

    These cost a tenth of a small query, and the endpoint needs nothing of them. What is not plainly such a request takes the usual way.
    """
    ways = {route.path: route.endpoint for route in graph if isinstance(route, Route)}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = ways.get(scope["path"]) if scope["type"] == "http" else None
        await (app if endpoint is None else endpoint)(scope, receive, send)

    return answer
