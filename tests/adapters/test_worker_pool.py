"""Workers are shared fairly: while one person floods them, the others' work is done; queues are bounded, and waiting ends."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from content import document_types
from domain.document import DocumentType
from domain.errors import Overloaded
from persistence.documents import worker_pool
from persistence.documents.worker_pool import WorkerPool

LARGE_BYTES = 1024 * 1024
SMALL_BYTES = 2 * 1024
SMALL = "Words of a small document. " * 75


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs wait, and may run, longer than a test takes on a machine that stands still for a while."""
    monkeypatch.setattr(worker_pool, "_QUEUE_TIMEOUT_SECONDS", 300.0)
    monkeypatch.setattr(worker_pool, "_WALL_TIME_FACTOR", 100.0)


@pytest.fixture
def never(tmp_path: Path) -> Path:
    """A pipe to which nobody writes: who reads it goes on until they are killed."""
    pipe = tmp_path / "never"
    os.mkfifo(pipe)
    return pipe


@pytest.mark.parametrize("size", [LARGE_BYTES, SMALL_BYTES])
async def test_while_one_person_floods_the_pool_the_small_documents_of_another_are_done(size: int, never: Path) -> None:
    async with WorkerPool.open() as pool, asyncio.TaskGroup() as tasks:
        flood = [tasks.create_task(pool.run(size, Path.read_bytes, never, owner="flood")) for _ in range(16)]
        for _ in range(5):
            update = await pool.run(len(SMALL), document_types.parse, DocumentType.TEXT, SMALL, owner="other")
            assert update.count(b"Words") == 75
        assert not any(task.done() for task in flood)
        assert pool.waiting >= 13
        for task in flood:
            task.cancel()


async def test_while_two_flood_the_pool_together_a_third_has_the_next_worker_and_small_documents_have_one(
    tmp_path: Path, never: Path
) -> None:
    end = tmp_path / "end"
    os.mkfifo(end)  # read to its end once somebody has written
    async with WorkerPool.open(slots=3) as pool, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(pool.run(LARGE_BYTES, Path.read_bytes, end, owner="one"))
        writer = await asyncio.to_thread(end.open, "wb")  # once it is read: none of the others came before it
        floods = [tasks.create_task(pool.run(LARGE_BYTES, Path.read_bytes, never, owner=owner)) for owner in ("two", "one") * 8]
        own = tasks.create_task(pool.run(LARGE_BYTES, len, "large", owner="third"))
        for _ in range(5):
            assert await pool.run(SMALL_BYTES, len, "small", owner="third") == 5
        assert not own.done()
        writer.write(b"done")
        writer.close()
        assert (await own, await first) == (5, b"done")
        assert not any(task.done() for task in floods)
        for task in floods:
            task.cancel()


async def test_too_many_jobs_of_one_person_are_refused_and_those_of_others_are_not(
    never: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "_MAX_WAITING_PER_OWNER", 3)
    async with WorkerPool.open(slots=2) as pool, asyncio.TaskGroup() as tasks:
        flood = [tasks.create_task(pool.run(SMALL_BYTES, Path.read_bytes, never, owner="flood")) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await pool.run(SMALL_BYTES, Path.read_bytes, never, owner="flood")
        assert await pool.run(SMALL_BYTES, len, "other", owner="other") == 5
        for task in flood:
            task.cancel()


async def test_a_cancelled_job_gives_its_slot_to_the_next() -> None:
    async with WorkerPool.open(slots=1) as pool:
        running = asyncio.get_running_loop().create_task(pool.run(SMALL_BYTES, time.sleep, 60))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await pool.run(SMALL_BYTES, len, "next") == 4
