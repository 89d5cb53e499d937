"""Committed edits reach everybody once and in order, and as seldom as writing to everybody demands."""

import asyncio
import math
from datetime import UTC, datetime
from typing import cast
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.document.update import LoggedUpdate
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.broadcast import Broadcast
from realtime.collaboration.edit_broadcast import MAX_LOOP_SHARE, MAX_WAITING_BYTES, MAX_WAITING_UPDATES, EditBroadcast
from realtime.collaboration.participant import Participant
from realtime.collaboration.update_batch import UpdateBatch
from transport.write_batch import WriteBatch

DOCUMENT = uuid4()


class Reader:
    """Somebody in a room, who notes the positions of the edits that they are sent."""

    def __init__(self, room: Broadcast) -> None:
        self.right = DocumentRight.READ
        self.batches: list[list[int]] = []
        room.participants.add(cast("Participant", self))

    def on_updates(self, updates: UpdateBatch) -> None:
        self.batches.append([each.position for each in updates.updates])

    @property
    def positions(self) -> list[int]:
        return [position for batch in self.batches for position in batch]


def edits(first: int, count: int = 1, size: int = 4) -> list[LoggedUpdate]:
    at = datetime.now(UTC)
    return [
        LoggedUpdate(document_id=DOCUMENT, position=each, data=bytes(size), author_id=None, session_id=None, at=at)
        for each in range(first, first + count)
    ]


def room_with(people: int, seconds_per_write: float) -> tuple[list[Reader], EditBroadcast]:
    room, batch = Broadcast(), WriteBatch()
    batch.seconds_per_write = seconds_per_write
    return [Reader(room) for _ in range(people)], EditBroadcast(room, batch)


async def wait_until_sent(reader: Reader, position: int) -> None:
    async with asyncio.timeout(30):
        while not reader.positions or reader.positions[-1] != position:
            await asyncio.sleep(0.001)


async def test_where_writing_costs_little_each_commit_is_sent_at_once() -> None:
    (reader,), sender = room_with(1, 0.0)
    for position in (1, 2, 3):
        sender.add(edits(position))
    assert reader.batches == [[1], [2], [3]]


async def test_writing_takes_its_share_of_the_loop_and_what_is_committed_meanwhile_goes_together() -> None:
    readers, sender = room_with(20, 0.00002)
    pause = 20 * 0.00002 / MAX_LOOP_SHARE
    loop = asyncio.get_running_loop()
    began = loop.time()
    for position in range(1, 101):
        sender.add(edits(position))
        await asyncio.sleep(0.0005)
    for reader in readers:
        await wait_until_sent(reader, 100)
        assert reader.positions == list(range(1, 101))
        assert len(reader.batches) <= 2 + (loop.time() - began) / pause


async def test_what_waits_is_bounded_in_number_and_in_bytes() -> None:
    (reader,), sender = room_with(1, 0.0)
    sender.add(edits(1))
    for position in range(2, MAX_WAITING_UPDATES + 2):
        sender._next_at = math.inf  # a pause that no slow machine ends
        sender.add(edits(position))
    assert [len(each) for each in reader.batches] == [1, MAX_WAITING_UPDATES]
    sender._next_at = math.inf
    sender.add(edits(MAX_WAITING_UPDATES + 2, size=MAX_WAITING_BYTES))
    assert [len(each) for each in reader.batches] == [1, MAX_WAITING_UPDATES, 1]


async def test_whoever_asks_for_it_has_everything_sent_and_nothing_twice() -> None:
    (reader,), sender = room_with(1, 0.0)
    for position in (1, 2, 3):
        sender.add(edits(position))
        sender._next_at = math.inf
    assert reader.positions == [1]
    sender.flush()
    sender.flush()
    assert reader.batches == [[1], [2, 3]]


@given(
    st.lists(st.tuples(st.integers(1, 5), st.booleans(), st.booleans()), min_size=1, max_size=20), st.sampled_from([0.0, 0.0001])
)
@settings(max_examples=25, deadline=None)
def test_everybody_gets_every_edit_once_and_in_order(commits: list[tuple[int, bool, bool]], cost: float) -> None:
    async def run() -> None:
        readers, sender = room_with(3, cost)
        position = 0
        for count, pauses, flushes in commits:
            sender.add(edits(position + 1, count))
            position += count
            if pauses:
                await asyncio.sleep(0)
            if flushes:
                sender.flush()
        for reader in readers:
            await wait_until_sent(reader, position)
            assert reader.positions == list(range(1, position + 1))

    asyncio.run(run())
