"""What happens in a room waits while rights are looked up, for those who were there and stay."""

from typing import Any, cast

from domain.errors import DomainError, SubscriptionLagged
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.broadcast import MAX_HELD_BYTES, Broadcast
from realtime.collaboration.participant import Participant


class Person:
    """Somebody in a room, who collects what is sent."""

    def __init__(self, room: Broadcast, right: DocumentRight | None = DocumentRight.READ) -> None:
        self.right = right
        self.received: list[Any] = []
        self.removed_with: DomainError | None = None
        room.participants.add(cast("Participant", self))

    def on_removed(self, error: DomainError | None) -> None:
        self.removed_with = error


def say(room: Broadcast, word: str, size: int = 0) -> None:
    """Send a word to everybody."""
    room.send(lambda person: cast("Person", person).received.append(word), size)


def test_what_is_held_back_comes_in_order_to_those_who_stay() -> None:
    room = Broadcast()
    stays, leaves, waits = Person(room), Person(room), Person(room, right=None)
    say(room, "before")
    room.hold_back()
    say(room, "one")
    joined = Person(room)
    say(room, "two")
    assert (stays.received, leaves.received) == (["before"], ["before"])
    room.participants.discard(cast("Participant", leaves))
    room.release()
    say(room, "after")
    assert stays.received == ["before", "one", "two", "after"]
    assert joined.received == ["two", "after"]  # who joins has read what was before
    assert leaves.received == ["before"]
    assert waits.received == []


def test_what_is_held_back_is_bounded_and_everybody_synchronizes_again() -> None:
    room = Broadcast()
    person = Person(room)
    room.hold_back()
    for number in range(5):
        say(room, str(number), MAX_HELD_BYTES // 4)
    assert isinstance(person.removed_with, SubscriptionLagged)
    assert (person.received, room.participants, len(room._held)) == ([], set(), 0)
    back = Person(room)
    say(room, "held")
    room.release()
    assert back.received == ["held"]
