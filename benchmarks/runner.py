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
from benchmarks.contestants import CONTESTANTS, DEFAULT, Contestant, prepare
from benchmarks.database import ROOT, Targets, benchmark_database, choose_targets, vacuum_tables
from benchmarks.measure import ServerDidNotStart, Window, free_port, measure_window, running_server
from benchmarks.sign_in import sign_in
from benchmarks.toolchains import ProgramMissing
from benchmarks.verification import AnswerChecker, AnswersDiffer
from benchmarks.workloads import WORKLOADS, Workload
from embedded import BinariesMissing, FolderInUse, PostgresFailed


@dataclass(slots=True, kw_only=True)
class Run:
    """The options of one run, the database that it uses, and what it has measured so far."""

    options: argparse.Namespace
    contestants: list[Contestant]
    workloads: list[Workload]
    node: str | None
    core: int
    scratch_folder: Path
    url: str
    targets: Targets
    tokens: dict[str, str] = field(default_factory=dict)
    windows: dict[report.Key, list[Window]] = field(default_factory=dict)
    next_request: int = 0


def main(argv: list[str]) -> int:
    """Measure and report; the process's exit code."""
    asked = _parse_arguments(argv)
    try:
        asyncio.run(_run(asked))
    except (ProgramMissing, AnswersDiffer, ServerDidNotStart, BinariesMissing, FolderInUse, PostgresFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__, allow_abbrev=False)
    names, works = ",".join(DEFAULT), ",".join(WORKLOADS)
    also = ", ".join(name for name in CONTESTANTS if name not in DEFAULT)
    parser.add_argument("--contestants", default=names, type=_choices(CONTESTANTS), help=f"default {names}; also {also}")
    parser.add_argument("--workloads", default=works, type=_choices(WORKLOADS), help=f"default {works}")
    parser.add_argument("--rounds", default=3, type=int, help="how often all of it is measured; medians are reported")
    parser.add_argument("--seconds", default=8, type=int, help="length of a window")
    parser.add_argument("--warm-up", default=3, type=int, help="seconds of load before the windows of a workload")
    parser.add_argument("--connections", default=[16, 64], type=lambda text: [int(each) for each in text.split(",")])
    parser.add_argument("--teams", default=40, type=int, help="teams whose objects are asked for, each by its owner")
    parser.add_argument("--objects", default=200, type=int, help="how many tasks, and how many projects, are asked for")
    parser.add_argument("--seed-size", default="large", choices=["demo", "large"])
    parser.add_argument(
        "--data", default=ROOT / ".data" / "bench", type=Path, help="folder of the database, reused by the next run"
    )
    parser.add_argument("--node", help="the Node that runs the peers")
    parser.add_argument("--check-only", action="store_true", help="compare answers, measure nothing")
    parser.add_argument("--note", default="", help="a sentence for the report, such as what else ran")
    parser.add_argument("--results", default=ROOT / "benchmarks" / "results", type=Path, help="folder of the report")
    return parser.parse_args(argv)


def _choices(choices: Mapping[str, object]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        found = text.split(",")
        if unknown := [name for name in found if name not in choices]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(choices)}")
        return found

    return names


async def _run(options: argparse.Namespace) -> None:
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            raise ProgramMissing(f"{program} is missing, which makes the load: install it (on Debian: apt install {package}).")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise ProgramMissing("Two cores are needed: one for the server, the other for Postgres and the load.")
    contestants, node = prepare([CONTESTANTS[name] for name in options.contestants], options.node)
    os.sched_setaffinity(0, {cores[1]})  # ours, and so Postgres' and wrk's
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pantherahive-bench-")))
        machine = report.machine(node)
        url = await stack.enter_async_context(benchmark_database(options.data.absolute(), options.seed_size))
        run = Run(
            options=options,
            contestants=contestants,
            workloads=[WORKLOADS[name] for name in options.workloads],
            node=node,
            core=cores[0],
            scratch_folder=scratch,
            url=url,
            targets=await choose_targets(url, teams=options.teams, objects=options.objects),
        )
        run.tokens = await sign_in(url, run.targets.viewers)
        compared = await _check(run)
        print(f"{len(contestants)} contestants, {compared} answers: all the same.", file=sys.stderr)
        if options.check_only:
            return
        for round_ in range(options.rounds):
            places = range(len(contestants))
            for place in places:
                await _measure_contestant(run, contestants[(place + round_) % len(places)], round_)
    report.write_report(options, machine, contestants, run.workloads, run.windows)


async def _check(run: Run) -> int:
    checker = AnswerChecker(run.url, run.targets, run.tokens)
    for contestant in run.contestants:
        port = free_port()
        async with _server(run, contestant, port):
            await checker.check(contestant, port, run.workloads)
    await vacuum_tables(run.url)
    return checker.compared


async def _measure_contestant(run: Run, contestant: Contestant, round_: int) -> None:
    """One contestant, started afresh: all workloads, each warmed up and then measured with each number of connections."""
    run.tokens = await sign_in(run.url, run.targets.viewers)
    port = free_port()
    async with _server(run, contestant, port) as pid:
        for workload in run.workloads:
            if not contestant.takes_part(workload.name):
                continue
            requests = run.scratch_folder / f"{contestant.name}-{workload.name}.txt"
            requests.write_text(
                "".join(
                    f"{run.tokens[target.viewer]}\t{workload.body(contestant.dialect, target.id)}\n"
                    for target in workload.targets(run.targets)
                )
            )
            for connections in (0, *run.options.connections):
                warming = connections == 0
                got = await measure_window(
                    pid=pid,
                    port=port,
                    core=run.core,
                    requests=requests,
                    start=run.next_request,
                    connections=connections or max(run.options.connections),
                    seconds=run.options.warm_up if warming else run.options.seconds,
                )
                run.next_request += got.requests
                if not warming:
                    run.windows.setdefault((contestant.name, workload.name, connections), []).append(got)
                    report.print_progress(round_, contestant, workload, connections, got)
    if any(workload.writes for workload in run.workloads):
        await vacuum_tables(run.url)


def _server(run: Run, contestant: Contestant, port: int) -> AbstractAsyncContextManager[int]:
    return running_server(
        contestant.command(url=run.url, port=port, node=run.node),
        folder=contestant.folder,
        port=port,
        core=run.core,
        log=run.scratch_folder / f"{contestant.name}.log",
    )
