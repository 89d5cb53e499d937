"""Crowds in one document, and what they cost those who write another one at the same time.

*Presence*: so many people move their cursors, and each is shown all others'. *Join storm*: so many people open a large document
that nobody has open, at once. Beside it ten people write another document, 50 edits a second in all; the same is measured before.
"""

import argparse
import asyncio
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from benchmarks.collaboration import workload
from benchmarks.collaboration.contestants import Contestant
from benchmarks.collaboration.harness import BenchmarkData, Client, load_client, running_contestant
from benchmarks.live.run import LoadClient
from benchmarks.measure import cpu_seconds, rss_mb, wait_until_idle
from domain.document.update import Update
from persistence.events.document_log import UpdateLog
from resolvers import ids

_OTHER_WRITERS: Final = 10
_OTHER_RATE: Final = 50
_MAX_OTHER_SECONDS: Final = 120


def _to_clients(data: BenchmarkData, contestant: Contestant, document: str, people: int) -> list[Client]:
    """The connections of so many people, who show their cursors when they come."""
    return [
        Client(
            protocol=workload.protocol(contestant, document, data.subscribers.tokens[number]),
            greeting=[workload.awareness_message(number, 1, "")],
        )
        for number in range(people)
    ]


async def measure_presence(data: BenchmarkData, contestant: Contestant, arguments: argparse.Namespace) -> dict[str, Any]:
    """So many people are in one document, and move their cursors at a rate."""
    crowded, other = await workload.create_documents(data.resources, data.subscribers, 2)
    moves = workload.make_moves(arguments.people, int(arguments.moves * arguments.seconds) + arguments.people)
    clients = _to_clients(data, contestant, crowded, arguments.people)
    async with (
        running_contestant(data, contestant) as (pid, port),
        _other_document(data, contestant, port, other) as beside,
    ):
        alone = await beside.run(f"paced {_OTHER_RATE} {arguments.seconds}")
        async with load_client(data, port, clients, moves) as crowd:
            await crowd.run("echo")
            before = cpu_seconds(pid)
            joined = await crowd.run("connect")
            await crowd.run("settle 1")
            await wait_until_idle(pid)
            joining = cpu_seconds(pid) - before
            before = cpu_seconds(pid)
            moved, crowd_beside = await asyncio.gather(
                crowd.run(f"paced {arguments.moves} {arguments.seconds}"),
                beside.run(f"paced {_OTHER_RATE} {arguments.seconds}"),
            )
            busy = (cpu_seconds(pid) - before) / moved["seconds"]
    return {
        "presence p50 ms": moved["p50_ms"],
        "presence p95 ms": moved["p95_ms"],
        "presence p99 ms": moved["p99_ms"],
        "missing": moved["expected"] - moved["delivered"],
        "gone": moved["gone"],
        "frames each": moved["frames"] / max(moved["expected"], 1),
        "CPU of a core, %": 100 * busy,
        "CPU of joining, s": joining,
        "joining, s": joined["seconds"],
        **_compare(alone, crowd_beside),
    }


async def measure_join_storm(data: BenchmarkData, contestant: Contestant, arguments: argparse.Namespace) -> dict[str, Any]:
    """So many people open a large document at once."""
    large, other = await workload.create_documents(data.resources, data.subscribers, 2)
    updates = workload.make_large_document(int(arguments.megabytes * 1_000_000))
    async with running_contestant(data, contestant) as (pid, port):
        await _store(data, contestant, large, updates)
        clients = _to_clients(data, contestant, large, arguments.people)
        async with (
            _other_document(data, contestant, port, other) as beside,
            load_client(data, port, clients, [], first=0) as crowd,
        ):
            alone = await _worst_second(beside, [False] * int(arguments.seconds))
            await wait_until_idle(pid)
            before, memory = cpu_seconds(pid), rss_mb(pid)
            async with asyncio.TaskGroup() as tasks:
                storm = tasks.create_task(crowd.run("connect at once"))
                until = iter(storm.done, True)
                others = tasks.create_task(_worst_second(beside, until))
                highest = tasks.create_task(_peak_memory(pid, others))
            joined, storm_beside, peak = storm.result(), others.result(), highest.result()
            used = cpu_seconds(pid) - before
    return {
        "joined p50 s": joined["join_p50_ms"] / 1000,
        "joined last s": joined["join_max_ms"] / 1000,
        "received MB each": joined["received"] / 1e6 / arguments.people,
        "gone": joined["gone"],
        "CPU s": used,
        "memory MiB more": peak - memory,
        **_compare(alone, storm_beside),
    }


def _other_document(data: BenchmarkData, contestant: Contestant, port: int, document: str) -> Any:
    """Ten people who write another document."""
    edits = workload.sync_updates(workload.make_edits(_OTHER_WRITERS, _OTHER_RATE * 2 * _MAX_OTHER_SECONDS))
    client = Client(protocol=workload.protocol(contestant, document, data.subscribers.tokens[0]))
    return load_client(data, port, [client] * _OTHER_WRITERS, edits)


async def _worst_second(beside: LoadClient, seconds: Iterable[object]) -> dict[str, Any]:
    """Write the other document for so many seconds, and one more: the figures of the one with the highest p99."""
    found = [await beside.run(f"paced {_OTHER_RATE} 1") for _ in chain([None], seconds)]
    return max(found, key=lambda each: float(each["p99_ms"]))


async def _peak_memory(pid: int, until: "asyncio.Task[Any]") -> float:
    peak = 0.0
    while not until.done():
        peak = max(peak, rss_mb(pid))
        await asyncio.sleep(0.05)
    return peak


async def _store(data: BenchmarkData, contestant: Contestant, document: str, updates: list[bytes]) -> None:
    """Put a document where the contestant loads it from."""
    if not contestant.ours:
        import asyncpg
        from pycrdt import merge_updates

        connection = await asyncpg.connect(data.url)
        await connection.execute("INSERT INTO hocuspocus VALUES ($1, $2)", document, merge_updates(*updates))
        await connection.close()
        return
    id_ = ids.decode(document, "Document")
    log = UpdateLog(data.resources.database)
    await log.append([Update(document_id=id_, data=each, author_id=data.subscribers.actor_id) for each in updates])


def _compare(alone: dict[str, Any], beside: dict[str, Any]) -> dict[str, float]:
    return {
        "other document alone: p50 ms": alone["p50_ms"],
        "other document alone: p99 ms": alone["p99_ms"],
        "other document beside it: p50 ms": beside["p50_ms"],
        "other document beside it: p99 ms": beside["p99_ms"],
        "p99, times": beside["p99_ms"] / max(alone["p99_ms"], 0.001),
        "other edits missing": beside["expected"] - beside["delivered"],
    }
