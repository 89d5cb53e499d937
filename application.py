"""The application: the graph, GraphiQL and the health checks over open services."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

import migrations
from auth.tokens import Bearer
from bootstrap import LIMITS, House
from domain.errors import Unavailable
from domain.session import Device
from persistence.database import Database
from persistence.schema_version import schema_version
from resolvers.context import Context
from schema.execution.executor import Executor
from schema.http.app import graphql_routes, straight
from schema.http.graphiql import DemoSignIn, GraphiQLConfig
from schema.http.graphiql import routes as graphiql_routes
from schema.http.ports import RequestInfo
from schema.http.websocket import WebsocketEndpoint
from schema.root import bindings, schema
from schema.rules import weights
from settings import DEMO_EMAIL, DEMO_PASSWORD, Settings

Watch = Callable[[Executor, WebsocketEndpoint], object]


def create_app(house: House, settings: Settings, watch: Watch | None = None) -> tuple[ASGIApp, WebsocketEndpoint]:
    """The application, and its websocket endpoint, to be drained before the server stops. `watch` is shown what has numbers."""
    executor = Executor(
        schema,
        limits=LIMITS,
        weights=weights(bindings),
        hints=not settings.production,
        before_event=Context.forget,
        bindings=bindings,
    )

    def open_context(credentials: Bearer | None, info: RequestInfo) -> "_OneContext":
        return _OneContext(house, credentials, info)

    graph, websockets = graphql_routes(
        executor,
        authenticate=house.tokens.authenticate,
        still_good=house.tokens.still_good,
        open_context=open_context,
        allowed_origins=settings.allowed_origins,
        may_introspect=lambda credentials: credentials is not None or not settings.production,
    )
    if watch is not None:
        watch(executor, websockets)
    demo = None if settings.production else DemoSignIn(email=DEMO_EMAIL, password=DEMO_PASSWORD)
    pages = Starlette(routes=[*graph, *_health(house.database), *graphiql_routes(GraphiQLConfig(demo=demo))])
    return straight(pages, graph), websockets


class _OneContext:
    """Opens the context of one operation, for credentials that are still good."""

    __slots__ = ("_credentials", "_house", "_info")

    def __init__(self, house: House, credentials: Bearer | None, info: RequestInfo) -> None:
        self._house = house
        self._credentials = credentials
        self._info = info

    async def __aenter__(self) -> Context:
        device = Device(user_agent=self._info.user_agent, ip_address=self._info.ip)
        if self._credentials is None:
            return Context(self._house.services, None, device)
        await self._house.tokens.still_good(self._credentials)
        return Context(self._house.services, self._credentials.actor, device)

    async def __aexit__(self, *_: object) -> None:
        return None


def _health(database: Database) -> list[BaseRoute]:
    async def live(request: Request) -> Response:
        """The process answers; nothing else is touched."""
        return PlainTextResponse("ok")

    async def ready(request: Request) -> Response:
        """The database answers, and has the schema that this version needs, or that of a newer one."""
        try:
            found = await schema_version(database)
        except Unavailable as error:
            return _status(503, ready=False, database=error.message)
        reached = migrations.reached(found)
        return _status(200 if reached else 503, ready=reached, schemaVersion=found, expected=migrations.newest())

    return [Route("/healthz", live), Route("/readyz", ready)]


def _status(code: int, **told: Any) -> Response:
    return Response(orjson.dumps(told), status_code=code, media_type="application/json")
