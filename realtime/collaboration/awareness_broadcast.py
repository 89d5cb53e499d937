"""Sends awareness that changed to everybody in a room: the newest states of all who changed in one message.

Everybody who moves is shown to everybody else, and stock providers send back all that they are shown, so what a crowd costs grows
with its square. Sending takes a small part of the event loop instead: what took some CPU time is followed by a pause that is many
times as long, in which newer states replace older ones of the same client. Among a few people that is less than a millisecond,
among 500 some 100. A crowd is sent a message in slices, so that neither the writes nor what comes back hold up other documents,
and what comes back as it was sent is recognized by its bytes.

Rejected: a fixed pause (it delays two people for nothing, and bounds nothing where states are large).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from operator import methodcaller
from time import thread_time
from typing import Final

from realtime.collaboration.broadcast import Broadcast
from realtime.collaboration.messages import MAX_AWARENESS_BYTES, AwarenessState, encode_awareness
from realtime.collaboration.participant import AwarenessUpdate, Participant
from realtime.collaboration.presence import MAX_CLIENTS
from transport.write_batch import WriteBatch

MAX_LOOP_SHARE: Final = 0.025
"""Of the event loop, for sending the awareness of one room; to read what comes back costs several times as much."""
MAX_PAUSE_SECONDS: Final = 0.15
MAX_SLICE_RECEIVERS: Final = 50
_MAX_LOOP_SHARE_OF_SLICES: Final = 0.2
_MAX_REMEMBERED: Final = 8


class AwarenessBroadcast:
    """The states of one room that changed and were not sent yet: one for each client, at most `MAX_CLIENTS`."""

    __slots__ = (
        "_began_at",
        "_broadcast",
        "_clock",
        "_next_at",
        "_receivers",
        "_sent",
        "_spent_seconds",
        "_states",
        "_timer",
        "_update",
        "_write_batch",
    )

    def __init__(self, broadcast: Broadcast, write_batch: WriteBatch, *, clock: Callable[[], float] = thread_time) -> None:
        """`clock`: CPU seconds of this thread."""
        self._broadcast = broadcast
        self._write_batch = write_batch
        self._clock = clock
        self._states: dict[int, AwarenessState] = {}
        self._sent: deque[bytes] = deque(maxlen=_MAX_REMEMBERED)
        self._update = AwarenessUpdate(b"")
        self._receivers: list[Participant] = []  # who were not sent the update yet
        self._timer: asyncio.TimerHandle | None = None
        self._began_at = self._next_at = self._spent_seconds = 0.0

    def is_echo(self, update: bytes) -> bool:
        """Whether an awareness update is what was just sent to everybody."""
        return update in self._sent

    def add(self, states: Sequence[AwarenessState]) -> None:
        """Send states now, or with the others that change until the pause is over."""
        for each in states:
            self._states[each.client] = each
        if not self._states:
            return
        if len(self._states) >= MAX_CLIENTS:
            self._send_slice(self._receivers)
            self._send_changes()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._next_at:
                self._send_changes()
            else:
                self._timer = loop.call_at(self._next_at, self._send_changes)

    def _send_changes(self) -> None:
        update, self._states = encode_awareness(self._states.values()), {}
        if len(update) <= MAX_AWARENESS_BYTES:  # what is larger is not read when it comes back
            self._sent.append(update)
        self._update = AwarenessUpdate(update)
        self._receivers = self._broadcast.receivers()
        self._began_at = asyncio.get_running_loop().time()
        self._spent_seconds = 0.0
        self._continue()

    def _continue(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        spent = self._send_slice(self._receivers[:MAX_SLICE_RECEIVERS])
        self._spent_seconds += spent
        self._receivers = self._receivers[MAX_SLICE_RECEIVERS:]
        self._next_at = self._began_at + min(self._spent_seconds / MAX_LOOP_SHARE, MAX_PAUSE_SECONDS)
        if self._receivers:
            self._timer = loop.call_later(spent / _MAX_LOOP_SHARE_OF_SLICES, self._continue)
        elif self._states:
            self._timer = loop.call_at(self._next_at, self._send_changes)

    def _send_slice(self, receivers: Sequence[Participant]) -> float:
        """The CPU seconds that it took."""
        began = self._clock()
        with self._write_batch:
            self._broadcast.send(methodcaller("on_awareness", self._update), self._update.size, receivers)
        return self._clock() - began
