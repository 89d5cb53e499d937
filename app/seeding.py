"""Fills an empty database with what the settings ask for."""

import logging
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from app.bootstrap import Resources, open_resources
from app.migration import migrate
from app.service_database import open_database_url
from app.settings import DEMO_PASSWORD, Settings
from auth.passwords import Argon2Passwords
from domain.errors import Unavailable
from persistence.engine.connections import DatabaseTimeouts
from persistence.engine.database import open_database

logger = logging.getLogger(__name__)


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


async def seed_once(settings: Settings) -> AsyncIterator[str]:
    """Migrate and seed from the command line; lines of a report for operators."""
    async with open_database_url(settings) as url:
        await migrate(url)
        async with open_resources(settings, url) as resources:
            yield await seed_database(url, settings) or "Nothing to seed: HIVE_SEED_SIZE is none."
            if begun := await seed_demo_documents(resources, settings):
                yield f"{begun} documents were written."
