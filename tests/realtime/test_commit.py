"""Group commit: when transactions begin, and what each of them holds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from domain.document.update import Appended, Update
from realtime.collaboration.commit import MAX_SOURCE_UPDATES, CommitResult, GroupCommitter

TICK_SECONDS = 0.05
CLOCK_SECONDS = 0.003  # by which timers and the loop's clock may be early
DOCUMENT = uuid4()


class EditSource:
    """A `commit.Source`: edits that wait, and the answers that they got."""

    def __init__(self, committer: GroupCommitter) -> None:
        self.answers: list[CommitResult] = []
        self._committer = committer
        self._waiting = 0

    def add_updates(self, count: int = 1) -> None:
        self._waiting += count
        self._committer.submit(self)

    def drain(self, max_updates: int, max_bytes: int) -> Sequence[Update]:
        taken = min(max_updates, self._waiting)
        self._waiting -= taken
        return [Update(document_id=DOCUMENT, data=b"edit", author_id=None)] * taken

    def on_committed(self, results: Sequence[CommitResult]) -> None:
        self.answers += results

    @property
    def has_more(self) -> bool:
        return self._waiting > 0


class RecordingLog:
    """A `commit.Log` that notes when a transaction began, and of how many edits."""

    def __init__(self) -> None:
        self.begun_at: list[float] = []
        self.sizes: list[int] = []

    async def append(self, updates: Sequence[Update]) -> list[Appended]:
        self.begun_at.append(asyncio.get_running_loop().time())
        before = sum(self.sizes)
        self.sizes.append(len(updates))
        await asyncio.sleep(0.002)
        return [Appended(before + number) for number in range(1, len(updates) + 1)]


@asynccontextmanager
async def run_committer(interval_seconds: float = TICK_SECONDS) -> AsyncIterator[tuple[EditSource, RecordingLog]]:
    log = RecordingLog()
    committer = GroupCommitter(log, interval_seconds=interval_seconds)
    running = asyncio.get_running_loop().create_task(committer.run())
    try:
        yield EditSource(committer), log
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def wait_for_answers(room: EditSource, count: int) -> None:
    async with asyncio.timeout(30):
        while len(room.answers) < count:
            await asyncio.sleep(0.001)


async def test_the_first_edit_waits_for_no_tick() -> None:
    async with run_committer(interval_seconds=3600) as (room, log):
        room.add_updates()
        await wait_for_answers(room, 1)
    assert log.sizes == [1]


@pytest.mark.parametrize("pauses", [[0.0] * 5, [0.002] * 10, [0.02] * 5, [0.002, 0.06, 0.0, 0.03, 0.001, 0.07, 0.0]])
async def test_a_transaction_begins_with_an_edit_after_a_pause_or_a_tick_after_its_first_edit(pauses: list[float]) -> None:
    loop = asyncio.get_running_loop()
    typed_at: list[float] = []
    async with run_committer() as (room, log):
        for pause in (*pauses, 0.0):
            typed_at.append(loop.time())
            room.add_updates()
            await asyncio.sleep(pause)
        await wait_for_answers(room, len(typed_at))
    assert room.answers == [Appended(position) for position in range(1, len(typed_at) + 1)]
    first = 0
    for number, (begun_at, size) in enumerate(zip(log.begun_at, log.sizes, strict=True)):
        follows_pause = number == 0 or typed_at[first] >= log.begun_at[number - 1] + TICK_SECONDS - CLOCK_SECONDS
        assert follows_pause or begun_at >= typed_at[first] + TICK_SECONDS - CLOCK_SECONDS
        first += size


async def test_more_than_a_transaction_takes_goes_into_the_next_at_once() -> None:
    async with run_committer(interval_seconds=3600) as (room, log):
        room.add_updates(MAX_SOURCE_UPDATES * 2 + 3)
        await wait_for_answers(room, MAX_SOURCE_UPDATES * 2 + 3)
    assert log.sizes == [MAX_SOURCE_UPDATES, MAX_SOURCE_UPDATES, 3]
