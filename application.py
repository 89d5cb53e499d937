"""The application: the graph, GraphiQL and the health checks over open services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

import migrations
from auth.tokens import Bearer
from bootstrap import LIMITS, House
from domain.errors import Unavailable
from domain.session import Device
from persistence.database import Database
from persistence.schema_version import schema_version
from resolvers.context import Context
from schema.execution.events import Events
from schema.execution.executor import Executor
from schema.http.app import graphql_routes
from schema.http.graphiql import DemoSignIn, GraphiQLConfig
from schema.http.graphiql import routes as graphiql_routes
from schema.http.ports import RequestInfo
from schema.http.websocket import WebsocketEndpoint
from schema.root import bindings, schema
from schema.rules import weights
from settings import DEMO_EMAIL, DEMO_PASSWORD, Settings


def create_app(house: House, settings: Settings) -> tuple[Starlette, WebsocketEndpoint]:
    """The application, and its websocket endpoint, to be drained before the server stops."""
    executor = Executor(
        schema,
        limits=LIMITS,
        weights=weights(bindings),
        hints=not settings.production,
        before_event=Context.forget,
        bindings=bindings,
    )

    @asynccontextmanager
    async def open_context(credentials: Bearer | None, info: RequestInfo) -> AsyncIterator[Context]:
        if credentials is not None:
            await house.tokens.still_good(credentials)
        device = Device(user_agent=info.user_agent, ip_address=info.ip)
        yield Context(house.services, None if credentials is None else credentials.actor, device)

    graph, websockets = graphql_routes(
        Events(executor, house.services.hub),
        authenticate=house.tokens.authenticate,
        ended_among=house.tokens.ended_among,
        renews=house.tokens.renews,
        stream_of=house.tokens.stream_of,
        open_context=open_context,
        allowed_origins=settings.allowed_origins,
        may_introspect=lambda credentials: credentials is not None or not settings.production,
    )
    demo = None if settings.production else DemoSignIn(email=DEMO_EMAIL, password=DEMO_PASSWORD)
    return Starlette(routes=[*graph, *_health(house.database), *graphiql_routes(GraphiQLConfig(demo=demo))]), websockets


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
