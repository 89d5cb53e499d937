"""Bounds what one person's messages may cost, over all their connections to this process.

Each message is charged with the time of the event loop that it took. Whoever used up their share is read from no more until they
have some again: their connections become slow, and nobody else's do. Awareness has a rate of its own: beyond it the newest states
wait, and go out together.
"""

import types
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from time import monotonic, thread_time
from typing import Any, Final, TypeVar
from uuid import UUID

T = TypeVar("T")

WORK_SHARE: Final = 0.2  # of the event loop, for one person
WORK_BURST_SECONDS: Final = 0.3
AWARENESS_PER_SECOND: Final = 20.0
AWARENESS_BURST: Final = 40.0
MAX_TURN_SECONDS: Final = 0.005  # of one connection, before other tasks have their turn
_MAX_PERSONS: Final = 10_000


class TokenBucket:
    """Tokens that come back at a rate, up to a burst; more can be taken than there are, and is then waited for. No I/O."""

    def __init__(self, rate: float, burst: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._at = clock()

    def take(self, amount: float) -> None:
        """Take tokens, though there may be fewer."""
        self._refill()
        self._tokens -= amount

    def try_take(self, amount: float) -> bool:
        """Take tokens if there are as many."""
        self._refill()
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True

    def charge(self, amount: float) -> float:
        """Take tokens, though there may be fewer: how long until nothing is owed."""
        self.take(amount)
        return max(0.0, -self._tokens / self._rate)

    def seconds_until(self, amount: float) -> float:
        """How long until there are so many tokens."""
        self._refill()
        return max(0.0, (amount - self._tokens) / self._rate)

    @property
    def is_full(self) -> bool:
        """Whether nothing is owed."""
        self._refill()
        return self._tokens >= self._burst

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class PersonBudget:
    """What one person may still cost: seconds of the event loop, and awareness messages."""

    __slots__ = ("awareness", "work")

    def __init__(self) -> None:
        self.work = TokenBucket(WORK_SHARE, WORK_BURST_SECONDS)
        self.awareness = TokenBucket(AWARENESS_PER_SECOND, AWARENESS_BURST)


class PersonBudgets:
    """The budgets of everybody who was connected lately; those who were not seen for longest are forgotten first."""

    def __init__(self, *, max_persons: int = _MAX_PERSONS) -> None:
        self._max_persons = max_persons
        self._budgets: OrderedDict[UUID, PersonBudget] = OrderedDict()

    def __len__(self) -> int:
        return len(self._budgets)

    def of(self, user_id: UUID) -> PersonBudget:
        """A person's budget."""
        budget = self._budgets.get(user_id)
        if budget is None:
            budget = self._budgets[user_id] = PersonBudget()
            if len(self._budgets) > self._max_persons:
                self._budgets.popitem(last=False)
        else:
            self._budgets.move_to_end(user_id)
        return budget


class Meter:
    """Measures the time of the event loop that one coroutine after another takes, pauses not included."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def run(self, coroutine: Awaitable[T]) -> Awaitable[T]:
        """Await a coroutine, and add the time that it computed to `seconds`."""
        return _metered(coroutine, self)


@types.coroutine
def _metered(awaitable: Awaitable[T], meter: Meter) -> Generator[Any, Any, T]:
    steps = awaitable.__await__()
    send: Callable[[Any], Any] = steps.send
    argument: Any = None
    while True:
        began = thread_time()
        try:
            paused = send(argument)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            meter.seconds += thread_time() - began
        try:
            argument = yield paused
            send = steps.send
        except BaseException as error:  # noqa: BLE001 (handed on to the coroutine)
            argument = error
            send = steps.throw
