"""Keeps the buckets of cost limits in this process: for each subject the moment at which its bucket is full again."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from domain.cost_limit import CostAccount, CostBalance, CostLimitExceeded, lowest
from persistence.engine.lru_cache import LruCache

_MAX_BYTES: Final = 8 * 2**20  # 28,000 subjects of each limit
_ENTRY_BYTES: Final = 300


class MemoryCostLimiter:
    """
    The buckets that were charged last, of each limit apart, so that a crowd of addresses displaces no person's bucket.

    `clock` returns seconds. There is one cache for each limit of the settings.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, LruCache[str, _Bucket]] = {}

    async def charge(self, accounts: Sequence[CostAccount], cost: int) -> CostBalance:
        """Charge all of the accounts; the lowest balance. Raises CostLimitExceeded, and then none is charged."""
        return self.charge_now(accounts, cost)

    def charge_now(self, accounts: Sequence[CostAccount], cost: int) -> CostBalance:
        """`charge`, without waiting for anything."""
        now = self._clock()
        debts: list[float] = []
        for account in accounts:
            limit, bucket = account.limit, self._find(account)
            debt_seconds = 0.0 if bucket is None else max(0.0, bucket.full_at - now)
            debts.append(debt_seconds + cost * limit.seconds_per_unit)
            if not limit.admits(debts[-1]):
                raise CostLimitExceeded(CostBalance(limit, debt_seconds), cost)
        for account, debt_seconds in zip(accounts, debts, strict=True):
            self._fill_at(account, now + debt_seconds)
        balances = [CostBalance(account.limit, debt_seconds) for account, debt_seconds in zip(accounts, debts, strict=True)]
        return balances[0] if len(balances) == 1 else lowest(balances)

    def is_known(self, account: CostAccount) -> bool:
        """Whether the account was charged lately."""
        return self._find(account) is not None

    def debt_seconds(self, account: CostAccount) -> float:
        """Seconds until the account's bucket is full."""
        bucket = self._find(account)
        return 0.0 if bucket is None else max(0.0, bucket.full_at - self._clock())

    def set_debt(self, account: CostAccount, debt_seconds: float) -> None:
        """Remember how long the account's bucket takes to be full."""
        self._fill_at(account, self._clock() + debt_seconds)

    def _find(self, account: CostAccount) -> "_Bucket | None":
        buckets = self._buckets.get(account.limit.name)
        return None if buckets is None else buckets.get(account.subject)

    def _fill_at(self, account: CostAccount, full_at: float) -> None:
        bucket = self._find(account)
        if bucket is not None:
            bucket.full_at = full_at
            return
        name = account.limit.name
        if name not in self._buckets:
            self._buckets[name] = LruCache(f"cost limits by {name}", _MAX_BYTES)
        self._buckets[name].put(account.subject, _Bucket(full_at), _ENTRY_BYTES)


class _Bucket:
    """A bucket, which is full at a moment of the clock."""

    __slots__ = ("full_at",)

    def __init__(self, full_at: float) -> None:
        self.full_at = full_at
