"""Takes a backup of an installation while it works, and restores one into an empty installation.

All rows are read in one snapshot, and with them the names of all blobs that they name. The blobs are copied after it: they never
change, and cleanups wait until the backup has ended (`persistence.backup.running`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

from domain.blob import BlobStore
from persistence.backup.blobs import BlobsWriter, NamedBlob, named_blobs, put_all, require_storage_free
from persistence.backup.folder import BackupFolder, HashedFile, Manifest, read_json_lines, write_json_line
from persistence.backup.rows import analyze, copy_in, copy_out, lift_time_limits, read_revision, require_empty
from persistence.backup.running import hold_off_cleanups
from persistence.engine.connections import DatabaseTimeouts
from persistence.engine.database import Database, open_database
from persistence.engine.schema_version import schema_version
from persistence.engine.session import open_session


class SchemaDiffers(Exception):
    """The database is not of this version; the message is its revision."""


MAX_SECONDS: Final = 24 * 3600.0
"""That one table may take."""


async def back_up(
    url: str, blobs: BlobStore, folder: BackupFolder, *, version: str, revision: str, secret_check: str
) -> Manifest:
    """
    Write everything into a new folder; what was written.

    `version` is that of the program, which reads databases of the schema `revision`; `secret_check` as in the manifest.
    Raises BackupUnusable, SchemaDiffers, Unavailable and OSError; then the folder holds no backup.
    """
    folder.create()
    async with open_session(url, name="backup") as session:
        await hold_off_cleanups(session)
        with HashedFile(folder.blob_list_path.open("xb")) as listing:
            writer = BlobsWriter(folder, listing)
            async with _open(url) as database, database.begin(snapshot=True) as connection:
                await lift_time_limits(connection)
                found, taken_at = await read_revision(connection)
                if found != revision:
                    raise SchemaDiffers(found)
                tables = await copy_out(connection, folder)
                await writer.write_records(connection)
                with HashedFile(folder.named_path.open("xb")) as named:
                    async for each in named_blobs(connection):
                        write_json_line(named, each)
            await writer.copy_all(blobs, read_json_lines(folder.named_path, NamedBlob))
        await session.ping()  # cleanups waited until now
    folder.named_path.unlink()
    manifest = Manifest(
        id=uuid4(),
        version=version,
        revision=revision,
        taken_at=taken_at,
        secret_check=secret_check,
        tables=tuple(tables),
        blob_count=writer.count,
        blob_list_sha256=listing.sha256,
        lost=tuple(sorted(writer.lost)),
    )
    await asyncio.to_thread(folder.finish, manifest)
    return manifest


async def require_unused(url: str, blobs: BlobStore, folder: BackupFolder) -> str | None:
    """
    The revision of the database, None for one without tables, if nobody uses it and the storage.

    Raises NotEmpty and StorageInUse. What an interrupted restore of the same backup has left counts as nothing.
    """
    async with _open(url) as database:
        async with database.begin() as connection:
            await require_empty(connection)
        revision = await schema_version(database)
    await require_storage_free(blobs, folder)
    return revision


async def restore(url: str, blobs: BlobStore, folder: BackupFolder, manifest: Manifest) -> None:
    """Store the blobs, then write the rows, all or none, into a database of the backup's revision. Raises NotEmpty and
    Unavailable."""
    await put_all(blobs, folder)
    async with _open(url) as database:
        async with database.begin() as connection:
            await copy_in(connection, folder, manifest.tables, manifest.id)
        async with database.begin() as connection:
            await lift_time_limits(connection)
            await analyze(connection)


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[Database]:
    async with open_database(url, max_connections=1, timeouts=DatabaseTimeouts(statement_seconds=MAX_SECONDS)) as database:
        yield database
