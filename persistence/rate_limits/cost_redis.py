"""Shares the buckets of cost limits between processes through Redis, which is seldom waited for.

An operation may cost less than a round trip to Redis. So each process charges its own copy of a bucket, and sends what it charged
every 100 ms, for all subjects together; the answer is the bucket as all processes have charged it. Redis is asked first only near
a limit: when a bucket is unknown, when less than a quarter of it is left, or when more than a twentieth was charged and not sent
yet. So n processes together admit at most n twentieths more than the limit.

A bucket is the moment at which it is full again, in microseconds of Redis' own clock; Redis deletes it then. Where Redis does not
answer, each process goes on with its copies, and sends what was charged meanwhile when Redis is back.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

from domain.cost_limit import CostAccount, CostBalance, CostLimitExceeded, lowest
from persistence.rate_limits.cost_memory import MemoryCostLimiter
from persistence.rate_limits.memory import subject_key
from persistence.rate_limits.script_runner import RETRY_AFTER_SECONDS, RedisUnavailable, ScriptRunner

SEND_INTERVAL_SECONDS: Final = 0.1
_ASKED_BELOW_SHARE: Final = 0.25
MAX_UNSENT_SHARE: Final = 0.05
_MAX_UNSENT_ACCOUNTS: Final = 10_000
_BATCH_ACCOUNTS: Final = 200
_CLOSE_TIMEOUT_SECONDS: Final = 0.5
_MICROSECONDS: Final = 1_000_000
# KEYS are buckets; ARGV holds for each, in microseconds: what was charged before, what is to be charged if it fits into all of
# them, and the debt of an empty bucket. Returns whether it fitted, and all debts.
_CHARGE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answer = {1}
for i, key in ipairs(KEYS) do
  local before, cost, most = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local debt = math.min(most, math.max(0, tonumber(redis.call('GET', key) or '0') - now) + before)
  if debt + cost > most then answer[1] = 0 end
  answer[i + 1] = debt
end
for i, key in ipairs(KEYS) do
  if answer[1] == 1 then answer[i + 1] = answer[i + 1] + tonumber(ARGV[3 * i - 1]) end
  if answer[i + 1] > 0 then
    redis.call('SET', key, string.format('%.0f', now + answer[i + 1]), 'PX', math.ceil(answer[i + 1] / 1000))
  end
end
return answer
"""


class RedisCostLimiter:
    """The buckets of all processes, and this process' copies of those that it charged last."""

    def __init__(self, runner: ScriptRunner, *, memory: MemoryCostLimiter | None = None) -> None:
        self._runner = runner
        self._memory = memory or MemoryCostLimiter()
        self._charge_script = runner.redis.register_script(_CHARGE)
        self._unsent: dict[CostAccount, float] = {}
        """Seconds of debt that were charged here and that Redis does not know of."""
        self._has_unsent = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, runner: ScriptRunner) -> AsyncIterator[Self]:
        """Send charges until the block ends."""
        limiter = cls(runner)
        task = asyncio.get_running_loop().create_task(limiter._send_periodically(), name="cost limits")
        try:
            yield limiter
        finally:
            task.cancel()
            await asyncio.wait([task])
            with suppress(TimeoutError, RedisUnavailable):
                async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                    await limiter.send()

    async def charge(self, accounts: Sequence[CostAccount], cost: int) -> CostBalance:
        """Charge all of the accounts; the lowest balance. Raises CostLimitExceeded, and then none is charged."""
        if not self._runner.is_suspended and any(self._must_ask(each, cost) for each in accounts):
            with suppress(RedisUnavailable):
                return await self._charge_shared(accounts, cost)
        balance = self._memory.charge_now(accounts, cost)
        for account in accounts:
            self._note_unsent(account, cost * account.limit.seconds_per_unit)
        return balance

    async def send(self) -> None:
        """Send everything that was charged and not sent yet. Raises RedisUnavailable, and then what was not sent stays."""
        while self._unsent:
            batch = dict(list(self._unsent.items())[:_BATCH_ACCOUNTS])
            _, debts = await self._run_script(batch, dict.fromkeys(batch, 0.0))
            for account, debt in debts.items():
                self._memory.set_debt(account, debt)

    def _must_ask(self, account: CostAccount, cost: int) -> bool:
        limit = account.limit
        charged = cost * limit.seconds_per_unit
        whole = limit.max_debt_seconds
        return (
            self._unsent.get(account, 0.0) + charged > whole * MAX_UNSENT_SHARE
            or self._memory.debt_seconds(account) + charged > whole * (1 - _ASKED_BELOW_SHARE)
            or not self._memory.is_known(account)
        )

    async def _charge_shared(self, accounts: Sequence[CostAccount], cost: int) -> CostBalance:
        """Charge the accounts in Redis."""
        charges = {each: cost * each.limit.seconds_per_unit for each in accounts}
        fits, debts = await self._run_script({each: self._unsent.get(each, 0.0) for each in accounts}, charges)
        for account, debt in debts.items():
            self._memory.set_debt(account, debt)
        balances = [CostBalance(account.limit, debt) for account, debt in debts.items()]
        if not fits:
            raise CostLimitExceeded(max(balances, key=lambda each: each.limit.wait_seconds(each.debt_seconds, cost)), cost)
        return lowest(balances)

    async def _run_script(
        self, unsent: dict[CostAccount, float], charges: dict[CostAccount, float]
    ) -> tuple[bool, dict[CostAccount, float]]:
        """
        Whether the charges fitted, and the debts with them and with what was charged here meanwhile.

        What is sent counts as sent while the answer is awaited, so that nobody sends it twice; after a failure it is unsent
        again, though Redis may have heard of it: a bucket may then be charged twice, never too little.
        """
        for account in unsent:
            self._unsent.pop(account, None)
        arguments = [
            round(seconds * _MICROSECONDS)
            for account in charges
            for seconds in (unsent[account], charges[account], account.limit.max_debt_seconds)
        ]
        keys = [self._runner.key(subject_key(f"cost {each.limit.name}", each.subject)) for each in charges]
        try:
            fits, *debts = await self._runner.run(lambda: self._charge_script(keys=keys, args=arguments))
        except RedisUnavailable:
            for account, seconds in unsent.items():
                self._note_unsent(account, seconds)
            raise
        return bool(fits), {
            account: debt / _MICROSECONDS + self._unsent.get(account, 0.0) for account, debt in zip(charges, debts, strict=True)
        }

    def _note_unsent(self, account: CostAccount, seconds: float) -> None:
        if seconds and (account in self._unsent or len(self._unsent) < _MAX_UNSENT_ACCOUNTS):
            self._unsent[account] = min(self._unsent.get(account, 0.0) + seconds, account.limit.max_debt_seconds)
            self._has_unsent.set()

    async def _send_periodically(self) -> None:
        while True:
            await self._has_unsent.wait()
            self._has_unsent.clear()
            await asyncio.sleep(SEND_INTERVAL_SECONDS)
            try:
                await self.send()
            except RedisUnavailable:
                self._has_unsent.set()
                await asyncio.sleep(RETRY_AFTER_SECONDS)
