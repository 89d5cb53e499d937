"""Remembers which objects failed, and until when each is skipped, so that one broken object never stops the others."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Final, Generic, TypeVar

_FIRST_PAUSE_SECONDS: Final = 60.0
_MAX_PAUSE_SECONDS: Final = 6 * 3600.0
_MAX_FAILING_OBJECTS: Final = 10_000

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class _Failure:
    count: int
    retry_at: float


class RetrySchedule(Generic[K]):
    """The failing objects of one background job, by their keys; those that failed longest ago are forgotten first."""

    def __init__(self, *, clock: Callable[[], float] = monotonic, max_entries: int = _MAX_FAILING_OBJECTS) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._failures: OrderedDict[K, _Failure] = OrderedDict()
        self.failure_count = 0
        """How many failures were recorded since the start."""

    def __len__(self) -> int:
        return len(self._failures)

    def record_failure(self, key: K) -> float:
        """Skip the object for a pause that doubles with every failure; how long, in seconds."""
        known = self._failures.pop(key, None)
        count = 1 if known is None else known.count + 1
        pause: float = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(count - 1, 32), _MAX_PAUSE_SECONDS)
        self._failures[key] = _Failure(count, self._clock() + pause)
        if len(self._failures) > self._max_entries:
            self._failures.popitem(last=False)
        self.failure_count += 1
        return pause

    def record_success(self, key: K) -> None:
        """Forget the failures of an object."""
        self._failures.pop(key, None)

    def skipped(self) -> list[K]:
        """The objects that are not to be tried now."""
        now = self._clock()
        return [key for key, failure in self._failures.items() if failure.retry_at > now]

    def is_skipped(self, key: K) -> bool:
        """Whether the object is not to be tried now."""
        failure = self._failures.get(key)
        return failure is not None and failure.retry_at > self._clock()
