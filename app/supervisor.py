"""Starts several processes that answer behind one port, restarts those that die, and ends them.

Python runs on one core per process. So a supervising process holds the address and prepares the database as a single one would,
then starts workers, each a whole server with its own connections, and the kernel spreads new connections over all who listen on
the port (SO_REUSEPORT). The supervisor itself never listens: no connection can wait in a queue that nobody empties. Each worker
makes its own listening socket, so what a dead one had not accepted yet is refused at once, and not left to hang.

The supervisor takes the address without SO_REUSEPORT first: that fails where anybody listens, or where another supervisor is
starting, whereas a shared bind succeeds beside any other process of the same user.

Where it prepares the database, it also starts one process that does what happens after commits (`server.py worker`).

Workers die with the supervisor, however it ends (`embedded.child_process`): on a signal they are signalled too, and drain; after
`kill -9` the kernel kills them, as it does the embedded Postgres. A worker reports through a pipe that it answers: on a shared
port nobody else can know which one answered.

Rejected: fork without exec (threads and event loops of what is imported do not survive it); handing one listening socket to all
(one wakes for another's connection, and on Linux the busiest gets the most); Uvicorn's own supervisor (it knows nothing of what
is prepared before and closed after, and its workers outlive a kill).
"""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.bootstrap import open_resources
from app.listening import address_errors, bind_socket
from app.migration import migrate
from app.seeding import seed_database, seed_demo_documents
from app.service_database import CannotStart, open_database_url
from app.serving import announce, serve
from app.settings import Settings, environment
from app.start_checks import require_migrated, require_places
from app.task_supervision import end_on_dead_task
from embedded import MAX_CONNECTIONS
from embedded.child_process import tied_to_parent
from persistence.engine.database import max_client_connections

logger = logging.getLogger(__name__)

_SERVER_SCRIPT: Final = Path(__file__).parents[1] / "server.py"
_POLL_SECONDS: Final = 0.05
_START_TIMEOUT_SECONDS: Final = 60.0
_STEADY_SECONDS: Final = 10.0
"""A worker that has answered for so long did not die of its start."""
_INITIAL_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 0.25, 10.0
_MAX_FAILURES: Final = 5
_DRAIN_TIMEOUT_SECONDS: Final = 18.0  # a little more than a server allows itself
_REPORTED_EXIT_CODES: Final = (1, 2)


async def serve_with_workers(settings: Settings, workers: int, *, prepare: bool) -> None:
    """As `serving.serve`, by this many processes. Raises CannotStart."""
    _check_settings(settings, workers)
    require_places(settings, workers=workers + prepare)
    with _reserved_port(settings.host, settings.port) as port, end_on_dead_task():
        settings = settings.model_copy(update={"port": port})
        async with open_database_url(settings) as url:
            if prepare:
                await migrate(url)
            else:
                await require_migrated(url)
            async with open_resources(settings, url) as resources:  # what is wrong with a setting is said once, here
                allowed = await max_client_connections(resources.database)
                if workers > 1 and (wanted := workers * settings.database_connections) > allowed:
                    logger.warning(
                        "%d workers may open %d connections, but Postgres allows %d: requests wait.", workers, wanted, allowed
                    )
                if prepare:
                    await seed_database(url, settings)
                    await seed_demo_documents(resources, settings)
            servers = [_Worker(number, settings, url, "api") for number in range(workers)]
            others = [_Worker(workers, settings, url, "worker")] if prepare else []
            async with _running_workers([*servers, *others]) as running:
                await _supervise(running, lambda: announce(settings, workers=workers))


async def serve_as_worker(settings: Settings, ready_fd: int) -> None:
    """Be one of several; `ready_fd` is the descriptor of the pipe through which it reports to the supervisor that it answers."""

    def up(_: Settings) -> None:
        os.write(ready_fd, b"up")
        os.close(ready_fd)

    await serve(settings, prepare=False, shared=True, on_ready=up)


def _check_settings(settings: Settings, workers: int) -> None:
    if not hasattr(socket, "SO_REUSEPORT"):
        raise CannotStart("Processes cannot share a port on this system: leave --workers out.")
    if settings.redis_url is None:
        raise CannotStart(
            f"{workers} workers learn of each other's changes through Redis: set HIVE_REDIS_URL, or leave --workers out."
        )
    wanted = workers * settings.database_connections
    if settings.database_url is None and wanted > MAX_CONNECTIONS:
        raise CannotStart(
            f"{workers} workers with {settings.database_connections} connections each are more than the {MAX_CONNECTIONS} of the "
            "embedded Postgres: set a smaller HIVE_DATABASE_CONNECTIONS, or HIVE_DATABASE_URL."
        )


@contextmanager
def _reserved_port(host: str, port: int) -> Iterator[int]:
    """The port, reserved for workers to share; CannotStart where another process has it."""
    with bind_socket(host, port) as probe:
        family, address = probe.family, probe.getsockname()
    with socket.socket(family) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with address_errors(host, address[1]):
            try:
                holder.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                # Connections of a single server that has just stopped are still remembered by the kernel.
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                holder.bind(address)
        yield address[1]


@dataclass(slots=True, eq=False)
class _Worker:
    """One of the processes: its number, and the process that fills it at the moment."""

    number: int
    settings: Settings
    url: str
    verb: str
    """What it runs: `api`, or `worker` for what happens after commits."""
    child: subprocess.Popen[bytes] | None = None
    is_ready: bool = False
    failures: int = 0
    """How often in a row it died before it had answered for a while."""
    _ready_fd: int = -1
    _started_at: float = 0.0
    _next_start_at: float = field(default_factory=time.monotonic)

    def poll(self) -> int | None:
        """Start it when it is due, and check on it; the exit code when it has just died."""
        now = time.monotonic()
        if self.child is None:
            if now >= self._next_start_at:
                self._start(now)
            return None
        if (code := self.child.poll()) is not None:
            self._on_exit(code, now)
            return code
        if not self.is_ready:
            with contextlib.suppress(BlockingIOError):
                self.is_ready = os.read(self._ready_fd, 2) == b"up"
            if not self.is_ready and now > self._started_at + _START_TIMEOUT_SECONDS:
                logger.warning("Worker %d does not come up.", self.number)
                self.child.kill()
        return None

    def send_signal(self, signum: signal.Signals) -> None:
        """Send a signal to the child, if there is one."""
        if self.child is not None:
            self.child.send_signal(signum)

    def kill_and_wait(self) -> None:
        """Kill whatever is left, and wait for it."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self._reset()

    def _start(self, now: float) -> None:
        own = {"port": str(self.settings.port), "database_url": self.url}
        if self.settings.metrics_port is not None:
            own["metrics_port"] = str(self.settings.metrics_port + self.number)
        self._ready_fd, theirs = os.pipe()
        os.set_blocking(self._ready_fd, False)
        try:
            self.child = subprocess.Popen(
                tied_to_parent([sys.executable, str(_SERVER_SCRIPT), self.verb, f"--ready-fd={theirs}"]),
                env=environment(**own),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs,),
                start_new_session=True,  # Ctrl-C is for the supervisor, which tells all
            )
        finally:
            os.close(theirs)
        self._started_at = now

    def _on_exit(self, code: int, now: float) -> None:
        assert self.child is not None
        steady = self.is_ready and now > self._started_at + _STEADY_SECONDS
        self.failures = 0 if steady else self.failures + 1
        pause = min(_INITIAL_BACKOFF_SECONDS * 2 ** (self.failures - 1), _MAX_BACKOFF_SECONDS) if self.failures else 0.0
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        logger.warning("Worker %d (process %d) %s; it is started again in %.2f s.", self.number, self.child.pid, how, pause)
        self._next_start_at = now + pause
        self._reset()

    def _reset(self) -> None:
        os.close(self._ready_fd)
        self.child, self.is_ready = None, False


@asynccontextmanager
async def _running_workers(workers: Sequence[_Worker]) -> AsyncIterator[Sequence[_Worker]]:
    """Workers that have all ended when the block ends: signalled first, and killed when they take too long or a second signal
    comes."""
    try:
        yield workers
    finally:
        try:
            for each in workers:
                each.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_TIMEOUT_SECONDS):
                    await _wait_for_exit(workers)
        finally:
            for each in workers:
                each.kill_and_wait()


async def _wait_for_exit(workers: Sequence[_Worker]) -> None:
    while True:
        if all(each.child is None or each.child.poll() is not None for each in workers):
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _supervise(workers: Sequence[_Worker], on_ready: Callable[[], None]) -> None:
    """
    Start workers, and start again those that die, until cancelled. `on_ready` is called once all answer.

    One that cannot be started again is tried for ever while others answer. Raises CannotStart when none does after several tries,
    or when one that has never answered reports why it cannot start.
    """
    announced = False
    while True:
        codes = [each.poll() for each in workers]
        if not announced and any(code in _REPORTED_EXIT_CODES for code in codes):
            raise CannotStart("A worker cannot start; its reason stands above.")
        if max(each.failures for each in workers) >= _MAX_FAILURES and not any(
            each.is_ready for each in workers if each.verb == "api"
        ):
            raise CannotStart(f"No worker answers any more, after {_MAX_FAILURES} tries.")
        if not announced and all(each.is_ready for each in workers):
            announced = True
            on_ready()
        await asyncio.sleep(_POLL_SECONDS)
