"""Workers over a database of a test's own, with consumers that record their effects in a table."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from app.bootstrap import Resources, open_resources
from app.settings import Settings
from app.worker import run_worker
from tests.support.app import App
from tests.support.machine import allowed_seconds
from tests.support.worker_effects import CREATE_EFFECTS, FAST_TIMINGS, INSERT_EFFECT
from workers.consumer import Batch, Consumer, Start
from workers.job import JobKind
from workers.schedule import Schedule
from workers.timings import WorkerTimings

Fault = Callable[[Batch], Awaitable[None]]


async def _no_fault(batch: Batch) -> None:
    """Nothing goes wrong."""


def recording_consumer(name: str = "recorder", fault: Fault = _no_fault, **options: Any) -> Consumer:
    """A consumer that inserts a row for each event, and fails as `fault` does, after that."""

    async def record(batch: Batch) -> None:
        for entry in batch.entries:
            await batch.uow.connection.raw.execute(INSERT_EFFECT, uuid4(), name, entry.id, entry.stream, entry.position)
        await fault(batch)

    return Consumer(name=name, handle=record, **{"streams": frozenset({"team", "user"}), "start": Start.BEGINNING} | options)


@dataclass(frozen=True)
class WorkerDatabase:
    """A database of a test's own with an application over it, which writes events."""

    url: str
    app: App
    settings: Settings

    @property
    def resources(self) -> Resources:
        return self.app.resources

    @asynccontextmanager
    async def worker(
        self,
        *consumers: Consumer,
        jobs: Sequence[JobKind] = (),
        schedules: Sequence[Schedule] = (),
        timings: WorkerTimings = FAST_TIMINGS,
    ) -> AsyncIterator[None]:
        """A worker with these consumers, kinds of jobs and schedules, in this process."""
        options: dict[str, Any] = {"consumers": consumers, "jobs": jobs, "schedules": schedules, "timings": timings}
        async with run_worker(self.resources, self.settings, self.url, **options):
            yield

    async def effects(self, consumer: str = "recorder", stream: str | None = None) -> list[tuple[str, int]]:
        """Streams and positions of what a consumer has recorded, in the order in which that was done."""
        rows = await self.app.sql.fetch(
            "SELECT stream, position FROM effects WHERE consumer = $1 AND ($2::text IS NULL OR stream = $2) ORDER BY at, position",
            consumer,
            stream,
        )
        return [(row[0], row[1]) for row in rows]

    async def events(self, stream: str | None = None) -> list[tuple[str, int]]:
        """Streams and positions of all events."""
        rows = await self.app.sql.fetch(
            "SELECT stream, position FROM events WHERE $1::text IS NULL OR stream = $1 ORDER BY stream, position", stream
        )
        return [(row[0], row[1]) for row in rows]

    async def wait_until(self, condition: Callable[[], Awaitable[bool]], *, timeout_seconds: float = 20.0) -> None:
        """Wait until something is so; longer where the machine is busy."""
        began = perf_counter()
        while not await condition():
            waited = perf_counter() - began
            if waited > timeout_seconds and waited > allowed_seconds(timeout_seconds):
                raise TimeoutError
            await asyncio.sleep(0.01)

    async def wait_until_recorded(self, consumer: str = "recorder", *, timeout_seconds: float = 20.0) -> None:
        """Wait until a consumer has recorded every event once, and stays so."""

        async def recorded() -> bool:
            return sorted(await self.effects(consumer)) == await self.events()

        await self.wait_until(recorded, timeout_seconds=timeout_seconds)

    async def cursor(self, consumer: str, stream: str) -> int:
        """The position of a cursor."""
        found: int = await self.app.sql.fetchval(
            "SELECT position FROM consumer_cursors WHERE consumer = $1 AND stream = $2", consumer, stream
        )
        return found

    async def dead_letters(self) -> list[tuple[Any, ...]]:
        """Consumer, stream, position and tries of each."""
        rows = await self.app.sql.fetch("SELECT name, stream, position, tries FROM dead_letters ORDER BY created_at")
        return [tuple(row) for row in rows]

    async def event_id(self, stream: str, position: int) -> UUID:
        """The id of an event."""
        found: UUID = await self.app.sql.fetchval("SELECT id FROM events WHERE stream = $1 AND position = $2", stream, position)
        return found


@asynccontextmanager
async def open_worker_database(url: str, folder: Path, **settings: Any) -> AsyncIterator[WorkerDatabase]:
    """The application over a migrated database, with a table for effects."""
    options: dict[str, Any] = {"database_connections": 8, "data_dir": folder} | settings
    chosen = Settings(**options)
    async with (
        open_resources(chosen, url) as resources,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        await sql.execute(CREATE_EFFECTS)
        yield WorkerDatabase(url, App(resources, sql), chosen)
