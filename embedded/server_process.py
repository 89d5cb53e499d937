"""Start a Postgres program, wait until it is of use, and see it off, without ever blocking the event loop.

A plain `Popen` that is looked at every few milliseconds: it needs neither a watcher thread nor a particular event loop,
nothing is left in the loop when it closes, and fork happens on the calling thread, which is what the signal on its
death hangs on.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from embedded.child_process import Account, tied_to_parent

# Recovery after a crash reads the log of up to five minutes of writing.
_START_TIMEOUT_SECONDS = 120.0
_POLL_SECONDS = 0.005
_LOG_TAIL_LINES = 20
# Fast: cut connections, write everything down. Immediate: recover on the next start. Then the kernel's way.
_SHUTDOWN_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 7.0), (signal.SIGKILL, 5.0))
_READY_LINE = 7  # of postmaster.pid, counted from 0


class PostgresFailed(Exception):
    """Postgres did not start; the message ends with the end of its log."""


async def run_to_completion(
    command: Sequence[str], *, account: Account | None, folders: Mapping[str, Path], log: Path, lock: int
) -> None:
    """Run a program to its end; PostgresFailed if that isn't a good one."""
    child = _start(command, account=account, folders=folders, log=log, lock=lock)
    try:
        if not await _wait_for_exit(child, _START_TIMEOUT_SECONDS) or child.returncode != 0:
            raise _failure(f"{Path(command[0]).name} failed", child, log)
    finally:
        child.kill()
        child.wait()


@asynccontextmanager
async def running_server(
    command: Sequence[str], *, account: Account | None, folders: Mapping[str, Path], log: Path, lock: int
) -> AsyncIterator[None]:
    """Run a server over `folders["cluster"]` while the block lasts; PostgresFailed if it doesn't come up."""
    child = _start(command, account=account, folders=folders, log=log, lock=lock)
    try:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _is_ready(child.pid, folders["cluster"]):
            if child.poll() is not None or time.monotonic() > deadline:
                raise _failure("Postgres did not start", child, log)
            await asyncio.sleep(_POLL_SECONDS)
        yield
    finally:
        await _terminate(child)


def _start(
    command: Sequence[str], *, account: Account | None, folders: Mapping[str, Path], log: Path, lock: int
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (Ctrl-C is for us), with a bare environment and the claim."""
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
    """Whether the server says so in the file that it keeps for its own tools."""
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
        for farewell, patience in _SHUTDOWN_SIGNALS:
            child.send_signal(farewell)
            if await _wait_for_exit(child, patience):
                return
    finally:
        if child.poll() is None:  # we were cancelled while waiting
            child.send_signal(signal.SIGQUIT)


def _failure(what: str, child: subprocess.Popen[bytes], log: Path) -> PostgresFailed:
    end = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
    how = (
        f"it ended with {child.returncode}"
        if child.returncode is not None
        else f"it was not ready within {_START_TIMEOUT_SECONDS:.0f} s"
    )
    return PostgresFailed(f"{what}: {how}. The end of {log}:\n{end}")
