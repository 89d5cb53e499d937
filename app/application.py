"""The application: the graph, GraphiQL and the health checks over open services."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

import migrations
from app.bootstrap import LIMITS, CannotStart, House
from app.settings import DEMO_EMAIL, DEMO_PASSWORD, Settings
from auth.tokens import Bearer
from domain.errors import Unavailable
from domain.session import Device
from gateway.endpoints import Lines, serve_graph
from gateway.execution.executor import Executor
from gateway.graphiql import DemoSignIn, GraphiQLConfig
from gateway.graphiql import routes as graphiql_routes
from gateway.http.origins import Origins
from gateway.http.ports import RequestInfo
from gateway.persisted.queries import AutomaticQueries, KnownQueries
from gateway.persisted.trusted_documents import ManifestUnusable, TrustedDocuments, check_manifest, read_manifest
from gateway.subscriptions.manager import Events
from persistence.blobs.local import LocalBlobs
from persistence.blobs.routes import blob_routes
from persistence.engine.database import Database
from persistence.engine.schema_version import schema_version
from realtime.collaboration.connection import MAX_MESSAGE_BYTES
from realtime.collaboration.endpoint import CollaborationEndpoint
from resolvers import ids
from resolvers.collaboration_auth import SignIn
from resolvers.context import Context
from schema.field_rules import weights
from schema.root import bindings, schema
from transport import raw_line
from transport.uvicorn_http import Posts

Watch = Callable[[Executor, Lines], object]


@dataclass(frozen=True, slots=True)
class AllLines:
    """What stays open for longer than an answer takes: the graph's subscriptions, and the rooms where documents are edited."""

    graph: Lines
    collaboration: CollaborationEndpoint

    async def drain(self) -> None:
        """Say good-bye to everybody, and wait for a moment until they are gone."""
        await asyncio.gather(self.graph.drain(), self.collaboration.drain())


class Application(NamedTuple):
    """What a server serves. `lines` are to be drained before it stops; `posts` answers whole requests by path, past `asgi`."""

    asgi: ASGIApp
    lines: AllLines
    posts: Mapping[bytes, Posts]


def create_app(house: House, settings: Settings, watch: Watch | None = None) -> Application:
    """The application over open services. `watch` is shown what has numbers."""
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

    graph = serve_graph(
        Events(executor, house.services.hub),
        known=_known_queries(house, settings, executor),
        authenticate=house.tokens.authenticate,
        still_good=house.tokens.still_good,
        ended_among=house.tokens.ended_among,
        renews=house.tokens.renews,
        stream_of=house.tokens.stream_of,
        open_context=open_context,
        allowed_origins=settings.allowed_origins,
        compress=settings.compression == "gzip",
        may_introspect=lambda credentials: credentials is not None or not settings.production,
    )
    if watch is not None:
        watch(executor, graph.lines)
    collaboration = CollaborationEndpoint(
        house.services.rooms,
        authenticator=SignIn(house.tokens),
        parse_id=_document_id,
        may_connect=Origins(settings.allowed_origins).allows,
        take_over=partial(raw_line.take_over, message_bytes=MAX_MESSAGE_BYTES, intake=raw_line.Intake()),
    )
    rooms = [WebSocketRoute(path, collaboration) for path in ("/collaboration", "/collaboration/{document_id}")]
    blobs = house.services.blobs
    files = blob_routes(blobs) if isinstance(blobs, LocalBlobs) else []  # a bucket has addresses of its own
    demo = None if settings.production else DemoSignIn(email=DEMO_EMAIL, password=DEMO_PASSWORD)
    pages = Starlette(
        routes=[*graph.routes, *rooms, *files, *_health(house.database), *graphiql_routes(GraphiQLConfig(demo=demo))]
    )
    return Application(pages, AllLines(graph.lines, collaboration), graph.posts)


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


def _document_id(name: str) -> UUID | None:
    """A document's id: global, or bare."""
    if (found := ids.parse(name)) is not None:
        return found[1] if found[0] == "Document" else None
    try:
        return UUID(name)
    except ValueError:
        return None


def _known_queries(house: House, settings: Settings, executor: Executor) -> KnownQueries:
    """The documents of the manifest, or any."""
    if settings.trusted_documents is None:
        return AutomaticQueries(house.query_texts, longest=LIMITS.source_bytes)
    try:
        texts = read_manifest(settings.trusted_documents.read_bytes())
        check_manifest(texts, executor.errors_of)
    except OSError as error:
        raise CannotStart(f"HIVE_TRUSTED_DOCUMENTS cannot be read: {error.strerror}: {error.filename}.") from error
    except ManifestUnusable as error:
        raise CannotStart(f"HIVE_TRUSTED_DOCUMENTS cannot be used: {error}") from error
    return TrustedDocuments(texts)


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
        reached = migrations.is_up_to_date(found)
        return _status(200 if reached else 503, ready=reached, schemaVersion=found, expected=migrations.head_revision())

    return [Route("/healthz", live), Route("/readyz", ready)]


def _status(code: int, **told: Any) -> Response:
    return Response(orjson.dumps(told), status_code=code, media_type="application/json")
