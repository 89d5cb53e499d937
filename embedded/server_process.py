"""Starts a Postgres program, waits until it is ready, starts it again when it dies, and ends it, without ever blocking the event
loop.

A plain `Popen` that is polled: it needs neither a watcher thread nor a particular event loop, nothing is left in the loop when it
closes, and fork happens on the calling thread, on which the signal at its death depends.
"""

import asyncio
import logging
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.child_process import Account, tied_to_parent

logger = logging.getLogger(__name__)

_START_TIMEOUT_SECONDS: Final = 120.0  # recovery after a crash reads the log of up to five minutes of writing
_POLL_SECONDS: Final = 0.005
_WATCH_SECONDS: Final = 0.1
_STEADY_SECONDS: Final = 1.0  # a server that has run for so long did not die of its start
RESTART_PAUSES_SECONDS: Final = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_LOG_TAIL_LINES: Final = 20
# Fast: close connections, write everything to disk. Immediate: recover on the next start. Then the kernel's way.
_SHUTDOWN_SIGNALS: Final = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 7.0), (signal.SIGKILL, 5.0))
_READY_LINE: Final = 7  # of postmaster.pid, counted from 0

OnFailure = Callable[["PostgresFailed"], None]


class PostgresFailed(Exception):
    """Postgres did not start; the message ends with the end of its log."""


async def run_to_completion(
    command: Sequence[str], *, account: Account | None, folders: Mapping[str, Path], log: Path, lock: int
) -> None:
    """Run a program to its end. Raises PostgresFailed when it fails."""
    child = _start(command, account=account, folders=folders, log=log, lock=lock)
    try:
        if not await _wait_for_exit(child, _START_TIMEOUT_SECONDS) or child.returncode != 0:
            raise _failure(f"{Path(command[0]).name} failed", child, log)
    finally:
        child.kill()
        child.wait()


@asynccontextmanager
async def running_server(
    command: Sequence[str],
    *,
    account: Account | None,
    folders: Mapping[str, Path],
    log: Path,
    lock: int,
    on_failure: OnFailure | None,
    restart_pauses_seconds: Sequence[float] = RESTART_PAUSES_SECONDS,
) -> AsyncIterator[None]:
    """Run a server over `folders["cluster"]` while the block lasts. Raises PostgresFailed when it does not start.

    A server that dies inside the block is started again; when that fails several times in a row, `on_failure` is called once.
    """
    server = _Server(command, account, folders, log, lock)
    watching: asyncio.Task[None] | None = None
    try:
        await server.start()
        watching = asyncio.get_running_loop().create_task(
            server.restart_when_dead(on_failure, restart_pauses_seconds), name="embedded Postgres"
        )
        yield
    finally:
        if watching is not None:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        if server.child is not None:
            await _terminate(server.child)


@dataclass(slots=True, eq=False)
class _Server:
    """A server over one cluster, and the process that it is at the moment."""

    command: Sequence[str]
    account: Account | None
    folders: Mapping[str, Path]
    log: Path
    lock: int
    child: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it is ready. Raises PostgresFailed."""
        child = self.child = _start(self.command, account=self.account, folders=self.folders, log=self.log, lock=self.lock)
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _is_ready(child.pid, self.folders["cluster"]):
            if child.poll() is not None or time.monotonic() > deadline:
                raise _failure("Postgres did not start", child, self.log)
            await asyncio.sleep(_POLL_SECONDS)

    async def restart_when_dead(self, on_failure: OnFailure | None, pauses_seconds: Sequence[float]) -> None:
        """Start it again whenever it has ended. Its own check of postmaster.pid keeps it from a cluster on which processes of the
        dead one still work: it fails then, and is started again after a pause."""
        failures, started_at = 0, time.monotonic()
        while True:
            assert self.child is not None
            if self.child.poll() is None:
                await asyncio.sleep(_WATCH_SECONDS)
                continue
            if time.monotonic() > started_at + _STEADY_SECONDS:
                failures = 0
            error = _failure("Postgres has ended", self.child, self.log)
            if failures == len(pauses_seconds):
                logger.critical("%s", error)
                if on_failure is not None:
                    on_failure(error)
                return
            logger.error("The embedded Postgres ended with %s; it is started again.", self.child.returncode)
            await asyncio.sleep(pauses_seconds[failures])
            failures += 1
            started_at = time.monotonic()
            with suppress(PostgresFailed):
                await self.start()
            if self.child.poll() is None:
                logger.warning("The embedded Postgres runs again, after %.1f s.", time.monotonic() - started_at)


def _start(
    command: Sequence[str], *, account: Account | None, folders: Mapping[str, Path], log: Path, lock: int
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (Ctrl-C is for this program), with a bare environment and the lock."""
    with log.open("ab") as output:
        return subprocess.Popen(
            tied_to_parent(command, parent_death_signal=signal.SIGQUIT, account=account, folders=folders),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            pass_fds=(lock,),
            start_new_session=True,
        )


def _is_ready(pid: int, cluster: Path) -> bool:
    """Whether the server says so in postmaster.pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"


async def _wait_for_exit(child: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while child.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


async def _terminate(child: subprocess.Popen[bytes]) -> None:
    try:
        for signal_number, timeout_seconds in _SHUTDOWN_SIGNALS:
            child.send_signal(signal_number)
            if await _wait_for_exit(child, timeout_seconds):
                return
    finally:
        if child.poll() is None:  # cancelled while waiting
            child.send_signal(signal.SIGQUIT)


def _failure(what: str, child: subprocess.Popen[bytes], log: Path) -> PostgresFailed:
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
    reason = (
        f"it ended with {child.returncode}"
        if child.returncode is not None
        else f"it was not ready within {_START_TIMEOUT_SECONDS:.0f} s"
    )
    return PostgresFailed(f"{what}: {reason}. The end of {log}:\n{tail}")
