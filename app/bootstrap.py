"""The composition root: opens what the settings name, in order, and closes it in reverse."""

import asyncio
import hashlib
import hmac
import logging
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
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
from app.service_database import CannotStart as CannotStart
from app.service_database import open_service_database
from app.settings import DEMO_PASSWORD, Settings
from auth.account_mail import BackgroundAccountMailer
from auth.challenges import Challenges
from auth.graph_tokens import GraphTokens
from auth.key_store import KeyStore, TooManyKeys, UndecryptableKeys
from auth.keys import LEAD_SECONDS, SigningKeys
from auth.passwords import Argon2Passwords
from auth.providers.port import Provider
from auth.relying_party import WebAuthnRelyingParty
from auth.secret_box import SecretBox
from auth.server_secret import ServerSecret, read_or_create_secret
from auth.sign_in import PasswordSignIn
from auth.tokens import AccessTokens
from domain.audit import Seal
from domain.calendar_feed import CalendarFeedTokens
from domain.errors import StorageUnavailable, Unavailable
from domain.mail import Mailer
from domain.notification import UnsubscribeTokens
from domain.outgoing_url import OutgoingRules
from domain.page import MAX_PAGE_ROWS
from domain.push import Pusher
from domain.share_link import ShareLinkTokens
from domain.sign_in import SignInLimits
from domain.task.bulk import MAX_BATCH_TASKS
from domain.upload import MAX_UPLOAD_BYTES
from embedded import embedded_postgres
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
from persistence.engine.connections import DatabaseTimeouts
from persistence.engine.database import Database, open_database
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
from realtime.background_tasks import report_dead_task
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
async def open_database_url(settings: Settings) -> AsyncIterator[str]:
    """The address of the database: the one that is set, or that of the embedded Postgres, which runs as long as this is open."""
    if settings.database_url is None or settings.blobs_url is None:
        await asyncio.to_thread(_require_folder, settings.data_dir.absolute())
    if settings.database_url is not None:
        try:
            async with open_database(settings.database_url, max_connections=1):
                pass
        except Unavailable as error:
            raise CannotStart(f"The database of HIVE_DATABASE_URL cannot be used: {error.__cause__ or error}") from error
        yield settings.database_url
        return
    folder = settings.data_dir.absolute() / "postgres"
    async with embedded_postgres(folder, on_failure=lambda error: report_dead_task("embedded Postgres", error)) as url:
        yield url


def _require_folder(folder: Path) -> None:
    """Make the folder for data unless it is there, and write to it; CannotStart where that cannot be done."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise CannotStart(f"The folder {folder} cannot be used: {reason}. Choose another with HIVE_DATA_DIR.") from error


async def seed_database(url: str, settings: Settings) -> str | None:
    """Seed an empty database as the settings say: what came of it, or None when nothing was asked for. Nobody is served by then,
    so a statement may take as long as it takes on a slow machine."""
    if settings.seed == "none":
        return None
    from seed import seed  # its texts are needed once in the life of a database

    passwords = Argon2Passwords()
    try:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        # The demo's password is public: in production nobody can sign in with it.
        password = secrets.token_urlsafe() if settings.production else DEMO_PASSWORD
        password_hash = await passwords.hash(password)
        async with open_database(url, max_connections=2, timeouts=DatabaseTimeouts(statement_seconds=600)) as database:
            report = await seed(database, settings.seed, password_hash=password_hash, anchor=midnight)
    finally:
        passwords.close()
    if not report.skipped:
        logger.info("%s", report)
    return str(report)


async def seed_demo_documents(resources: Resources, settings: Settings) -> int:
    """Begin the demo's documents, when the settings ask for the demo and there are none; how many."""
    if settings.seed != "demo":
        return 0
    from seed.documents import seed_documents

    try:
        services = resources.services
        return await seed_documents(resources.database, services.pubsub, services.snapshots, services.document_objects)
    except Unavailable as error:  # the rest of the demo is there, and the next start tries again
        logger.warning("The demo's documents were not written: %s", error.message)
        return 0


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
        keys = await _open_keys(key_store)
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
            schema_hash=hashlib.sha256(schema.as_str().encode()).hexdigest(),
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


def open_secret(settings: Settings) -> ServerSecret:
    """The secret of the deployment: the one that is set, or that of the folder for data. Raises CannotStart."""
    if settings.secret_key is not None:
        return ServerSecret(settings.secret_key.get_secret_value())
    folder = settings.data_dir.absolute()
    _require_folder(folder)
    try:
        return ServerSecret(read_or_create_secret(folder))
    except OSError as error:
        raise CannotStart(f"The secret of the folder {folder} cannot be used: {error}. Set HIVE_SECRET_KEY instead.") from error


def audit_seal(secret: ServerSecret) -> Seal:
    """What seals the heads of audit logs."""
    key = secret.derive("audit log")
    return lambda content: hmac.digest(key, content, "sha256")


async def _open_cursors(database: Database, secret: ServerSecret) -> SyncCursors:
    """Cursors that are signed anew after each restore of a backup."""
    former, signing = [], secret.derive("sync cursor")
    for each in await restore_ids(database):
        former.append(signing)
        signing = secret.derive(f"sync cursor {each}")
    return SyncCursors(signing, former)


async def _open_keys(key_store: KeyStore) -> SigningKeys:
    try:
        return await key_store.open()
    except UndecryptableKeys as error:
        raise CannotStart(
            f"{error} Set HIVE_SECRET_KEY to that secret, or bring back the file secret_key of its HIVE_DATA_DIR. "
            "If it is lost, run `server.py admin rotate-keys --revoke`."
        ) from error


async def rotate_keys(settings: Settings, url: str, *, revoke_others: bool) -> str:
    """Add a signing key, over a migrated database; a report for operators."""
    async with open_database(url, max_connections=2) as database:
        key_store = KeyStore(database, await asyncio.to_thread(open_secret, settings))
        if not revoke_others:
            await _open_keys(key_store)
        try:
            kid = await key_store.rotate(revoke_others=revoke_others)
        except TooManyKeys as error:
            raise CannotStart(str(error)) from error
    if revoke_others:
        return f"The key {kid} signs from now on. All others are deleted: access tokens are refused until clients refresh them."
    return f"The key {kid} is published, and signs from {LEAD_SECONDS / 60:.0f} minutes from now on."
