"""Real server processes for tests, and clients that talk to them over HTTP and websockets: a pytest plugin.

A process runs on a free port of 127.0.0.1 with nothing in its environment but the settings of the test, is told apart by its pid,
and dies with the test run however that ends.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect

from embedded.child_process import tied_to_parent
from tests.support.backing_services import free_port
from tests.support.forked_process import fork_program, server_main
from tests.support.secret_key import SECRET_KEY

ROOT = Path(__file__).parents[2]
START_TIMEOUT_SECONDS = 180.0
STOP_TIMEOUT_SECONDS = 60.0
CLIENT_TIMEOUT_SECONDS = 15.0
PATIENT_CLIENT_TIMEOUT_SECONDS = 60.0
PASSWORD = "correct horse battery staple"


class ServerProcess:
    """`server.py` with a verb, from its start to its end."""

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        new_interpreter: bool = False,
        root: Path = ROOT,
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        """`new_interpreter`: a start as from a shell, which imports everything, rather than a fork of what has; in which case it may
        be of another checkout, at `root`, and have an `environment`."""
        self._is_forked = not new_interpreter
        self._root = root
        self.port = settings.pop("port", None) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output_path = folder / f"server-{uuid4().hex[:8]}.txt"
        self._arguments = arguments
        self._environment = {
            **{name: value for name in ("PATH", "HOME", "LANG", "TMPDIR") if (value := os.environ.get(name))},  # noqa: TID251
            "HIVE_PORT": str(self.port),
            "HIVE_SETTLE_SECONDS": "3600",  # other tests share the database, and look whether anything was written
            "HIVE_TRUSTED_PROXIES": "127.0.0.1",  # tests come from addresses of their own: limits count by address
            "HIVE_DATA_DIR": str(folder / "data"),
            "HIVE_SECRET_KEY": SECRET_KEY,  # servers of one database share it
            **{f"HIVE_{name.upper()}": str(value) for name, value in settings.items()},
            **(environment or {}),
        }
        self.clients: list[Client] = []
        """Of HTTP: an open one that is collected fails whatever test runs then."""
        self._started_at = 0.0
        self._process: subprocess.Popen[bytes] | ForkServerProcess

    def start(self) -> None:
        """Start it; `wait_until_ready` or `wait_for_exit` say what comes of it."""
        self._started_at = time.monotonic()
        self._output_path.touch()
        if self._is_forked:
            self._process = fork_program(server_main, self._arguments, output=self._output_path, environment=self._environment)
            return
        with self._output_path.open("wb") as output:
            self._process = subprocess.Popen(
                tied_to_parent([sys.executable, str(self._root / "server.py"), *self._arguments]),
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def wait_until_ready(self) -> None:
        """Wait until it is ready."""
        async with httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"{self.url}/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                running = self._exit_code() is None and time.monotonic() < self._started_at + START_TIMEOUT_SECONDS
                assert running, f"the server did not start:\n{self.output}"
                await asyncio.sleep(0.02)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._exit_code() is None

    def cpu_seconds(self) -> float:
        """What the process and its threads have taken of the processor, whatever else the machine does."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll() if isinstance(self._process, subprocess.Popen) else self._process.exitcode

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self._output_path.read_text()

    def send_signal(self, signal_number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to it, or as a terminal does, to its whole process group."""
        (os.killpg if group else os.kill)(self.pid, signal_number)

    async def wait_for_exit(self, *, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> int:
        """Wait for its end: the exit code."""
        deadline = time.monotonic() + timeout_seconds
        while (code := self._exit_code()) is None:
            assert time.monotonic() < deadline, f"the server did not stop:\n{self.output}"
            await asyncio.sleep(0.01)
        return code

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        if isinstance(self._process, subprocess.Popen):
            self._process.wait()
        else:
            self._process.join()


@contextmanager
def running_process(*arguments: str, folder: Path, **settings: Any) -> Iterator[ServerProcess]:
    """A process that is gone at the end of the block."""
    server = ServerProcess(*arguments, folder=folder, **settings)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@asynccontextmanager
async def running_server(folder: Path, **settings: Any) -> AsyncIterator[ServerProcess]:
    """A server that answers, and stops in good order at the end of the block, after which all its clients are closed."""
    with running_process(folder=folder, **{"seed_size": "none", "log_level": "warning"} | settings) as server:
        try:
            await server.wait_until_ready()
            yield server
            server.send_signal(signal.SIGTERM)
            assert await server.wait_for_exit() == 0, server.output
        finally:
            for client in server.clients:
                await client.close()


class Client:
    """Somebody at the other end of the line."""

    def __init__(
        self, server: ServerProcess, token: str | None = None, *, url: str | None = None, keeps_connections: bool = True
    ) -> None:
        """`url`: of what stands before the server."""
        self.server = server
        self.token = token
        self.refresh_token: str | None = None
        self.url = url or server.url
        self._keeps_connections = keeps_connections
        limits = httpx.Limits(max_keepalive_connections=None if keeps_connections else 0)
        self.http = httpx.AsyncClient(base_url=self.url, timeout=CLIENT_TIMEOUT_SECONDS, limits=limits)
        self._quick_http: aiohttp.ClientSession | None = None
        server.clients.append(self)

    async def post(self, query: str, **variables: Any) -> httpx.Response:
        """An operation's answer."""
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def post_quickly(self, query: str, **variables: Any) -> tuple[int, bytes]:
        """Status and body of an operation's answer, for a third of the processor time of `post`: where thousands are sent. Raises
        aiohttp.ClientError, and TimeoutError after a minute: how long it took is for the caller to judge, who knows how busy the
        machine is."""
        if self._quick_http is None:
            connector = aiohttp.TCPConnector(limit=0, force_close=not self._keeps_connections)
            timeout = aiohttp.ClientTimeout(total=PATIENT_CLIENT_TIMEOUT_SECONDS)
            self._quick_http = aiohttp.ClientSession(timeout=timeout, connector=connector)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        body = orjson.dumps({"query": query, "variables": variables})
        async with self._quick_http.post(f"{self.url}/graphql", data=body, headers=headers) as response:
            return response.status, await response.read()

    async def run(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = (await self.post(query, **variables)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    @asynccontextmanager
    async def websocket(self, payload: Any = None, **options: Any) -> AsyncIterator[ClientConnection]:
        """A websocket that has said hello, with the token in `connection_init`."""
        url = f"{self.server.url.replace('http', 'ws', 1)}/graphql"
        async with connect(url, subprotocols=["graphql-transport-ws"], **options) as socket:  # type: ignore[list-item]
            hello = payload or ({} if self.token is None else {"Authorization": f"Bearer {self.token}"})
            await socket.send(orjson.dumps({"type": "connection_init", "payload": hello}).decode())
            assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
            yield socket

    async def close(self) -> None:
        await self.http.aclose()
        if self._quick_http is not None:
            await self._quick_http.close()


async def subscribe(socket: ClientConnection, query: str, **variables: Any) -> None:
    """Start the subscription `1`."""
    message = {"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}}
    await socket.send(orjson.dumps(message).decode())


async def next_data(socket: ClientConnection) -> Any:
    """The data of the next frame of a subscription, past pings."""
    while True:
        frame = orjson.loads(await asyncio.wait_for(socket.recv(), 20))
        if frame["type"] == "ping":
            await socket.send('{"type":"pong"}')
            continue
        assert frame["type"] == "next", frame
        assert "errors" not in frame["payload"], frame
        return frame["payload"]["data"]


REGISTER = """
mutation ($input: UserRegisterInput!) {
  userRegister(input: $input) { user { id } tokens { accessToken refreshToken } errors { code path message } }
}
"""


async def register_user(server: ServerProcess, name: str = "Ada") -> Client:
    """A new user, signed in."""
    client = Client(server)
    given = {"email": f"{name.lower()}-{uuid4()}@example.com", "password": PASSWORD, "firstName": name, "lastName": "Tester"}
    # As from a network of their own, behind a proxy: registrations are limited by address.
    headers = {"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"}
    request = {"query": REGISTER, "variables": {"input": given}}
    payload = (await client.http.post("/graphql", json=request, headers=headers)).json()["data"]["userRegister"]
    assert payload["errors"] == []
    client.token = payload["tokens"]["accessToken"]
    client.refresh_token = payload["tokens"]["refreshToken"]
    return client


REFRESH = "mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { tokens { accessToken refreshToken } } }"


async def refresh_tokens(client: Client) -> None:
    """Stay signed in, with new tokens."""
    tokens = (await client.run(REFRESH, input={"refreshToken": client.refresh_token}))["sessionRefresh"]["tokens"]
    client.token, client.refresh_token = tokens["accessToken"], tokens["refreshToken"]


TEAM_CREATE = "mutation ($input: TeamCreateInput!) { teamCreate(input: $input) { team { id } errors { code } } }"
PROJECT_CREATE = "mutation ($input: ProjectCreateInput!) { projectCreate(input: $input) { project { id } errors { code } } }"
TASK_CREATE = """
mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { task { id key title } cursor clientMutationId errors { code } } }
"""


async def create_team_and_project(client: Client) -> str:
    """A project in a new team: its id."""
    made = await client.run(TEAM_CREATE, input={"name": f"Team {uuid4()}", "key": f"T{uuid4().hex[:9].upper()}"})
    project = await client.run(PROJECT_CREATE, input={"teamId": made["teamCreate"]["team"]["id"], "name": "Launch"})
    project_id: str = project["projectCreate"]["project"]["id"]
    return project_id


@pytest.fixture(scope="session")
async def server(server_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """One server process, in development mode, shared by its tests."""
    async with running_server(tmp_path_factory.mktemp("server"), database_url=server_database_url) as running:
        yield running


@pytest.fixture
async def ada(server: ServerProcess) -> AsyncIterator[Client]:
    """Somebody new, signed in to the shared server."""
    client = await register_user(server)
    yield client
    await client.close()
