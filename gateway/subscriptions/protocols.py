"""Defines what a group needs of its subscribers and of the executor that acts for them (`gateway.subscriptions.groups`)."""

from collections.abc import Hashable, Sequence
from typing import Any, Protocol, TypeVar

from domain.events import Entry

Positions = dict[str, int]


class Subscriber(Protocol):
    """A member of a group."""

    own_stream: str
    """The stream that this subscriber alone follows."""

    def send(self, payload: Any, own_position: int) -> None:
        """The next payload; may not wait."""
        ...

    def leave_group(self, positions: Positions) -> None:
        """Go on alone after these positions, which include that of the own stream."""
        ...

    def complete(self, error: Exception | None) -> None:
        """Nothing more follows, because of an error or because the topic has ended."""
        ...


S = TypeVar("S", bound=Subscriber)


class GroupExecutor(Protocol[S]):
    """Decides, executes and encodes on behalf of all members of a group."""

    def may_affect_membership(self, entry: Entry) -> bool:
        """Whether the entry may make members unequal."""
        ...

    async def repartition(self, members: Sequence[S]) -> tuple[Hashable, Sequence[S]]:
        """Load rights again: the key of the members that this executor goes on to act for, and the others."""
        ...

    immediate: bool
    """Whether `execute_now` usually has a result."""

    def execute_now(self, entry: Entry, positions: Positions, representative: S) -> tuple[Any, bool] | None:
        """The same as `execute` if nothing has to be waited for, else None."""
        ...

    async def execute(self, entry: Entry, positions: Positions, representative: S, *, is_retry: bool) -> tuple[Any, bool]:
        """
        The payload of the entry, or None, and whether it is the last; `representative` is one of the members.

        Raises `RightsStale` when that depends on rights that may have changed, unless it is a retry.
        """
        ...


class RightsStale(Exception):
    """Rights must be loaded again before this can be executed."""
