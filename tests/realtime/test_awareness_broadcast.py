"""Awareness reaches everybody in a room, as seldom as its cost demands, and a crowd in slices."""

import asyncio
import math
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.awareness_broadcast import (
    MAX_LOOP_SHARE,
    MAX_PAUSE_SECONDS,
    MAX_SLICE_RECEIVERS,
    AwarenessBroadcast,
)
from realtime.collaboration.broadcast import Broadcast
from realtime.collaboration.messages import AwarenessState, MessageReader
from realtime.collaboration.participant import AwarenessUpdate, Participant
from realtime.collaboration.presence import MAX_CLIENTS
from transport.write_batch import WriteBatch


class Viewer:
    """Somebody in a room, who notes the states that they are sent."""

    def __init__(self, room: Broadcast) -> None:
        self.right = DocumentRight.READ
        self.frames: list[bytes] = []
        room.participants.add(cast("Participant", self))

    def on_awareness(self, update: AwarenessUpdate) -> None:
        self.frames.append(update.frame(b""))

    @property
    def updates(self) -> list[list[AwarenessState]]:
        return [messages.decode_awareness(MessageReader(each[1:]).read_bytes()) for each in self.frames]

    @property
    def seen(self) -> dict[int, AwarenessState]:
        return {each.client: each for update in self.updates for each in update}


class CpuClock:
    """CPU seconds, of which each slice takes as many."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._asked = 0

    def __call__(self) -> float:
        self._asked += 1
        return self._asked // 2 * self.seconds


def broadcast(room: Broadcast, seconds: float = 0.0) -> AwarenessBroadcast:
    return AwarenessBroadcast(room, WriteBatch(), clock=CpuClock(seconds))


async def wait_until_sent(viewers: list[Viewer], state: AwarenessState) -> None:
    async with asyncio.timeout(30):
        while not all(each.seen.get(state.client) == state for each in viewers):
            await asyncio.sleep(0.001)


def moves(client: int) -> Iterator[AwarenessState]:
    return (AwarenessState(client, clock, f'{{"at":{clock}}}') for clock in range(1, 10_000))


async def test_what_costs_nothing_is_sent_at_once_each_time() -> None:
    room = Broadcast()
    viewer, awareness = Viewer(room), broadcast(room)
    for state, _ in zip(moves(1), range(5), strict=False):
        awareness.add([state])
        assert viewer.seen[1] == state
    assert len(viewer.frames) == 5


async def test_sending_takes_its_share_of_the_loop_and_the_newest_state_of_each_client_replaces_older_ones() -> None:
    room, loop, cost = Broadcast(), asyncio.get_running_loop(), 0.001
    viewer, awareness = Viewer(room), broadcast(room, cost)
    began, (one, two) = loop.time(), (moves(1), moves(2))
    newest = [next(one), next(two)]
    for _ in range(200):
        awareness.add(newest := [next(one), next(two)])
        await asyncio.sleep(0.001)
    await wait_until_sent([viewer], newest[1])
    assert viewer.seen == {1: newest[0], 2: newest[1]}
    assert len(viewer.frames) <= 1 + (loop.time() - began) / (cost / MAX_LOOP_SHARE)
    assert all(len(update) == 2 for update in viewer.updates)


async def test_a_pause_has_a_longest_time_however_dear_sending_is() -> None:
    room, loop = Broadcast(), asyncio.get_running_loop()
    viewer, awareness = Viewer(room), broadcast(room, 1_000.0)
    first, second = AwarenessState(1, 1, "{}"), AwarenessState(1, 2, "{}")
    awareness.add([first])
    assert awareness._next_at <= loop.time() + MAX_PAUSE_SECONDS
    awareness.add([second])
    await wait_until_sent([viewer], second)
    assert viewer.updates == [[first], [second]]


async def test_a_crowd_is_sent_the_same_bytes_in_slices_and_whoever_left_between_nothing() -> None:
    room = Broadcast()
    viewers = [Viewer(room) for _ in range(3 * MAX_SLICE_RECEIVERS - 20)]
    awareness, state = broadcast(room, 0.001), AwarenessState(1, 1, "{}")
    awareness.add([state])
    waiting = [each for each in viewers if not each.frames]
    assert len(waiting) == len(viewers) - MAX_SLICE_RECEIVERS
    left = waiting[0]
    room.participants.discard(cast("Participant", left))
    comes_later = Viewer(room)
    stayed = [each for each in viewers if each is not left]
    await wait_until_sent(stayed, state)
    assert len({id(each.frames[0]) for each in stayed}) == 1
    assert [len(each.frames) for each in stayed] == [1] * len(stayed)
    assert left.frames == comes_later.frames == []  # who comes is sent all states by the session


async def test_what_is_held_back_while_rights_are_looked_up_is_sent_afterwards_in_order() -> None:
    room = Broadcast()
    viewer, awareness = Viewer(room), broadcast(room)
    room.hold_back()
    for state in (AwarenessState(1, 1, "{}"), AwarenessState(1, 2, "{}")):
        awareness.add([state])
    assert viewer.frames == []
    room.release()
    assert [update[0].clock for update in viewer.updates] == [1, 2]


async def test_what_waits_is_bounded() -> None:
    room = Broadcast()
    viewer, awareness = Viewer(room), broadcast(room, 1_000.0)
    awareness.add([AwarenessState(0, 1, "{}")])
    for client in range(1, 2 * MAX_CLIENTS):
        awareness._next_at = math.inf  # a pause that no slow machine ends
        awareness.add([AwarenessState(client, 1, "{}")])
        assert len(awareness._states) < MAX_CLIENTS
    assert [len(update) for update in viewer.updates] == [1, MAX_CLIENTS]


async def test_what_comes_back_as_it_was_sent_is_an_echo_and_nothing_else_is() -> None:
    room = Broadcast()
    viewer, awareness = Viewer(room), broadcast(room)
    awareness.add([AwarenessState(1, 1, '{"x":1}'), AwarenessState(2, 1, '{"x":2}')])
    update = MessageReader(viewer.frames[0][1:]).read_bytes()
    assert awareness.is_echo(update)
    assert not awareness.is_echo(messages.encode_awareness([AwarenessState(2, 1, '{"x":2}')]))
    assert not awareness.is_echo(update[:-1])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=30),
    st.sampled_from([0.0, 0.0001, 0.002]),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("crowd", [1, MAX_SLICE_RECEIVERS + 5])
def test_in_the_end_everybody_has_the_newest_state_of_everybody(
    crowd: int, steps: list[tuple[int, bool, bool]], cost: float
) -> None:
    async def run() -> None:
        room = Broadcast()
        viewers, awareness = [Viewer(room) for _ in range(crowd)], broadcast(room, cost)
        newest: dict[int, AwarenessState] = {}
        for clock, (client, is_removed, pauses) in enumerate([*steps, (9, False, False)]):
            newest[client] = AwarenessState(client, clock, "null" if is_removed else "{}")
            awareness.add([newest[client]])
            if pauses:
                await asyncio.sleep(0)
        await wait_until_sent(viewers, newest[9])
        assert all(each.seen == newest for each in viewers)

    asyncio.run(run())
