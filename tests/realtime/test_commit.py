"""Group commit: when transactions begin, and what each of them holds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from domain.document.update import Appended, Update
from realtime.collaboration.commit import MAX_SOURCE_UPDATES, CommitResult, GroupCommitter

TICK_SECONDS = 0.05
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


async def test_the_first_edit_after_a_pause_waits_for_no_tick() -> None:
    async with run_committer(interval_seconds=3600.0) as (room, log):
        room.add_updates()
        await wait_for_answers(room, 1)
    assert log.sizes == [1]
    async with run_committer() as (room, log):
        waited = []
        for count in range(1, 6):
            await asyncio.sleep(TICK_SECONDS * 1.5)
            typed_at = asyncio.get_running_loop().time()
            room.add_updates()
            await wait_for_answers(room, count)
            waited.append(log.begun_at[-1] - typed_at)
    assert min(waited) < TICK_SECONDS / 2, "others may have been held up by what else the machine does"
    assert log.sizes == [1] * 5


async def test_what_comes_within_a_tick_shares_one_transaction() -> None:
    async with run_committer(interval_seconds=0.4) as (room, log):
        room.add_updates()
        await wait_for_answers(room, 1)
        for _ in range(5):
            room.add_updates()
            await asyncio.sleep(0.002)
        await wait_for_answers(room, 6)
    assert log.sizes == [1, 5]
    assert log.begun_at[1] - log.begun_at[0] >= 0.4 * 0.99
    assert room.answers == [Appended(position) for position in range(1, 7)]


async def test_a_window_begins_with_the_first_edit_that_comes_soon_after_another() -> None:
    seconds = 0.4  # long, so that a slow machine comes soon enough
    async with run_committer(seconds) as (room, log):
        room.add_updates()
        await wait_for_answers(room, 1)
        await asyncio.sleep(seconds / 4)
        typed_at = asyncio.get_running_loop().time()
        room.add_updates()
        await asyncio.sleep(seconds / 4)
        room.add_updates(2)
        await wait_for_answers(room, 4)
    assert log.sizes == [1, 3]
    assert log.begun_at[1] - typed_at >= seconds * 0.99


async def test_more_than_a_transaction_takes_goes_into_the_next_at_once() -> None:
    async with run_committer(interval_seconds=3600.0) as (room, log):
        room.add_updates(MAX_SOURCE_UPDATES * 2 + 3)
        await wait_for_answers(room, MAX_SOURCE_UPDATES * 2 + 3)
    assert log.sizes == [MAX_SOURCE_UPDATES, MAX_SOURCE_UPDATES, 3]
