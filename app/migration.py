"""Migrates the database, and registers the consumers that are new."""

import asyncio
from collections.abc import Sequence

import migrations
from persistence.engine.database import open_database
from persistence.engine.schema_version import schema_version
from persistence.workers import cursors
from workers.consumer import Consumer, Start
from workers.consumers import CONSUMERS


async def migrate(url: str, *, consumers: Sequence[Consumer] = CONSUMERS) -> bool:
    """
    Bring the database to the newest revision, and register the consumers that are new; whether there was anything to do.

    Consumers begin here, not with the first worker: what other processes write before that is handled too. A database that a
    newer version migrated is left alone.
    """
    async with open_database(url, max_connections=2) as database:
        revision = await schema_version(database)
    if not (is_migrated := migrations.is_up_to_date(revision)):
        await asyncio.to_thread(migrations.upgrade, url)
    elif revision not in migrations.known_revisions():
        return False
    async with open_database(url, max_connections=2) as database:
        registered = [await cursors.register(database, each.name, from_now=each.start is Start.NOW) for each in consumers]
    return not is_migrated or any(registered)
