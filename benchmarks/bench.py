"""The whole run: the ground, the check, the rounds, the report."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import report
from benchmarks.check import Checker, Differs
from benchmarks.contestants import CONTESTANTS, DEFAULT, Contestant, PeerMissing, node_for
from benchmarks.ground import ROOT, Targets, choose, ground, tidy
from benchmarks.measure import DidNotStart, Window, free_port, serving, window
from benchmarks.sign_in import sign_in
from benchmarks.workloads import WORKLOADS, Workload
from embedded import BinariesMissing, FolderInUse, PostgresFailed


@dataclass(slots=True, kw_only=True)
class Run:
    """What one run was told, stands on and has measured so far."""

    asked: argparse.Namespace
    contestants: list[Contestant]
    workloads: list[Workload]
    node: str | None
    core: int
    scratch: Path
    url: str
    targets: Targets
    tokens: dict[str, str] = field(default_factory=dict)
    windows: dict[report.Key, list[Window]] = field(default_factory=dict)
    turn: int = 0


def main(given: list[str]) -> int:
    """Measure and report; the process's exit code."""
    asked = _arguments(given)
    try:
        asyncio.run(_bench(asked))
    except (PeerMissing, Differs, DidNotStart, BinariesMissing, FolderInUse, PostgresFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__, allow_abbrev=False)
    names, works = ",".join(DEFAULT), ",".join(WORKLOADS)
    also = ", ".join(name for name in CONTESTANTS if name not in DEFAULT)
    parser.add_argument("--contestants", default=names, type=_list(CONTESTANTS), help=f"default {names}; also {also}")
    parser.add_argument("--workloads", default=works, type=_list(WORKLOADS), help=f"default {works}")
    parser.add_argument("--rounds", default=3, type=int, help="how often all of it is measured; medians are told")
    parser.add_argument("--seconds", default=8, type=int, help="length of a window")
    parser.add_argument("--warm-up", default=3, type=int, help="seconds of load before the windows of a workload")
    parser.add_argument("--connections", default=[16, 64], type=lambda text: [int(each) for each in text.split(",")])
    parser.add_argument("--teams", default=40, type=int, help="teams whose objects are asked for, each by its owner")
    parser.add_argument("--objects", default=200, type=int, help="how many tasks, and how many projects, are asked for")
    parser.add_argument("--seed-size", default="large", choices=["demo", "large"])
    parser.add_argument("--data", default=ROOT / ".data" / "bench", type=Path, help="folder of the database, kept")
    parser.add_argument("--node", help="the Node that runs the peers")
    parser.add_argument("--check-only", action="store_true", help="compare answers, measure nothing")
    parser.add_argument("--note", default="", help="a sentence for the report, such as what else ran")
    parser.add_argument("--results", default=ROOT / "benchmarks" / "results", type=Path, help="folder of the report")
    return parser.parse_args(given)


def _list(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        found = text.split(",")
        if unknown := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return found

    return names


async def _bench(asked: argparse.Namespace) -> None:
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            raise PeerMissing(f"{program} is missing, which makes the load: install it (on Debian: apt install {package}).")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise PeerMissing("Two cores are needed: one for the server, the other for Postgres and the load.")
    os.sched_setaffinity(0, {cores[1]})  # ours, and so Postgres' and wrk's
    contestants = [CONTESTANTS[name] for name in asked.contestants]
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pantherahive-bench-")))
        node = node_for(contestants, asked.node)
        machine = report.machine(node)
        url = await stack.enter_async_context(ground(asked.data.absolute(), asked.seed_size))
        run = Run(
            asked=asked,
            contestants=contestants,
            workloads=[WORKLOADS[name] for name in asked.workloads],
            node=node,
            core=cores[0],
            scratch=scratch,
            url=url,
            targets=await choose(url, teams=asked.teams, objects=asked.objects),
        )
        run.tokens = await sign_in(url, run.targets.viewers)
        compared = await _check(run)
        print(f"{len(contestants)} contestants, {compared} answers: all the same.", file=sys.stderr)
        if asked.check_only:
            return
        for round_ in range(asked.rounds):
            places = range(len(contestants))
            for place in places:
                await _turn(run, contestants[(place + round_) % len(places)], round_)
    report.write(asked, machine, contestants, run.workloads, run.windows)


async def _check(run: Run) -> int:
    checker = Checker(run.url, run.targets, run.tokens)
    for contestant in run.contestants:
        port = free_port()
        async with _server(run, contestant, port):
            await checker.check(contestant, port, run.workloads)
    await tidy(run.url)
    return checker.compared


async def _turn(run: Run, contestant: Contestant, round_: int) -> None:
    """One contestant, started afresh: all workloads, each warmed up and then measured with each number of connections."""
    run.tokens = await sign_in(run.url, run.targets.viewers)
    port = free_port()
    async with _server(run, contestant, port) as pid:
        for workload in run.workloads:
            if not contestant.takes_part(workload.name):
                continue
            requests = run.scratch / f"{contestant.name}-{workload.name}.txt"
            requests.write_text(
                "".join(
                    f"{run.tokens[target.viewer]}\t{workload.body(contestant.dialect, target.id)}\n"
                    for target in workload.targets(run.targets)
                )
            )
            for connections in (0, *run.asked.connections):
                warming = connections == 0
                got = await window(
                    pid=pid,
                    port=port,
                    core=run.core,
                    requests=requests,
                    start=run.turn,
                    connections=connections or max(run.asked.connections),
                    seconds=run.asked.warm_up if warming else run.asked.seconds,
                )
                run.turn += got.requests
                if not warming:
                    run.windows.setdefault((contestant.name, workload.name, connections), []).append(got)
                    report.progress(round_, contestant, workload, connections, got)
    if any(workload.writes for workload in run.workloads):
        await tidy(run.url)


def _server(run: Run, contestant: Contestant, port: int) -> AbstractAsyncContextManager[int]:
    return serving(
        contestant.command(url=run.url, port=port, node=run.node),
        folder=contestant.folder,
        port=port,
        core=run.core,
        log=run.scratch / f"{contestant.name}.log",
    )
