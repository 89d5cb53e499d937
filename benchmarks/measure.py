"""One window of load on one server, and what it cost: wrk's figures, and the kernel's on the server's processes.

CPU time is that of the server's process and its children between the start and the end of the window (/proc/<pid>/stat, in
hundredths of a second), divided by the requests that were answered. What else ran on the server's core in that time is reported
beside it: on a quiet machine next to nothing.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LUA = Path(__file__).parent / "load" / "post.lua"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_START_TIMEOUT_SECONDS, _STOP_TIMEOUT_SECONDS, _IDLE_TIMEOUT_SECONDS = 60.0, 15.0, 20.0


class ServerDidNotStart(Exception):
    """A server ended, or did not listen in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one window gave."""

    requests: int
    seconds: float
    requests_per_second: float
    cpu_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    failed: int
    lost: int
    sample: str
    rss_mb: float
    busy: float
    foreign: float


@asynccontextmanager
async def running_server(command: Sequence[str], *, folder: Path, port: int, core: int, log: Path) -> AsyncIterator[int]:
    """Run a server on one core while the block lasts; its process id, once it listens."""
    server = _start(["taskset", "-c", str(core), *command], folder, log)
    try:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > deadline:
                end = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise ServerDidNotStart(f"{' '.join(command[-2:])} does not listen on port {port}. The end of its log:\n{end}")
            await asyncio.sleep(0.05)
        yield server.pid
    finally:
        await _stop(server)


def _start(command: Sequence[str], folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Each part of the command line executes the next one, so the process stays the one that we know."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def measure_window(*, pid: int, port: int, core: int, requests: Path, start: int, connections: int, seconds: int) -> Window:
    """Load the server with the requests of a file, from the one at `start` on. Begins when it has done with what came before."""
    await wait_until_idle(pid)
    url = f"http://127.0.0.1:{port}/graphql"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", "-s", str(_LUA), url]
    before, core_before, began = cpu_seconds(pid), _core_seconds(core), time.monotonic()
    load = await asyncio.create_subprocess_exec(
        *command, "--", str(requests), str(start), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(load.communicate(), seconds + 30)
    used, core_used, passed = cpu_seconds(pid) - before, _core_seconds(core) - core_before, time.monotonic() - began
    printed = [line for line in out.decode(errors="replace").splitlines() if line.startswith("{")]
    if not printed:
        raise ServerDidNotStart(f"wrk said nothing of use:\n{out.decode(errors='replace')[-2000:]}")
    reported: dict[str, Any] = json.loads(printed[-1])
    return Window(
        requests=reported["requests"],
        seconds=reported["seconds"],
        requests_per_second=reported["requests"] / reported["seconds"],
        cpu_ms=used * 1000 / max(reported["requests"], 1),
        **{name: reported[name] for name in ("p50_ms", "p90_ms", "p99_ms", "max_ms", "failed", "lost", "sample")},
        rss_mb=rss_mb(pid),
        busy=used / passed,
        foreign=max(core_used - used, 0.0) / passed,
    )


async def wait_until_idle(pid: int) -> None:
    """Wait until the server has nothing to do: wrk leaves without the last answers, and slow servers work on them for seconds."""
    deadline, used = time.monotonic() + _IDLE_TIMEOUT_SECONDS, cpu_seconds(pid)
    while time.monotonic() < deadline:
        await asyncio.sleep(0.25)
        before, used = used, cpu_seconds(pid)
        if used - before <= 2 / _TICKS_PER_SECOND:
            return


def _process_tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found.extend(int(child) for child in task.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the family so far, those who have ended and were waited for included."""
    ticks = 0
    for each in _process_tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS_PER_SECOND


def rss_mb(pid: int) -> float:
    pages = 0
    for each in _process_tree(pid):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def _core_seconds(core: int) -> float:
    """How long a core has been busy so far, with any process."""
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, irq, softirq, steal = (int(field) for field in line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_SECOND


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


async def _stop(server: "subprocess.Popen[bytes]") -> None:
    """See the server off: asked at first, then without asking."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(signal_number)
        deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if server.poll() is not None:
                return
            await asyncio.sleep(0.02)
