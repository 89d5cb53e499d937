"""What every scenario stands on: a database with a team, servers that are started afresh, and load clients."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import migrations
from app.bootstrap import Resources, open_resources
from app.settings import Settings
from benchmarks.collaboration.contestants import HERE, ROOT, Contestant
from benchmarks.collaboration.workload import WriterProtocol
from benchmarks.live.run import LoadClient, _read_figures
from benchmarks.live.subscribers import Subscribers, create_subscribers
from benchmarks.measure import free_port, running_server, wait_until_idle
from benchmarks.sign_in import PUBLIC_URL, SECRET_KEY
from embedded import embedded_postgres

SERVER_CORE, LOAD_CORE = 0, 1
FIRST_CONNECTIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkData:
    """What all turns stand on. `documents`: ids that nobody has written to yet."""

    folder: Path
    url: str
    resources: Resources
    subscribers: Subscribers


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One connection of a load client: how it speaks, and what it says first, behind authentication and step 1."""

    protocol: WriterProtocol
    greeting: Sequence[bytes] = ()


@asynccontextmanager
async def open_benchmark(members: int) -> AsyncIterator[BenchmarkData]:
    """A new database with a team of so many members, and the compiled load client, for the length of the block."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["cc", "-O2", "-o", f"{folder}/load", str(HERE / "load.c")], check=True)  # noqa: ASYNC221, S607
        async with embedded_postgres(ROOT / ".data" / "bench-collab") as server:
            import asyncpg

            admin = await asyncpg.connect(server)
            await admin.execute("DROP DATABASE IF EXISTS collab WITH (FORCE)")
            await admin.execute("CREATE DATABASE collab")
            assert await admin.fetchval("SHOW fsync") == "on"
            await admin.close()
            url = server.replace("/postgres?", "/collab?")
            assert url != server
            await asyncio.to_thread(migrations.upgrade, url)
            settings = Settings(database_url=url, public_url=PUBLIC_URL, production=True, secret_key=SECRET_KEY)
            async with open_resources(settings, url) as resources:
                subscribers = await create_subscribers(resources, members)
                yield BenchmarkData(folder=Path(folder), url=url, resources=resources, subscribers=subscribers)


@asynccontextmanager
async def running_contestant(data: BenchmarkData, contestant: Contestant) -> AsyncIterator[tuple[int, int]]:
    """A server, started afresh: its process id and its port, once it is idle."""
    port = free_port()
    filled = {"@PORT@": str(port), "@DATABASE@": data.url}
    environment = {
        "HIVE_DATABASE_URL": data.url, "HIVE_PORT": str(port), "HIVE_PUBLIC_URL": PUBLIC_URL, "HIVE_PRODUCTION": "true",
        "HIVE_SECRET_KEY": SECRET_KEY.get_secret_value(),
        "HIVE_LOG_LEVEL": "warning", "HIVE_COST_LIMITS": "report",
    } if contestant.ours else {name: filled.get(value, value) for name, value in contestant.environment.items()}  # fmt: skip
    command = [
        "env",
        *(f"{name}={value}" for name, value in environment.items()),
        *(filled.get(word, word) for word in contestant.command),
    ]
    log = data.folder / "server.log"
    try:
        async with running_server(command, folder=contestant.folder, port=port, core=SERVER_CORE, log=log) as pid:
            await wait_until_idle(pid)
            yield pid, port
    except RuntimeError:
        print(log.read_text(errors="replace")[-2_000:], file=sys.stderr)
        raise


@asynccontextmanager
async def load_client(
    data: BenchmarkData,
    port: int,
    clients: Sequence[Client],
    edits: Sequence[tuple[int, bytes]],
    *,
    first: int = FIRST_CONNECTIONS,
) -> AsyncIterator[LoadClient]:
    """A load client with these connections, the first of which are open; `edits`: messages, each with its writer."""
    with tempfile.TemporaryDirectory(dir=data.folder) as folder:
        connections, messages = Path(folder) / "connections", Path(folder) / "edits"
        prefix = clients[0].protocol.prefix
        connections.write_text("".join(each.protocol.connection_line(each.greeting) for each in clients))
        messages.write_text("".join(f"{writer}\t{(prefix + message).hex()}\n" for writer, message in edits))
        process = await asyncio.create_subprocess_exec(
            "taskset", "-c", str(LOAD_CORE), str(data.folder / "load"),
            str(port), str(connections), str(messages), prefix.hex() or "-", str(first),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield LoadClient(process, await _read_figures(process))
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
