"""Keeps the buckets of cost limits in this process: for each subject the moment at which its bucket is full again."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from domain.cost_limit import CostAccount, CostBalance, CostLimitExceeded, lowest
from persistence.engine.lru_cache import LruCache

_MAX_BYTES: Final = 8 * 2**20  # 30,000 subjects of each limit
_ENTRY_BYTES: Final = 260


class MemoryCostLimiter:
    """
    The buckets that were charged last, of each limit apart, so that a crowd of addresses displaces no person's bucket.

    `clock` returns seconds. There is one cache for each limit of the settings.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: dict[str, LruCache[str, float]] = {}

    async def charge(self, accounts: Sequence[CostAccount], cost: int) -> CostBalance:
        """Charge all of the accounts; the lowest balance. Raises CostLimitExceeded, and then none is charged."""
        return self.charge_now(accounts, cost)

    def charge_now(self, accounts: Sequence[CostAccount], cost: int) -> CostBalance:
        """`charge`, without waiting for anything."""
        balances = [CostBalance(account.limit, self.debt_seconds(account)) for account in accounts]
        for balance in balances:
            if balance.limit.wait_seconds(balance.debt_seconds, cost) > 0:
                raise CostLimitExceeded(balance, cost)
        for account, balance in zip(accounts, balances, strict=True):
            self.set_debt(account, balance.debt_seconds + cost * account.limit.seconds_per_unit)
        return lowest([each._replace(debt_seconds=each.debt_seconds + cost * each.limit.seconds_per_unit) for each in balances])

    def is_known(self, account: CostAccount) -> bool:
        """Whether the account was charged lately."""
        return self._buckets(account).get(account.subject) is not None

    def debt_seconds(self, account: CostAccount) -> float:
        """Seconds until the account's bucket is full."""
        full_at = self._buckets(account).get(account.subject)
        return 0.0 if full_at is None else max(0.0, full_at - self._clock())

    def set_debt(self, account: CostAccount, debt_seconds: float) -> None:
        """Remember how long the account's bucket takes to be full."""
        self._buckets(account).put(account.subject, self._clock() + debt_seconds, _ENTRY_BYTES)

    def _buckets(self, account: CostAccount) -> LruCache[str, float]:
        name = account.limit.name
        buckets = self._full_at.get(name)
        if buckets is None:
            buckets = self._full_at[name] = LruCache(f"cost limits by {name}", _MAX_BYTES)
        return buckets
