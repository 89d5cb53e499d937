"""Ensures that one program at a time works on a folder, however the one before it ended.

The lock is on an open file, so the kernel releases it when its holder dies. Postgres and its children inherit the descriptor:
after `kill -9` of their parent the folder stays locked until the last of them has ended, and the next start waits for that.
"""

import asyncio
import fcntl
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# A living holder may be ending (or be dead and not yet waited for); a dead one's Postgres always is.
_LIVE_HOLDER_TIMEOUT_SECONDS = 1.0
_DEAD_HOLDER_TIMEOUT_SECONDS = 15.0
_POLL_SECONDS = 0.02


class FolderInUse(Exception):
    """Another living instance holds the folder; the message names both."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"The database in {folder} is in use by {holder}: stop it first, or choose another folder.")
        self.folder = folder
        self.pid = pid


@asynccontextmanager
async def folder_lock(folder: Path) -> AsyncIterator[int]:
    """Lock `folder` and yield the descriptor that holds the lock, for child processes to inherit.

    Raises FolderInUse after a second if its holder lives. If that has died, waits for its child processes to end (15 s at most).
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        started_at = time.monotonic()
        while not _try_lock(lock):
            holder = _parse_pid(os.pread(lock, 32, 0))
            timeout_seconds = (
                _LIVE_HOLDER_TIMEOUT_SECONDS if holder is not None and _is_alive(holder) else _DEAD_HOLDER_TIMEOUT_SECONDS
            )
            if time.monotonic() - started_at > timeout_seconds:
                raise FolderInUse(folder, holder)
            await asyncio.sleep(_POLL_SECONDS)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
    finally:
        os.close(lock)


def remove_stale_pid(folder: Path, cluster: Path) -> None:
    """Remove the postmaster.pid of a killed Postgres, since its process id, reused by another program, would prevent a start.

    For the holder of the lock only. Raises FolderInUse if a Postgres that was started by hand runs there.
    """
    leftover = cluster / "postmaster.pid"
    if sys.platform != "linux" or not leftover.exists():
        return  # elsewhere Postgres' own, more cautious, check must do
    pid = _parse_pid(leftover.read_bytes())
    if pid is not None and _has_working_folder(pid, cluster):
        raise FolderInUse(folder, pid)
    leftover.unlink()


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse_pid(text: bytes) -> int | None:
    first = text.split(b"\n", 1)[0].strip()
    return int(first) if first.isdigit() else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _has_working_folder(pid: int, cluster: Path) -> bool:
    """Whether the working folder of `pid` is `cluster`, as it is for every Postgres process."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False
