"""The composition root: opens what the settings name, in order, and closes it in reverse."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import resolvers.change
from app.adapters import (
    notification_mails,
    open_blobs,
    open_mailer,
    open_providers,
    open_push,
    open_queue,
    open_search,
    pubsub_backend,
)
from app.keys import audit_seal, open_keys, open_secret
from app.service_database import CannotStart, open_service_database
from app.settings import Settings
from auth.account_mail import BackgroundAccountMailer
from auth.challenges import Challenges
from auth.graph_tokens import GraphTokens
from auth.key_store import KeyStore
from auth.keys import SigningKeys
from auth.passwords import Argon2Passwords
from auth.providers.port import Provider
from auth.relying_party import WebAuthnRelyingParty
from auth.secret_box import SecretBox
from auth.server_secret import ServerSecret
from auth.sign_in import PasswordSignIn
from auth.tokens import AccessTokens
from domain.audit import Seal
from domain.calendar_feed import CalendarFeedTokens
from domain.errors import StorageUnavailable
from domain.mail import Mailer
from domain.notification import UnsubscribeTokens
from domain.outgoing_url import OutgoingRules
from domain.page import MAX_PAGE_ROWS
from domain.push import Pusher
from domain.share_link import ShareLinkTokens
from domain.sign_in import SignInLimits
from domain.task.bulk import MAX_BATCH_TASKS
from domain.upload import MAX_UPLOAD_BYTES
from gateway.execution.coordinates import coordinates_where
from gateway.execution.limits import Limits
from gateway.execution.position_reader import PositionReader
from gateway.job_files import JOB_FILES_PATH
from gateway.thumbnails import THUMBNAILS_PATH
from gateway.webhook_payloads import WebhookPayloads
from outgoing.safe_http import SafeHttpClient
from persistence.backup.restores import restore_ids
from persistence.blobs.document_objects import DocumentObjects
from persistence.blobs.signed_urls import UrlSigner
from persistence.documents.access import DocumentAccessReader
from persistence.documents.compaction import CompactionService
from persistence.documents.contents import ContentReader
from persistence.documents.document_reader import DocumentReader
from persistence.documents.snapshots import SnapshotStore
from persistence.documents.versions import VersionStore
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.events.document_log import UpdateLog
from persistence.events.document_streams import CombinedLog
from persistence.events.streams import StreamLog
from persistence.persisted_queries import QueryTexts, open_query_texts
from persistence.queue.port import WorkQueue
from persistence.queue.sender import WakeUpSender
from persistence.rate_limits import RateLimiters, open_rate_limiters
from persistence.rights import RightsLoader
from persistence.thumbnails import Thumbnails
from realtime.announcements import PubSub
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.timings import RoomTimings
from realtime.hub import StreamHub
from resolvers.collaboration_auth import access_from
from resolvers.context import Services
from resolvers.snapshot import SNAPSHOT_PATH
from resolvers.sync_cursor import SyncCursors
from schema.root import bindings, schema
from workers.job import PREFIX
from workers.metrics import WorkerMetrics
from workers.notification_mail import NotificationMails
from workers.upkeep import Retries

if TYPE_CHECKING:
    from persistence.search.opensearch.engine import OpenSearchEngine

VERSION = "0.1.0"
LIMITS = Limits()
POSITION_READER = PositionReader(
    coordinates_where(
        lambda each: each.batch is resolvers.change.cursors_of_writes or each.root is resolvers.change.page,
        bindings,
        schema._schema,  # noqa: SLF001 (Strawberry has no public name for it)
    ),
    resolvers.change.read_heads,
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that is open while the server runs."""

    services: Services
    tokens: AccessTokens
    graph_tokens: GraphTokens
    secret: ServerSecret
    keys: SigningKeys
    key_store: KeyStore
    database: Database
    query_texts: QueryTexts
    mailer: Mailer
    notification_mails: NotificationMails
    pusher: Pusher
    queue: WorkQueue
    wake_ups: WakeUpSender
    rate_limiters: RateLimiters
    thumbnails: Thumbnails
    outgoing: SafeHttpClient
    audit_seal: Seal
    audit_retention_days: int
    providers: Sequence[Provider]
    search_engine: "OpenSearchEngine | None" = None
    worker_metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    retries: Retries = field(default_factory=Retries)


@asynccontextmanager
async def open_resources(
    settings: Settings, url: str, *, timings: RoomTimings | None = None, sign_in_limits: SignInLimits | None = None
) -> AsyncIterator[Resources]:
    """The services over a migrated database. `timings`: of rooms of live editing. `sign_in_limits`: how often one may try."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_service_database(settings, url))
        queue = await stack.enter_async_context(open_queue(settings, url))
        wake_ups = await stack.enter_async_context(WakeUpSender.open(queue))
        live = await stack.enter_async_context(PubSub.open(pubsub_backend(settings), on_announced=wake_ups.mark_entry))
        log = StreamLog(database)
        updates = UpdateLog(database)
        hub = await stack.enter_async_context(StreamHub.open(live, CombinedLog(log, updates)))
        secret = await asyncio.to_thread(open_secret, settings)
        key_store = KeyStore(database, secret)
        keys = await open_keys(key_store)
        share_links = ShareLinkTokens(secret.derive("share links"))
        tokens = AccessTokens(keys, database, issuer=settings.origin)
        try:
            blobs = await stack.enter_async_context(open_blobs(settings, secret))
        except StorageUnavailable as error:
            raise CannotStart(f"Files cannot be stored: {error.__cause__}") from error
        objects = DocumentObjects(blobs, max_writers=max(1, settings.database_connections // 2))
        workers = await stack.enter_async_context(WorkerPool.open())
        reader = DocumentReader(database, objects)
        snapshots = SnapshotStore(reader, objects, workers)
        versions = VersionStore(database, live, objects, snapshots)
        contents = ContentReader(reader, workers)
        compaction = CompactionService(database, objects, reader, versions, workers)
        rooms = await stack.enter_async_context(
            Rooms.open(
                hub=hub,
                pubsub=live,
                log=updates,
                snapshots=reader,
                splitter=workers,
                differences=contents,
                compactor=compaction,
                access=access_from(DocumentAccessReader(database)),
                timings=timings,
            )
        )
        passwords = Argon2Passwords()
        stack.callback(passwords.close)
        mailer = await stack.enter_async_context(open_mailer(settings))
        account_mailer = await stack.enter_async_context(
            BackgroundAccountMailer.open(mailer, origin=settings.origin, logs_links=not settings.production)
        )
        search, engine = await stack.enter_async_context(open_search(settings, database))
        limiters = await stack.enter_async_context(open_rate_limiters(settings.redis_url, deployment=settings.origin))
        relying_party = WebAuthnRelyingParty(secret, origin=settings.origin)
        sign_in = PasswordSignIn(
            database,
            passwords,
            limiters.uses,
            challenges=Challenges(secret),
            factor_secrets=SecretBox(secret, "second factors"),
            announcer=live,
            relying_party=relying_party,
            limits=sign_in_limits,
        )
        outgoing = await stack.enter_async_context(SafeHttpClient.open(OutgoingRules(settings.outgoing_networks)))
        pusher, push_registration = await stack.enter_async_context(open_push(settings, outgoing, database, secret))
        services = Services(
            database=database,
            pubsub=live,
            hub=hub,
            log=log,
            blobs=blobs,
            document_objects=objects,
            document_reader=reader,
            document_contents=contents,
            snapshots=snapshots,
            compaction=compaction,
            workers=workers,
            rooms=rooms,
            rights=RightsLoader(database),
            search=search,
            cursors=await _open_cursors(database, secret),
            passwords=passwords,
            sign_in=sign_in,
            totp_secrets=sign_in,
            relying_party=relying_party,
            registration=settings.registration,
            account_mailer=account_mailer,
            calendar_tokens=CalendarFeedTokens(secret.derive("calendar feeds")),
            unsubscribe_tokens=UnsubscribeTokens(secret.derive("unsubscribe")),
            outgoing_rules=outgoing.rules,
            webhook_secrets=SecretBox(secret, "webhooks"),
            webhook_payloads=WebhookPayloads(LIMITS),
            push=push_registration,
            share_links=share_links,
            job_urls=UrlSigner(secret.derive("job files"), settings.origin, JOB_FILES_PATH),
            snapshot_urls=UrlSigner(secret.derive("snapshots"), settings.origin, SNAPSHOT_PATH),
            thumbnail_urls=UrlSigner(secret.derive("thumbnails"), settings.origin, THUMBNAILS_PATH),
            wake_workers=lambda kind: wake_ups.mark(PREFIX + kind),
            development=not settings.production,
            tokens=tokens,
            public_url=settings.origin,
            version=VERSION,
            schema_hash=_schema_hash(),
            limits={
                "page": MAX_PAGE_ROWS,
                "depth": LIMITS.depth,
                "cost": LIMITS.cost,
                "bulk": MAX_BATCH_TASKS,
                "upload_bytes": MAX_UPLOAD_BYTES,
                "connections": settings.max_connections[0],
            },
            features=["changes", "subscriptions", "documents", "uploads", "jobs", "push"],
        )
        texts = await stack.enter_async_context(open_query_texts(settings.redis_url))
        providers = await stack.enter_async_context(open_providers(settings))
        yield Resources(
            services=services,
            tokens=tokens,
            graph_tokens=GraphTokens(tokens, database, share_links),
            secret=secret,
            keys=keys,
            key_store=key_store,
            database=database,
            query_texts=texts,
            mailer=mailer,
            notification_mails=notification_mails(settings, secret),
            pusher=pusher,
            queue=queue,
            wake_ups=wake_ups,
            outgoing=outgoing,
            audit_seal=audit_seal(secret),
            audit_retention_days=settings.audit_retention_days,
            rate_limiters=limiters,
            thumbnails=await stack.enter_async_context(Thumbnails.open(database, blobs)),
            providers=providers,
            search_engine=engine,
        )


async def _open_cursors(database: Database, secret: ServerSecret) -> SyncCursors:
    """Cursors that are signed anew after each restore of a backup."""
    former, signing = [], secret.derive("sync cursor")
    for each in await restore_ids(database):
        former.append(signing)
        signing = secret.derive(f"sync cursor {each}")
    return SyncCursors(signing, former)


@cache
def _schema_hash() -> str:
    """Of the schema as text, which takes 50 ms to write."""
    return hashlib.sha256(schema.as_str().encode()).hexdigest()
