"""The composition root: opens what the settings name, in order, and closes it in reverse."""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import migrations
from auth.keys import KeyUnusable, load_keys
from auth.passwords import Argon2Passwords
from auth.tokens import AccessTokens
from domain.errors import Unavailable
from domain.page import LARGEST_PAGE
from domain.task.bulk import MOST_AT_ONCE
from persistence.database import Database, open_database
from persistence.embedded_postgres import embedded_postgres
from persistence.query_texts import MemoryTexts, RedisTexts, open_query_texts
from persistence.rights import RightsReader
from persistence.schema_version import schema_version
from persistence.streams import StreamLog
from realtime.hub import Hub
from realtime.live import Live, LiveBackend
from realtime.memory_backend import MemoryBackend
from resolvers.context import Services
from resolvers.sync_cursor import SyncCursors
from schema.execution.limits import Limits
from schema.root import schema
from settings import DEMO_PASSWORD, Settings

VERSION = "0.1.0"
LIMITS = Limits()
logger = logging.getLogger(__name__)


class CannotStart(Exception):
    """What an operator has to put right first; the message says it in a line."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that is open while the server runs."""

    services: Services
    tokens: AccessTokens
    database: Database
    query_texts: MemoryTexts | RedisTexts


@asynccontextmanager
async def open_database_url(settings: Settings) -> AsyncIterator[str]:
    """The address of the database: the one that is set, or that of the embedded Postgres, which runs as long as this is open."""
    if settings.database_url is not None:
        try:
            async with open_database(settings.database_url, connections=1):
                pass
        except Unavailable as error:
            raise CannotStart(f"The database of HIVE_DATABASE_URL cannot be used: {error.__cause__ or error}") from error
        yield settings.database_url
        return
    async with embedded_postgres(settings.data_dir.absolute() / "postgres") as url:
        yield url


async def migrate(url: str) -> bool:
    """Bring the database to the newest revision; whether there was anything to do."""
    async with open_database(url, connections=2) as database:
        if migrations.reached(await schema_version(database)):
            return False
    await asyncio.to_thread(migrations.upgrade, url)
    return True


async def fill(database: Database, settings: Settings) -> str | None:
    """Seed an empty database as the settings say: what came of it, or None when nothing was asked for."""
    if settings.seed == "none":
        return None
    from persistence.seed import seed  # its texts are needed once in the life of a database

    passwords = Argon2Passwords()
    try:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        # Everybody knows the demo's password: in production nobody gets in with it.
        password = secrets.token_urlsafe() if settings.production else DEMO_PASSWORD
        report = await seed(database, settings.seed, password_hash=await passwords.hash(password), anchor=midnight)
    finally:
        passwords.close()
    if not report.skipped:
        logger.info("%s", report)
    return str(report)


@asynccontextmanager
async def open_house(settings: Settings, url: str) -> AsyncIterator[House]:
    """The services over a migrated database."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(url, connections=settings.database_connections))
        live = await stack.enter_async_context(Live.open(_live_backend(settings)))
        log = StreamLog(database)
        hub = await stack.enter_async_context(Hub.open(live, log))
        try:
            keys = await load_keys(database, settings.signing_key)
        except KeyUnusable as error:
            raise CannotStart(f"HIVE_SIGNING_KEY cannot be used: {error}") from error
        tokens = AccessTokens(keys, database, issuer=settings.origin)
        passwords = Argon2Passwords()
        stack.callback(passwords.close)
        services = Services(
            database=database,
            live=live,
            hub=hub,
            log=log,
            rights=RightsReader(database),
            cursors=SyncCursors(keys.secret("sync cursor")),
            passwords=passwords,
            tokens=tokens,
            public_url=settings.origin,
            version=VERSION,
            schema_hash=hashlib.sha256(schema.as_str().encode()).hexdigest(),
            limits={"page": LARGEST_PAGE, "depth": LIMITS.depth, "cost": LIMITS.cost, "bulk": MOST_AT_ONCE},
            features=["changes", "subscriptions"],
        )
        texts = await stack.enter_async_context(open_query_texts(settings.redis_url))
        yield House(services, tokens, database, texts)


def _live_backend(settings: Settings) -> LiveBackend:
    if settings.redis_url is None:
        return MemoryBackend()
    from realtime.redis_backend import RedisBackend  # its client takes 0.3 s to import

    return RedisBackend(settings.redis_url)
