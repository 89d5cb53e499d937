"""Sends what happens in a room to everybody there, and holds it back while their rights are looked up again.

What is written after somebody lost a right would reach them otherwise, for as long as the lookup takes.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from domain.errors import DomainError, SubscriptionLagged
from realtime.collaboration.participant import Participant

MAX_HELD_BYTES: Final = 4 * 1024 * 1024
"""What is held back for everybody; beyond, they must synchronize again."""
_OVERHEAD_BYTES: Final = 1_024

Send = Callable[[Participant], object]


class Broadcast:
    """Sends to the participants of one room, who are added and removed by the room."""

    __slots__ = ("_held", "_held_bytes", "_is_holding", "participants")

    def __init__(self) -> None:
        self.participants: set[Participant] = set()
        self._held: deque[tuple[list[Participant], Send]] = deque()
        self._held_bytes = 0
        self._is_holding = False

    def receivers(self) -> list[Participant]:
        """Everybody who has been let in."""
        return [each for each in self.participants if each.right is not None]

    def send(self, send: Send, size: int = 0, receivers: Sequence[Participant] | None = None) -> None:
        """Call this for everybody who has been let in (or those `receivers` who are still here), now or when it is known who may
        stay; `size` in bytes."""
        chosen = self.receivers() if receivers is None else [each for each in receivers if each in self.participants]
        if not self._is_holding:
            for each in chosen:
                send(each)
        elif self._held_bytes < MAX_HELD_BYTES:
            self._held.append((chosen, send))
            self._held_bytes += size + _OVERHEAD_BYTES
        else:
            self.remove_all(SubscriptionLagged())

    def hold_back(self) -> None:
        """Send nothing until `release`."""
        self._is_holding = True

    def release(self) -> None:
        """Send what was held back, in order, to those receivers who are still here."""
        self._is_holding = False
        held, self._held, self._held_bytes = self._held, deque(), 0
        for receivers, send in held:
            for each in receivers:
                if each in self.participants:
                    send(each)

    def remove_all(self, error: DomainError | None) -> None:
        """Remove everybody, and forget what they were to be sent."""
        removed = tuple(self.participants)
        self.participants.clear()
        self._held.clear()
        self._held_bytes = 0
        for each in removed:
            each.on_removed(error)
