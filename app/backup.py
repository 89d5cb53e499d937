"""Does what `server.py admin backup`, `verify-backup` and `restore` are asked for (docs/backup.md)."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final

import migrations
from app.adapters import open_blobs
from app.bootstrap import VERSION
from app.keys import open_secret
from app.migration import migrate
from app.service_database import CannotStart, open_database_url
from app.settings import Settings
from auth.server_secret import ServerSecret
from domain.errors import StorageFull, Unavailable
from embedded import FolderInUse, running_postgres_url
from persistence.backup.backup import SchemaDiffers, back_up, require_unused, restore
from persistence.backup.blobs import StorageInUse
from persistence.backup.folder import BackupFolder, BackupUnusable, Manifest
from persistence.backup.rows import NotEmpty

_MAX_NAMED: Final = 20
TASKS: Final = {
    "backup": "write all rows and files of one instant into a new folder, while servers work",
    "verify-backup": "compare all of a backup with its sums",
    "restore": "restore a backup into an installation that nobody uses yet, and migrate it to this version",
}


def add_arguments(tasks: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The verbs about backups."""
    for name, description in TASKS.items():
        task = tasks.add_parser(name, help=description, description=description)
        task.add_argument("folder", type=Path)
        if name == "restore":
            task.add_argument(
                "--other-secret",
                action="store_true",
                help="also where HIVE_SECRET_KEY is not that of the backup: what it encrypts is lost (docs/backup.md)",
            )


def run_task(settings: Settings, arguments: argparse.Namespace) -> AsyncIterator[str]:
    """Do it, and yield lines about it. Raises CannotStart."""
    match arguments.task:
        case "backup":
            return back_up_installation(settings, arguments.folder)
        case "verify-backup":
            return verify_backup(arguments.folder)
        case _:
            return restore_installation(settings, arguments.folder, accepts_other_secret=arguments.other_secret)


async def back_up_installation(settings: Settings, path: Path) -> AsyncIterator[str]:
    """Back up the database and the files of the settings into a new folder, also while servers work. Raises CannotStart."""
    folder = BackupFolder(path.absolute())
    with _explained("The backup was not taken"):
        async with AsyncExitStack() as stack:
            url = await _working_database_url(settings, stack)
            secret = await asyncio.to_thread(open_secret, settings)
            blobs = await stack.enter_async_context(open_blobs(settings, secret))
            try:
                made = await back_up(
                    url,
                    blobs,
                    folder,
                    version=VERSION,
                    revision=migrations.head_revision(),
                    secret_check=_secret_check(secret),
                )
            except SchemaDiffers as error:
                raise CannotStart(
                    f"The database has the schema {error}, and this version has {migrations.head_revision()}: take the backup "
                    "with the version that serves, or run `server.py migrate` first."
                ) from error
    yield f"{_summary(made)} are in {folder.path}."
    if made.lost:
        named = "\n".join(f"  {each}" for each in made.lost[:_MAX_NAMED])
        raise CannotStart(f"The backup is whole but for {len(made.lost)} files that storage does not have as they were:\n{named}")


async def verify_backup(path: Path) -> AsyncIterator[str]:
    """Read all of a backup and compare it with its sums. Raises CannotStart."""
    folder = BackupFolder(path.absolute())
    with _explained("The backup cannot be used"):
        manifest = await asyncio.to_thread(folder.read_manifest)
        await asyncio.to_thread(folder.verify, manifest)
    yield f"{_summary(manifest)} are whole."


async def restore_installation(settings: Settings, path: Path, *, accepts_other_secret: bool) -> AsyncIterator[str]:
    """
    Restore a backup into the database and the storage of the settings, which nobody uses, and migrate it to this version.

    `accepts_other_secret`: also where the installation has another secret than the one that was backed up. Raises CannotStart;
    then it can be run again.
    """
    folder = BackupFolder(path.absolute())
    with _explained("The backup was not restored"):
        manifest = await asyncio.to_thread(folder.read_manifest)
        if manifest.revision not in migrations.known_revisions():
            raise CannotStart(f"The backup is of a newer version ({manifest.version}, schema {manifest.revision}): install that.")
        await asyncio.to_thread(folder.verify, manifest)
        yield f"{_summary(manifest)} are whole."
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(open_database_url(settings))
            secret = await asyncio.to_thread(open_secret, settings)
            if manifest.secret_check != _secret_check(secret) and not accepts_other_secret:
                raise CannotStart(
                    "This installation has another secret than the backup: set HIVE_SECRET_KEY to that of the backup, or bring "
                    "back the file secret_key of its HIVE_DATA_DIR. If it is lost, restore with --other-secret."
                )
            blobs = await stack.enter_async_context(open_blobs(settings, secret))
            revision = await require_unused(url, blobs, folder)
            if revision not in (None, manifest.revision):
                raise CannotStart(
                    f"The database has no users, but the schema {revision}, and the backup has {manifest.revision}: name one "
                    "without any tables."
                )
            await asyncio.to_thread(migrations.upgrade, url, manifest.revision)
            await restore(url, blobs, folder, manifest)
            await migrate(url)
        yield f"{_summary(manifest)} were restored."


def _summary(manifest: Manifest) -> str:
    return f"{len(manifest.tables)} tables and {manifest.blob_count} files of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"


def _secret_check(secret: ServerSecret) -> str:
    return secret.derive("backup check").hex()


async def _working_database_url(settings: Settings, stack: AsyncExitStack) -> str:
    """The address of the database, also of an embedded one that a server is running now."""
    try:
        return await stack.enter_async_context(open_database_url(settings))
    except FolderInUse:
        url = running_postgres_url(settings.data_dir.absolute() / "postgres")
        if url is None:
            raise
        return url


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn what can go wrong into lines for an operator."""
    try:
        yield
    except BackupUnusable as error:
        raise CannotStart(f"{what}: {error}") from error
    except NotEmpty as error:
        raise CannotStart(
            f"{what}: the database has users already. Name an empty one with HIVE_DATABASE_URL or HIVE_DATA_DIR."
        ) from error
    except StorageInUse as error:
        raise CannotStart(
            f"{what}: the storage of files holds {error}, which is not of this backup. Name an empty one."
        ) from error
    except (Unavailable, StorageFull) as error:
        raise CannotStart(f"{what}: {error.message} ({error.__cause__ or error})") from error
    except OSError as error:
        raise CannotStart(f"{what}: {error}") from error
