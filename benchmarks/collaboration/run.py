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
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # modules are named from the root, as everywhere

from benchmarks.collaboration import workload
from benchmarks.collaboration.appends import measure_appends
from benchmarks.collaboration.contestants import ROOT, Contestant, contestants, install_peers
from benchmarks.collaboration.crowds import measure_join_storm, measure_presence
from benchmarks.collaboration.harness import (
    FIRST_CONNECTIONS,
    LOAD_CORE,
    SERVER_CORE,
    BenchmarkData,
    Client,
    load_client,
    open_benchmark,
    running_contestant,
)
from benchmarks.collaboration.report import crowd_table, table
from benchmarks.measure import cpu_seconds, rss_mb, wait_until_idle

RESULTS = ROOT / "benchmarks" / "results"
_CROWDS = {"presence": measure_presence, "join-storm": measure_join_storm}


async def measure_contestant(
    data: BenchmarkData, contestant: Contestant, document: str, edits: list[tuple[int, bytes]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """One contestant, once: so many connect to one document and write at each rate, then all at once."""
    writers = max(writer for writer, _ in edits) + 1
    client = Client(protocol=workload.protocol(contestant, document, data.subscribers.tokens[0]))
    found: dict[str, Any] = {}
    async with (
        running_contestant(data, contestant) as (pid, port),
        load_client(data, port, [client] * writers, workload.sync_updates(edits)) as load,
    ):
        await wait_until_idle(pid)
        before = rss_mb(pid)
        await load.run("connect")
        await load.run("settle 0.5")
        await wait_until_idle(pid)
        found["kib_per_connection"] = (rss_mb(pid) - before) * 1024 / (writers - FIRST_CONNECTIONS)
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


async def _run_crowds(arguments: argparse.Namespace) -> int:
    """Presence, or a join storm."""
    known = contestants()
    rounds: dict[str, list[dict[str, Any]]] = {}
    async with open_benchmark(members=arguments.people) as data:
        for number in range(arguments.rounds):
            for name in arguments.contestants:
                result = await _CROWDS[arguments.scenario](data, known[name], arguments)
                rounds.setdefault(name, []).append(result)
                print(f"round {number + 1}, {name}: {json.dumps(result)}", file=sys.stderr, flush=True)
    print(crowd_table({known[name].title: _medians(several) for name, several in rounds.items()}))
    return 0


async def _run(arguments: argparse.Namespace) -> int:
    found: dict[str, Any] = json.loads(arguments.keep.read_text()) if arguments.keep and arguments.keep.exists() else {}
    known = contestants()
    async with open_benchmark(members=1) as data:
        if arguments.appends:
            os.sched_setaffinity(0, {SERVER_CORE})
            many = await workload.create_documents(data.resources, data.subscribers, arguments.appends)
            found.setdefault("appends", []).append(await measure_appends(data.resources.database, many, arguments.seconds))
            os.sched_setaffinity(0, {LOAD_CORE})
            print(f"appends: {found['appends'][-1]}", file=sys.stderr, flush=True)
        for number in range(arguments.rounds):
            first = (number + arguments.first) % max(len(arguments.contestants), 1)
            for writers in arguments.writers:
                total = int(sum(arguments.rates) * arguments.seconds) + arguments.storm + 2 * max(100, writers)
                edits = workload.make_edits(writers, total)
                for name in arguments.contestants[first:] + arguments.contestants[:first]:
                    (document,) = await workload.create_documents(data.resources, data.subscribers, 1)
                    result = await measure_contestant(data, known[name], document, edits, arguments)
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


def main(argv: list[str]) -> int:
    """Measure, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", choices=["writing", *_CROWDS], default="writing")
    parser.add_argument("--contestants", type=lambda text: [each for each in text.split(",") if each])
    parser.add_argument("--people", type=int, default=500, help="in the document of a crowd, or who join it")
    parser.add_argument("--moves", type=float, default=500.0, help="cursors that are moved a second, by the crowd together")
    parser.add_argument("--megabytes", type=float, default=10.0, help="of the document that a storm joins")
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
    given.contestants = given.contestants or (list(contestants()) if given.scenario == "writing" else ["ours"])
    install_peers(given.contestants)
    return asyncio.run(_run(given) if given.scenario == "writing" else _run_crowds(given))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
