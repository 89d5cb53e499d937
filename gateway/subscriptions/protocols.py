"""What a broadcast needs of those who are told, and of those who speak for them (`gateway.subscriptions.groups`)."""

from collections.abc import Hashable, Sequence
from typing import Any, Protocol, TypeVar

from domain.events import Entry

Positions = dict[str, int]


class Subscriber(Protocol):
    """Whose seat it is."""

    own_stream: str
    """The stream that he alone follows."""

    def send(self, payload: Any, own_position: int) -> None:
        """The next thing; may not wait."""
        ...

    def leave_group(self, positions: Positions) -> None:
        """Go on alone after these positions, which hold his own stream's too."""
        ...

    def complete(self, error: Exception | None) -> None:
        """Nothing more comes, because of an error or because the theme is over."""
        ...


S = TypeVar("S", bound=Subscriber)


class GroupExecutor(Protocol[S]):
    """What a group has in common: decides, executes and encodes on behalf of all its members."""

    def may_affect_membership(self, entry: Entry) -> bool:
        """Whether the entry may make members unequal."""
        ...

    async def repartition(self, members: Sequence[S]) -> tuple[Hashable, Sequence[S]]:
        """Look again: the key of the members that this teller goes on to speak for, and who the others are."""
        ...

    immediate: bool
    """Whether `tell_now` mostly has an answer."""

    def execute_now(self, entry: Entry, positions: Positions, representative: S) -> tuple[Any, bool] | None:
        """The same as `tell` where nothing has to be waited for, else None."""
        ...

    async def execute(self, entry: Entry, positions: Positions, representative: S, *, is_retry: bool) -> tuple[Any, bool]:
        """What members are told of the entry, or None, and whether it is the last; the speaker is one of them. Raises `Unsure`
        when that depends on rights that may have changed, unless it is asked `again`.
        """
        ...


class RightsStale(Exception):
    """Rights must be looked at before this can be told."""
