"""The application: the graph, GraphiQL and the health checks over open services."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from uuid import UUID

from starlette.applications import Starlette
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp, Scope

from app.adapters import file_origins
from app.bootstrap import LIMITS, POSITION_READER, Resources
from app.cost_accounts import CostAccounts
from app.readiness import health_routes
from app.service_database import CannotStart
from app.settings import DEMO_PASSWORD, DEMO_PEOPLE, Settings
from auth.oauth.authorize_endpoint import AuthorizeEndpoint
from auth.oauth.browser_session import BrowserSessions
from auth.oauth.client_documents import ClientDocuments
from auth.oauth.device_endpoint import DeviceEndpoint
from auth.oauth.metadata import GRAPH_METADATA_PATH, metadata_routes
from auth.oauth.pages import Pages
from auth.oauth.passkey_pages import PasskeyPages
from auth.oauth.provider_pages import ProviderPages
from auth.oauth.sign_in_pages import SignInPages
from auth.oauth.token_endpoint import TokenEndpoint
from auth.oauth.userinfo import userinfo_routes
from auth.providers.flow import SignInFlows
from auth.routes import key_routes
from auth.tokens import Credentials
from domain.session import GRAPHIQL_CLIENT_ID, WEB_APP_CLIENT_ID, Device
from gateway.account_pages import AccountPages
from gateway.calendar_feed import CalendarFeeds
from gateway.endpoints import OpenConnections, graph_endpoints
from gateway.execution.executor import Executor
from gateway.graphiql import GraphAccess, GraphiQLConfig
from gateway.graphiql import routes as graphiql_routes
from gateway.http.cost_meter import CostMeter
from gateway.http.demo_sign_in import DemoSignIn
from gateway.http.origins import AllowedOrigins
from gateway.http.ports import RequestInfo
from gateway.inbound_mail.incoming_endpoint import IncomingMailEndpoint
from gateway.inbound_mail.replies import ReplyReceiver
from gateway.inbound_mail.sns_endpoint import SnsEndpoint, fetch_certificate
from gateway.job_files import JobFiles
from gateway.persisted.queries import AutomaticPersistedQueries, PersistedQueries
from gateway.persisted.trusted_documents import InvalidManifest, TrustedDocuments, check_manifest, read_manifest
from gateway.share_pages import SharePages
from gateway.subscriptions.manager import SubscriptionManager
from gateway.sync_snapshot import SnapshotEndpoint
from gateway.thumbnails import ThumbnailEndpoint
from gateway.web_app import WebAppConfig
from gateway.web_app import routes as web_app_routes
from gateway.websocket.services import WebSocketLimits
from mail.console import ConsoleMailer
from mail.dev_pages import dev_mail_routes
from mail.sns_message import SnsVerifier
from persistence.blobs.local import LocalBlobs
from persistence.blobs.routes import blob_routes
from realtime.collaboration.connection import MAX_MESSAGE_BYTES
from realtime.collaboration.endpoint import CollaborationEndpoint
from resolvers import ids
from resolvers.collaboration_auth import CollaborationAuth
from resolvers.context import Context
from schema.field_rules import field_weights
from schema.root import bindings, schema
from transport.detach import detach_transport
from transport.fast_request import RequestHandler
from transport.message_budget import LargeMessageBudget
from transport.message_gate import MessageGate
from transport.message_stream import MessageStream
from transport.rfc6455 import BINARY
from transport.write_batch import WriteBatch

OnCreated = Callable[[Executor, OpenConnections], object]


@dataclass(frozen=True, slots=True)
class AllConnections:
    """What stays open for longer than an answer takes: the graph's subscriptions, and live editing."""

    graph: OpenConnections
    collaboration: CollaborationEndpoint

    async def drain(self) -> None:
        """Close all connections, and wait for a moment until they have ended."""
        await asyncio.gather(self.graph.drain(), self.collaboration.drain())


class Application(NamedTuple):
    """What a server serves. `connections` are drained before it stops; `request_handlers` answer whole requests past ASGI."""

    asgi: ASGIApp
    connections: AllConnections
    request_handlers: Mapping[bytes, RequestHandler]


def create_app(resources: Resources, settings: Settings, on_created: OnCreated | None = None) -> Application:
    """The application over open services. `on_created` is given what has metrics."""
    executor = Executor(
        schema,
        limits=LIMITS,
        weights=field_weights(bindings),
        hints=not settings.production,
        before_event=Context.clear_loaders,
        bindings=bindings,
        position_reader=POSITION_READER,
    )

    def open_context(credentials: Credentials | None, info: RequestInfo) -> "_OperationContext":
        return _OperationContext(resources, credentials, info)

    def may_introspect(credentials: Credentials | None) -> bool:
        return credentials is not None or not settings.production

    meter = None
    if settings.cost_limits != "off":
        meter = CostMeter(resources.rate_limiters.costs, CostAccounts(settings).of, enforced=settings.enforces_cost_limits)
    graph = graph_endpoints(
        SubscriptionManager(executor, resources.services.hub),
        persisted_queries=_persisted_queries(resources, settings, executor),
        credentials=resources.graph_tokens,
        open_context=open_context,
        allowed_origins=settings.allowed_origins,
        own_origin=settings.origin,
        compress=settings.compression == "gzip",
        may_introspect=may_introspect,
        cost_meter=meter,
        socket_limits=WebSocketLimits(
            max_connections_per_person=settings.max_connections[0],
            max_connections_per_address=settings.max_connections[1],
        ),
        resource_metadata=settings.origin + GRAPH_METADATA_PATH,
    )
    if on_created is not None:
        on_created(executor, graph.connections)
    collaboration = CollaborationEndpoint(
        resources.services.rooms,
        authenticator=CollaborationAuth(resources.graph_tokens),
        parse_id=_parse_document_id,
        may_connect=AllowedOrigins(settings.allowed_origins, own=settings.origin).allows,
        take_over=partial(_detach_message_stream, LargeMessageBudget()),
    )
    rooms = [WebSocketRoute(path, collaboration) for path in ("/collaboration", "/collaboration/{document_id}")]
    blobs = resources.services.blobs
    files = blob_routes(blobs) if isinstance(blobs, LocalBlobs) else []  # a bucket has addresses of its own
    mailer = resources.mailer
    mail_pages = dev_mail_routes(mailer) if isinstance(mailer, ConsoleMailer) and not settings.production else []
    access = GraphAccess(executor=executor, credentials=resources.tokens, may_introspect=may_introspect)
    graphiql = graphiql_routes(
        GraphiQLConfig(people=_demo_people(settings), issuer=settings.origin, client_id=str(GRAPHIQL_CLIENT_ID)),
        access if settings.trusted_documents is None else None,  # it could run nothing, so it needs to know nothing
    )
    web_app = web_app_routes(
        WebAppConfig(
            issuer=settings.origin,
            client_id=str(WEB_APP_CLIENT_ID),
            people=_demo_people(settings),
            file_origins=file_origins(settings),
        )
    )
    account_pages = AccountPages(executor, open_context).routes()
    share_pages = SharePages(executor, open_context, resources.graph_tokens, resources.services.workers, meter).routes()
    services = resources.services
    job_files = JobFiles(services.database, services.blobs, services.job_urls).routes()
    feeds = CalendarFeeds(
        services.database,
        services.calendar_tokens,
        resources.rate_limiters.uses,
        origin=settings.origin,
        compress=settings.compression == "gzip",
    ).routes()
    snapshots = SnapshotEndpoint(
        services.database,
        services.snapshot_urls,
        authenticate=resources.tokens.authenticate,
        origins=AllowedOrigins(settings.allowed_origins, own=settings.origin),
        charge=None if meter is None else meter.charge_cost,
    ).routes()
    thumbnails = ThumbnailEndpoint(resources.thumbnails, services.thumbnail_urls).routes()
    signed = [*files, *thumbnails, *job_files, *snapshots, *feeds, *share_pages]
    public = [*health_routes(resources.database), *key_routes(resources.keys), *_oauth_routes(resources, settings)]
    inbound = _inbound_mail_routes(resources, settings)
    pages = Starlette(
        routes=[*inbound, *account_pages, *graph.routes, *rooms, *signed, *mail_pages, *public, *web_app, *graphiql]
    )
    return Application(pages, AllConnections(graph.connections, collaboration), graph.request_handlers)


def _inbound_mail_routes(resources: Resources, settings: Settings) -> list[BaseRoute]:
    """What mail services post to, where they are set."""
    database, announcer, http = resources.database, resources.services.pubsub, resources.outgoing
    addresses = resources.notification_mails.reply_addresses
    receiver = None if addresses is None else ReplyReceiver(database, announcer, addresses)
    routes: list[BaseRoute] = []
    if settings.mail_topics:
        verifier = SnsVerifier(settings.mail_topics, fetch_certificate(http))
        routes += SnsEndpoint(database, announcer, verifier, http, receiver).routes()
    if receiver is not None and settings.incoming_mail_secret is not None:
        routes += IncomingMailEndpoint(receiver, settings.incoming_mail_secret).routes()
    return routes


def _oauth_routes(resources: Resources, settings: Settings) -> list[BaseRoute]:
    """The authorization server."""
    database, announcer, issuer = resources.database, resources.services.pubsub, settings.origin
    tokens = TokenEndpoint(database, announcer, resources.tokens, issuer=issuer)
    browsers = BrowserSessions(resources.secret, issuer)
    pages = Pages()
    services = resources.services
    forms = SignInPages(database, announcer, services.sign_in, services.relying_party, browsers, pages)
    passkeys = PasskeyPages(database, announcer, services.relying_party, pages, forms)
    documents = ClientDocuments(resources.outgoing)
    authorize = AuthorizeEndpoint(
        database, announcer, resources.tokens, browsers, pages, forms, services.sign_in, documents, issuer=issuer
    )
    device = DeviceEndpoint(database, announcer, services.sign_in, pages, forms)
    providers = ProviderPages(
        database,
        announcer,
        services.sign_in,
        SignInFlows(resources.secret),
        pages,
        forms,
        providers=resources.providers,
        registration=settings.registration,
    )
    userinfo = userinfo_routes(database, resources.tokens)
    people = [*pages.routes(), *authorize.routes(), *device.routes(), *passkeys.routes(), *providers.routes()]
    return [*people, *tokens.routes(), *userinfo, *metadata_routes(issuer)]


def _demo_people(settings: Settings) -> tuple[DemoSignIn, ...]:
    """Whom the pages offer to sign in as."""
    if settings.production:
        return ()
    return tuple(DemoSignIn(name=name, email=email, password=DEMO_PASSWORD) for name, email in DEMO_PEOPLE)


def _detach_message_stream(
    large_messages: LargeMessageBudget, scope: Scope, write_batch: WriteBatch, gate: MessageGate
) -> MessageStream | None:
    """The connection of a document's collaborator without ASGI between, where the server offers it."""
    direct = detach_transport(
        scope, BINARY, max_message_bytes=MAX_MESSAGE_BYTES, write_batch=write_batch, large_messages=large_messages
    )
    return None if direct is None else MessageStream(direct, gate)


class _OperationContext:
    """Opens the context of one operation, for credentials that are still good."""

    __slots__ = ("_credentials", "_info", "_resources")

    def __init__(self, resources: Resources, credentials: Credentials | None, info: RequestInfo) -> None:
        self._resources = resources
        self._credentials = credentials
        self._info = info

    async def __aenter__(self) -> Context:
        device = Device(user_agent=self._info.user_agent, ip_address=self._info.ip)
        if self._credentials is None:
            return Context(self._resources.services, None, device, charge=self._info.charge)
        await self._resources.tokens.check_active(self._credentials)
        return Context(self._resources.services, self._credentials.actor, device, charge=self._info.charge)

    async def __aexit__(self, *_: object) -> None:
        return None


def _parse_document_id(name: str) -> UUID | None:
    """A document's id: global, or bare."""
    if (found := ids.parse(name)) is not None:
        return found[1] if found[0] == "Document" else None
    try:
        return UUID(name)
    except ValueError:
        return None


def _persisted_queries(resources: Resources, settings: Settings, executor: Executor) -> PersistedQueries:
    """The documents of the manifest, or any."""
    if settings.trusted_documents is None:
        return AutomaticPersistedQueries(resources.query_texts, max_characters=LIMITS.source_bytes)
    try:
        texts = read_manifest(settings.trusted_documents.read_bytes())
        check_manifest(texts, executor.document_errors)
    except OSError as error:
        raise CannotStart(f"HIVE_TRUSTED_DOCUMENTS cannot be read: {error.strerror}: {error.filename}.") from error
    except InvalidManifest as error:
        raise CannotStart(f"HIVE_TRUSTED_DOCUMENTS cannot be used: {error}") from error
    return TrustedDocuments(texts)
