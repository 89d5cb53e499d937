"""Cost limits: the cost of a subject's operations, by token buckets that hold `burst` and are refilled by `per_hour`.

A subject is a person, an app, a team or a network address. A bucket is one number, its *debt*: the seconds until it is full again
(the generic cell rate algorithm: a debt of `burst / rate` is an empty bucket). A charge that does not fit is refused and costs
nothing, so whoever waits for `retry_after_seconds` is let through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from domain.errors import RateLimited

_SECONDS_PER_HOUR: Final = 3600.0
_ROUNDING_SECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimit:
    """Operations of a cost of `burst` at once, and of `per_hour` in the long run. `name` says whose limit it is."""

    name: str
    burst: int
    per_hour: int
    seconds_per_unit: float = field(init=False, repr=False, compare=False)
    """Seconds in which a unit of cost is refilled."""
    max_debt_seconds: float = field(init=False, repr=False, compare=False)
    """The debt of an empty bucket."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds_per_unit", _SECONDS_PER_HOUR / self.per_hour)
        object.__setattr__(self, "max_debt_seconds", self.burst * self.seconds_per_unit)

    def remaining(self, debt_seconds: float) -> int:
        """The cost that a bucket with this debt has left."""
        return max(0, min(self.burst, int((self.max_debt_seconds - debt_seconds) / self.seconds_per_unit + 1e-6)))

    def admits(self, debt_seconds: float) -> bool:
        """Whether a bucket may have this debt; a millionth of a second more is the rounding of clocks."""
        return debt_seconds <= self.max_debt_seconds + _ROUNDING_SECONDS

    def wait_seconds(self, debt_seconds: float, cost: int) -> float:
        """Seconds until the cost fits into a bucket with this debt; 0 or less when it does now."""
        return debt_seconds + cost * self.seconds_per_unit - self.max_debt_seconds


class CostAccount(NamedTuple):
    """The bucket of one subject."""

    limit: CostLimit
    subject: str


class CostBalance(NamedTuple):
    """The state of a bucket after a charge."""

    limit: CostLimit
    debt_seconds: float

    @property
    def remaining(self) -> int:
        """The cost that is left."""
        return self.limit.remaining(self.debt_seconds)

    @property
    def used(self) -> int:
        """The cost that is not."""
        return self.limit.burst - self.remaining


class CostCharge(NamedTuple):
    """What an operation was charged, at a moment in seconds since the epoch, and what was left then."""

    cost: int
    balance: CostBalance
    charged_at: float

    @property
    def reset_at(self) -> datetime:
        """When the bucket is full again, if nothing more is charged."""
        return datetime.fromtimestamp(self.charged_at + self.balance.debt_seconds, UTC)


class CostLimitExceeded(RateLimited):
    """The cost of an operation is more than is left in a bucket."""

    def __init__(self, balance: CostBalance, cost: int) -> None:
        limit = balance.limit
        reason = f"The operation costs {cost}, and {balance.remaining} of {limit.burst} are left for this {limit.name}"
        super().__init__(limit.wait_seconds(balance.debt_seconds, cost), reason)
        self.balance = balance


class CostLimiter(Protocol):
    """The buckets of all subjects."""

    async def charge(self, accounts: Sequence[CostAccount], cost: int) -> CostBalance:
        """
        Charge all of the accounts, one or more; the balance of the one that has least left.

        Raises CostLimitExceeded, and then none is charged.
        """
        ...


def lowest(balances: Sequence[CostBalance]) -> CostBalance:
    """The balance with the least left."""
    return min(balances, key=lambda each: each.limit.max_debt_seconds - each.debt_seconds)
