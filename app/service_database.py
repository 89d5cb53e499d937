"""Opens the database of a server: the embedded one, or the one that is set, and the policies of row-level security where the
settings ask for them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.settings import Settings
from domain.errors import Unavailable
from embedded import embedded_postgres
from persistence import row_policies
from persistence.engine.database import Database, open_database
from realtime.background_tasks import report_dead_task


class CannotStart(Exception):
    """What an operator has to put right first; the message says it in a line."""


@asynccontextmanager
async def open_database_url(settings: Settings) -> AsyncIterator[str]:
    """The address of the database: the one that is set, or that of the embedded Postgres, which runs as long as this is open."""
    if settings.database_url is None or settings.blobs_url is None:
        await asyncio.to_thread(require_folder, settings.data_dir.absolute())
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


def require_folder(folder: Path) -> None:
    """Make the folder for data unless it is there, and write to it; CannotStart where that cannot be done."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise CannotStart(f"The folder {folder} cannot be used: {reason}. Choose another with HIVE_DATA_DIR.") from error


@asynccontextmanager
async def open_service_database(settings: Settings, url: str) -> AsyncIterator[Database]:
    """A migrated database, closed at the end. Raises CannotStart where its policies cannot be installed."""
    role = None
    if settings.row_level_security:
        try:
            async with open_database(url, max_connections=1) as database:
                await row_policies.install(database)
        except row_policies.PoliciesUnusable as error:
            raise CannotStart(str(error)) from error
        role = row_policies.ROLE
    async with open_database(url, max_connections=settings.database_connections, principals_role=role) as database:
        yield database
