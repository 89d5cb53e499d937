"""`make bench-workers`: events a second of one worker on one core, its memory, and the delay from a commit to its effect.

The worker has core 0 for itself, Postgres and the writer the others. 100,000 events stand in the streams of 200 teams before it
starts. Delays are measured at 100 writes a second, from the moment when the writer's commit has returned: to the moment when a
consumer's has, and to that when a subscriber of `notificationReceived` is given the notification.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # modules are named from the root, as everywhere

import asyncpg

import migrations
from app.bootstrap import open_resources
from app.settings import Settings
from benchmarks.measure import cpu_seconds, rss_mb
from domain import project as projects
from domain import task as tasks
from domain import team as teams
from domain.actor import Actor
from domain.events import derived_id
from domain.permissions import Role
from domain.team import Membership
from domain.user import User
from embedded import embedded_postgres
from embedded.child_process import tied_to_parent
from persistence.unit_of_work import SqlUnitOfWork, run_in_unit_of_work, unit_of_work

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
_WORKER_CORE = 0
_TEAMS = 200
_WRITTEN_TEAMS = 20
_RATE_PER_SECOND = 100
_TARGETS = {"seconds for 100,000 events": 60.0, "memory MB": 150.0, "delay p99 ms": 250.0}
_FILL = """
    WITH counted AS (
        INSERT INTO streams (stream, position)
        SELECT 'team:' || gen_random_uuid(), $1::int FROM generate_series(1, $2::int) RETURNING stream
    )
    INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id, payload, at)
    SELECT stream, position, gen_random_uuid(), 'TaskUpdated', 1, 'UPDATED', 'Task', entity, 'Task', entity,
           jsonb_build_object('entity', jsonb_build_object('id', entity, 'title', repeat('A title. ', 10), 'version', 2),
                              'changes', jsonb_build_array(jsonb_build_object('field', 'title', 'before', 'A', 'after', 'B'))),
           now()
    FROM counted, generate_series(1, $1::int) AS position, LATERAL (SELECT gen_random_uuid() AS entity WHERE position > 0) AS made
"""
_LEFT = """
    SELECT count(*) FROM streams LEFT JOIN consumer_cursors AS c ON c.stream = streams.stream AND c.consumer = $1
    WHERE streams.stream LIKE 'team:%' AND coalesce(c.position, 0) < streams.position
"""


class Measured:
    """A running worker."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.pid = process.pid
        self.process = process
        self.lines: list[str] = []


@contextmanager
def running_worker(url: str, folder: Path, consumer: str) -> Iterator[Measured]:
    """A worker on its core, ready; it is gone at the end of the block."""
    command = [sys.executable, "benchmarks/workers/worker.py", url, str(folder), consumer]
    pinned = ["taskset", "--cpu-list", str(_WORKER_CORE), *tied_to_parent(command)]
    process = subprocess.Popen(pinned, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Measured(process)
    finally:
        process.terminate()
        process.wait(timeout=30)


@asynccontextmanager
async def open_postgres() -> AsyncIterator[tuple[str, Path]]:
    """A migrated, durable Postgres, and a folder for blobs."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        async with embedded_postgres(folder / "postgres") as url:
            await asyncio.to_thread(migrations.upgrade, url)
            yield url, folder


async def measure_throughput(url: str, folder: Path, consumer: str) -> dict[str, float]:
    """Work off everything that stands in the streams."""
    sql = await asyncpg.connect(url)
    try:
        await sql.execute("CREATE TABLE IF NOT EXISTS bench_effects (id uuid PRIMARY KEY)")
        events = await sql.fetchval("SELECT count(*) FROM events WHERE stream LIKE 'team:%'")
        with running_worker(url, folder, consumer) as worker:
            idle_mb, cpu, began = rss_mb(worker.pid), cpu_seconds(worker.pid), time.monotonic()
            await wait_until_read(url, f"bench {consumer}")
            seconds, used = time.monotonic() - began, cpu_seconds(worker.pid) - cpu
            memory_mb = rss_mb(worker.pid)
        if consumer == "insert":
            assert await sql.fetchval("SELECT count(*) FROM bench_effects") == events
    finally:
        await sql.close()
    return {
        "events": events,
        "seconds": round(seconds, 2),
        "events/s": round(events / seconds),
        "worker CPU s": round(used, 2),
        "events per CPU s": round(events / used) if used else 0,
        "memory MB, idle": round(idle_mb, 1),
        "memory MB": round(memory_mb, 1),
    }


async def add_user(uow: SqlUnitOfWork, name: str) -> UUID:
    """Somebody with an account."""
    user = User(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        email_address=f"{name}@example.com",
        first_name=name,
        last_name="B",
    )
    await uow.users.add(user, "no hash")
    return user.id


async def wait_until_read(url: str, consumer: str) -> None:
    """Wait until a consumer has read every team's stream to its end."""
    sql = await asyncpg.connect(url)
    try:
        while await sql.fetchval(_LEFT, consumer):  # noqa: ASYNC110 (another process moves the cursors)
            await asyncio.sleep(0.05)
    finally:
        await sql.close()


async def measure_delay(url: str, folder: Path, consumer: str, *, seconds: float) -> dict[str, float]:
    """Write tasks at a steady rate, and compare when each commit returned with when `consumer` committed, or somebody was
    notified (`notify`)."""
    committed: dict[UUID, float] = {}
    writers = asyncio.Semaphore(8)
    settings = Settings(database_url=url, data_dir=folder, log_level="warning")
    async with open_resources(settings, url) as resources:
        database, announcer = resources.database, resources.services.pubsub
        targets = []
        async with unit_of_work(database, announcer) as uow:
            actor = Actor(user_id=await add_user(uow, "bench"))
            for number in range(_WRITTEN_TEAMS):
                team = await teams.create(uow, actor, None, name=f"Team {number}", key=f"T{number}", description=None)
                project = await projects.create(uow, actor, None, {"name": "Launch"}, team_id=team.id)
                assignee = await add_user(uow, f"assignee{number}")
                member = Membership(team_id=team.id, user_id=assignee, role=Role.MEMBER, joined_at=uow.now)
                await uow.teams.add_member(member)
                targets.append((project.id, assignee))

        async def write(number: int) -> None:
            project_id, assignee = targets[number % len(targets)]

            async def create(uow: Any) -> Any:
                values = {"project_id": project_id, "title": f"Task {number}", "assignee_id": assignee}
                await tasks.create(uow, actor, None, values)
                return uow

            async with writers:  # on a machine that has no time for so many, the writer is late, and what it wrote counts
                uow = await run_in_unit_of_work(database, announcer, create)
            now = time.monotonic()
            for entry in uow.entries:
                if entry.stream.startswith("team:"):
                    id_ = derived_id(entry.id, "notification", assignee) if consumer == "notify" else entry.id
                    committed[id_] = now

        with running_worker(url, folder, consumer) as worker:
            await asyncio.sleep(2.0)
            cpu = cpu_seconds(worker.pid)
            began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for number in range(round(seconds * _RATE_PER_SECOND)):
                    await asyncio.sleep(max(0.0, began + number / _RATE_PER_SECOND - time.monotonic()))
                    group.create_task(write(number))
            took = time.monotonic() - began
            await wait_until_read(url, "notifications" if consumer == "notify" else f"bench {consumer}")
            await asyncio.sleep(1.0)
            used = cpu_seconds(worker.pid) - cpu
            memory_mb = rss_mb(worker.pid)
            worker.process.terminate()
            assert worker.process.stdout is not None
            lines = await asyncio.to_thread(worker.process.stdout.read)
    handled = {UUID(line.split()[0]): float(line.split()[1]) for line in lines.splitlines()}
    assert handled.keys() == committed.keys(), (len(handled), len(committed))
    delays = sorted(1000 * (handled[id_] - at) for id_, at in committed.items())
    return {
        "events": len(delays),
        "events/s": round(len(delays) / took, 1),
        "delay p50 ms": round(delays[len(delays) // 2], 2),
        "delay p99 ms": round(delays[len(delays) * 99 // 100], 2),
        "delay max ms": round(delays[-1], 2),
        "worker CPU ms per event": round(1000 * used / len(delays), 2),
        "memory MB": round(memory_mb, 1),
    }


def report(figures: dict[str, dict[str, float]]) -> str:
    """The figures as Markdown."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    where = f"One worker on one core of {platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores."
    lines = ["# Workers", "", f"{where} Load averages of the machine, others included, at the end: {load}.", ""]
    for title, values in figures.items():
        lines += [f"## {title}", "", "| | |", "|---|--:|", *(f"| {name} | {value:,} |" for name, value in values.items()), ""]
    lines += ["Targets: " + ", ".join(f"{name} ≤ {value:g}" for name, value in _TARGETS.items()) + ".", ""]
    return "\n".join(lines)


def store(text: str, figures: dict[str, dict[str, float]]) -> None:
    """Keep the figures beside those of other benchmarks."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    RESULTS.joinpath("workers.md").write_text(text)
    RESULTS.joinpath(f"workers-{datetime.now(UTC):%Y-%m-%d}-{commit}.json").write_text(json.dumps(figures, indent=2) + "\n")


async def main(arguments: argparse.Namespace) -> None:
    """Measure, print and store."""
    if (cores := os.sched_getaffinity(0)) != {_WORKER_CORE}:
        os.sched_setaffinity(0, cores - {_WORKER_CORE})
    figures: dict[str, dict[str, float]] = {}
    async with open_postgres() as (url, folder):
        sql = await asyncpg.connect(url)
        await sql.execute(_FILL, arguments.events // _TEAMS, _TEAMS)
        await sql.execute("ANALYZE")
        await sql.close()
        figures["A consumer that does nothing"] = await measure_throughput(url, folder, "pass")
        figures["A consumer that writes a row for each event"] = await measure_throughput(url, folder, "insert")
    for consumer, end in (("enqueue", "the commit of the consumer"), ("notify", "`notificationReceived`")):
        async with open_postgres() as (url, folder):
            title = f"From commit to {end}, at {_RATE_PER_SECOND} writes/s"
            figures[title] = await measure_delay(url, folder, consumer, seconds=arguments.seconds)
    text = report(figures)
    print(text)
    if not arguments.dry:
        store(text, figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure a worker.")
    parser.add_argument("--events", type=int, default=100_000, help="how many events are worked off")
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long the delay is measured")
    parser.add_argument("--dry", action="store_true", help="store no results")
    asyncio.run(main(parser.parse_args()))
