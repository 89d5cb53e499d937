"""`make bench-collab`: what writing one document together costs, beside peers, in one run. `--help` names the options, README.md
says how.

Contestants take turns in every round; each is started afresh on core 0, everything else (Postgres, the load client) has core 1.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from benchmarks.collaboration import workload
from benchmarks.collaboration.appends import measure_appends
from benchmarks.collaboration.report import table
from benchmarks.live.run import LoadClient, _read_figures
from benchmarks.live.subscribers import Subscribers, create_subscribers
from benchmarks.measure import cpu_seconds, free_port, rss_mb, running_server, wait_until_idle
from benchmarks.sign_in import PUBLIC_URL, SECRET_KEY
from embedded import embedded_postgres

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PEERS = ROOT / ".data" / "bench-collab-peers"
_SERVER_CORE, _LOAD_CORE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server. `acknowledges`: it is spoken to as Hocuspocus' provider speaks, else as y-websocket's. `kept`: where edits go,
    and when."""

    title: str
    command: list[str]
    durability: str
    acknowledges: bool = False
    ours: bool = False
    folder: Path = ROOT
    environment: dict[str, str] = field(default_factory=dict)


def contestants() -> dict[str, Contestant]:
    """By name; `@PORT@` and `@DATABASE@` are filled in."""
    node = HERE / "peers" / "node"
    api = [sys.executable, "server.py", "api"]
    hocuspocus = {"PORT": "@PORT@", "DATABASE_URL": "@DATABASE@", "NODE_ENV": "production"}
    stored = "Postgres, 2 to 10 s after"
    return {
        "ours": Contestant(title="PantheraHive", command=api, durability="Postgres, fsync, before", acknowledges=True, ours=True),
        "ours-y": Contestant(title="PantheraHive, y-websocket", command=api, durability="Postgres, fsync, before", ours=True),
        "hocuspocus": Contestant(
            title="Hocuspocus, 8 ms", command=["node", "hocuspocus.js"], durability=stored, acknowledges=True, folder=node,
            environment=hocuspocus | {"FLUSH_MS": "8"},
        ),
        "hocuspocus-at-once": Contestant(
            title="Hocuspocus, its default", command=["node", "hocuspocus.js"], durability=stored, acknowledges=True, folder=node,
            environment=hocuspocus | {"FLUSH_MS": "0"},
        ),
        "y-websocket": Contestant(
            title="@y/websocket-server", command=["node", "node_modules/@y/websocket-server/src/server.js"], durability="memory",
            folder=node, environment={"HOST": "127.0.0.1", "PORT": "@PORT@", "NODE_ENV": "production"},
        ),
        "pycrdt-websocket": Contestant(
            title="pycrdt-websocket", command=[str(PEERS / "bin" / "python"), "server.py", "@PORT@"], durability="memory",
            folder=HERE / "peers" / "python",
        ),
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkData:
    """What all turns stand on. `documents`: ids that nobody has written to yet."""

    folder: Path
    url: str
    subscribers: Subscribers
    documents: list[str]


@asynccontextmanager
async def _load_client(
    data: BenchmarkData, contestant: Contestant, port: int, writers: int, edits: list[tuple[int, bytes]]
) -> AsyncIterator[LoadClient]:
    id_, token = data.documents.pop(), data.subscribers.tokens[0]
    path = (
        "/collaboration"
        if contestant.ours and contestant.acknowledges
        else f"/collaboration/{id_}?token={token}"
        if contestant.ours
        else f"/{id_}"
    )
    speech = workload.WriterProtocol(path=path, document_name=id_ if contestant.acknowledges else None, token=token)
    (data.folder / "connections").write_text(speech.connection_line() * writers)
    (data.folder / "edits").write_text("".join(speech.edit_line(*each) for each in edits))
    words = [str(port), str(data.folder / "connections"), str(data.folder / "edits"), speech.prefix.hex()]
    process = await asyncio.create_subprocess_exec(
        "taskset",
        "-c",
        str(_LOAD_CORE),
        str(data.folder / "load"),
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield LoadClient(process, await _read_figures(process))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def measure_contestant(
    data: BenchmarkData, contestant: Contestant, writers: int, edits: list[tuple[int, bytes]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """One contestant, once: so many connect to one document and write at each rate, then all at once."""
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
    found: dict[str, Any] = {}
    async with running_server(
        command, folder=contestant.folder, port=port, core=_SERVER_CORE, log=data.folder / "server.log"
    ) as pid:
        await wait_until_idle(pid)
        async with _load_client(data, contestant, port, writers, edits) as load:
            await wait_until_idle(pid)
            before = rss_mb(pid)
            await load.run("connect")
            await load.run("settle 0.5")
            await wait_until_idle(pid)
            found["kib_per_connection"] = (rss_mb(pid) - before) * 1024 / (writers - 10)
            await load.run(f"paced 100 {max(1, writers / 100)}")  # everybody once
            for name, words in [
                *((f"{rate:.0f}/s", f"paced {rate} {arguments.seconds}") for rate in arguments.rates),
                ("storm", f"storm {arguments.storm}"),
            ]:
                await wait_until_idle(pid)
                before = cpu_seconds(pid)
                outcome = await load.run(words)
                outcome["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / max(outcome["delivered"], 1)
                outcome["missing"] = outcome["expected"] - outcome["delivered"]
                if outcome["missing"] or outcome["gone"]:
                    print(f"VOID: {contestant.title}, {name}: {outcome}", file=sys.stderr)
                found[name] = outcome
    return found


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    first = rounds[0]
    return {
        key: _medians([each[key] for each in rounds]) if isinstance(value, dict) else median(each[key] for each in rounds)
        for key, value in first.items()
    }


async def _run(arguments: argparse.Namespace) -> int:
    os.sched_setaffinity(0, {_LOAD_CORE})
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["cc", "-O2", "-o", f"{folder}/load", str(HERE / "load.c")], check=True)  # noqa: ASYNC221, S607
        found: dict[str, Any] = json.loads(arguments.keep.read_text()) if arguments.keep and arguments.keep.exists() else {}
        known = contestants()
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
                crowd = await create_subscribers(resources, 1)
                turns = arguments.rounds * len(arguments.writers) * len(arguments.contestants)
                ground = BenchmarkData(
                    folder=Path(folder),
                    url=url,
                    subscribers=crowd,
                    documents=await workload.create_documents(resources, crowd, turns),
                )
                if arguments.appends:
                    os.sched_setaffinity(0, {_SERVER_CORE})
                    many = await workload.create_documents(resources, crowd, arguments.appends)
                    found.setdefault("appends", []).append(await measure_appends(resources.database, many, arguments.seconds))
                    os.sched_setaffinity(0, {_LOAD_CORE})
                    print(f"appends: {found['appends'][-1]}", file=sys.stderr, flush=True)
            for number in range(arguments.rounds):
                first = (number + arguments.first) % max(len(arguments.contestants), 1)
                for writers in arguments.writers:
                    total = int(sum(arguments.rates) * arguments.seconds) + arguments.storm + 2 * max(100, writers)
                    edits = workload.make_edits(writers, total)
                    for name in arguments.contestants[first:] + arguments.contestants[:first]:
                        try:
                            result = await measure_contestant(ground, known[name], writers, edits, arguments)
                        except RuntimeError:
                            print((ground.folder / "server.log").read_text(errors="replace")[-2_000:], file=sys.stderr)
                            raise
                        found.setdefault(str(writers), {}).setdefault(name, []).append(result)
                        print(f"round {number + 1}, {writers} writers, {name}: {json.dumps(result)}", file=sys.stderr, flush=True)
    if arguments.keep:
        arguments.keep.write_text(json.dumps(found))
    medians = {
        writers: {name: _medians(rounds) for name, rounds in named.items()}
        for writers, named in found.items()
        if writers != "appends"
    }
    if "appends" in found:
        medians["appends"] = _medians(found["appends"])
    text = table(medians, {name: (each.title, each.durability) for name, each in known.items()})
    print(text)
    if arguments.write:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: ASYNC221, S607
        stem = RESULTS / f"collaboration-{datetime.now(UTC):%Y-%m-%d}-{commit.stdout.strip()}"
        machine = {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
        options = {name: value for name, value in vars(arguments).items() if name not in ("write", "keep")}
        outcome = {"machine": machine, "options": options, "medians": medians, "rounds": found}
        stem.with_suffix(".json").write_text(json.dumps(outcome, indent=1) + "\n")
        (RESULTS / "collaboration.md").write_text(text + "\n")
    return 0


def _install_peers(names: list[str]) -> None:
    """Install what the peers need, once."""
    if any("hocuspocus" in name or name == "y-websocket" for name in names) and not (HERE / "peers/node/node_modules").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"]
        subprocess.run(command, cwd=HERE / "peers" / "node", stdout=sys.stderr, check=True)
    if "pycrdt-websocket" in names and not (PEERS / "bin" / "python").exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(PEERS)], check=True)
        required = str(HERE / "peers" / "python" / "requirements.txt")
        python = str(PEERS / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", required], check=True)


def main(argv: list[str]) -> int:
    """Measure, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--contestants", type=lambda text: [each for each in text.split(",") if each], default=list(contestants())
    )
    parser.add_argument("--writers", type=lambda text: [int(each) for each in text.split(",")], default=[50, 200])
    parser.add_argument("--rates", type=lambda text: [float(each) for each in text.split(",")], default=[50.0, 250.0, 500.0])
    parser.add_argument("--seconds", type=float, default=3, help="of each rate, and of appending")
    parser.add_argument("--storm", type=int, default=1_000, help="edits at once")
    parser.add_argument("--appends", type=int, default=200, help="documents in which durable appends are counted; 0: not at all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--first", type=int, default=0, help="which contestant begins the first round, where rounds are run one by one"
    )
    parser.add_argument("--keep", type=Path, help="a file of rounds: these are added to those in it, and the medians are of all")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    given = parser.parse_args(argv)
    if shutil.which("npm") is None:
        parser.error("npm is missing, which the peers need")
    _install_peers(given.contestants)
    return asyncio.run(_run(given))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
