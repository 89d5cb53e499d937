"""Backups of installations of a test's own, and installations that are restored from them."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from app.backup import back_up_installation, restore_installation
from app.bootstrap import open_resources
from app.settings import Settings
from tests.conftest import migrate_template
from tests.support.app import App

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
NOT_COMPARED = {"alembic_version", "restores"}


@dataclass(frozen=True)
class Installation:
    """A database and a folder of files of a test's own."""

    url: str
    settings: Settings

    async def back_up(self, folder: Path) -> list[str]:
        return [line async for line in back_up_installation(self.settings, folder)]

    async def restore(self, folder: Path, **options: bool) -> list[str]:
        given = {"accepts_other_secret": False} | options
        return [line async for line in restore_installation(self.settings, folder, **given)]

    @asynccontextmanager
    async def app(self) -> AsyncIterator[App]:
        async with (
            open_resources(self.settings, self.url) as resources,
            asyncpg.create_pool(self.url, min_size=0, max_size=2) as sql,
        ):
            yield App(resources, sql)

    async def rows(self) -> dict[str, list[str]]:
        """All rows of all tables as text, sorted."""
        connection = await asyncpg.connect(self.url)
        try:
            names = [row[0] for row in await connection.fetch(TABLES) if row[0] not in NOT_COMPARED]
            texts = {name: await connection.fetch(f"SELECT t::text AS row FROM {name} AS t") for name in names}
            return {name: sorted(row["row"] for row in rows) for name, rows in texts.items()}
        finally:
            await connection.close()


@asynccontextmanager
async def migrated_installation(server: str, folder: Path, **settings: Any) -> AsyncIterator[Installation]:
    """One that nobody has used yet."""
    from tests.support.backing_services import database_from_template

    async with database_from_template(server, "migrated", migrate_template) as url:
        options: dict[str, Any] = {"database_url": url, "database_connections": 6, "data_dir": folder} | settings
        yield Installation(url, Settings(**options))


async def _leave_empty(_: str) -> None:
    """A template without anything in it."""


@asynccontextmanager
async def empty_installation(server: str, folder: Path, **settings: Any) -> AsyncIterator[Installation]:
    """One without any tables."""
    from tests.support.backing_services import database_from_template

    async with database_from_template(server, "never_migrated", _leave_empty) as url:
        options: dict[str, Any] = {"database_url": url, "database_connections": 6, "data_dir": folder} | settings
        yield Installation(url, Settings(**options))


async def stored_blobs(app: App) -> dict[str, str]:
    """The SHA-256 of every object in storage, by its key."""
    blobs = app.resources.services.blobs
    found = {}
    async for listed in blobs.find(""):
        blob = await blobs.get(listed.key)
        assert blob is not None
        found[listed.key] = f"{blob.content_type} {hashlib.sha256(blob.content).hexdigest()}"
    return found
