"""Limits of the cost of operations: the law of a bucket, several processes over Redis, and what holds when Redis is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.cost_limit import CostAccount, CostLimit, CostLimiter, CostLimitExceeded
from persistence.rate_limits import open_rate_limiters
from persistence.rate_limits.cost_memory import MemoryCostLimiter
from persistence.rate_limits.cost_redis import MAX_UNSENT_SHARE, SEND_INTERVAL_SECONDS, RedisCostLimiter
from tests.support.backing_services import Valkey, free_port
from tests.support.examples import examples

PERSON = CostLimit(name="person", burst=1_000, per_hour=3_600)
TEAM = CostLimit(name="team", burst=2_000, per_hour=7_200)
ADA, EVE = CostAccount(PERSON, "ada"), CostAccount(PERSON, "eve")


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest, valkey_server: Valkey) -> AsyncIterator[CostLimiter]:
    """A limiter of each kind, of which nobody was charged yet."""
    url = valkey_server.url if request.param == "redis" else None
    async with open_rate_limiters(url, deployment=request.node.name) as opened:
        yield opened.costs


async def spend(limiter: CostLimiter, *accounts: CostAccount, cost: int, tries: int) -> int:
    """The cost that was admitted in so many tries."""
    admitted = 0
    for _ in range(tries):
        try:
            await limiter.charge(accounts, cost)
        except CostLimitExceeded:
            continue
        admitted += cost
    return admitted


async def test_what_is_left_is_told_and_more_is_refused_with_the_time_to_wait(limiter: CostLimiter) -> None:
    assert (await limiter.charge([ADA], 990)).remaining == 10
    with pytest.raises(CostLimitExceeded, match="costs 20, and 10 of 1000 are left for this person") as refused:
        await limiter.charge([ADA], 20)
    assert refused.value.retry_after_seconds in (9, 10)
    assert refused.value.balance.remaining in (10, 11)
    assert (await limiter.charge([ADA], 10)).remaining in (0, 1)


async def test_subjects_are_charged_apart(limiter: CostLimiter) -> None:
    assert await spend(limiter, ADA, cost=100, tries=20) == 1_000
    assert await spend(limiter, EVE, cost=100, tries=20) == 1_000


async def test_of_several_accounts_all_are_charged_or_none(limiter: CostLimiter) -> None:
    team = CostAccount(TEAM, "engineering")
    assert await spend(limiter, ADA, team, cost=500, tries=5) == 1_000
    assert (await limiter.charge([team], 1)).remaining in (999, 1_000)
    assert await spend(limiter, EVE, team, cost=500, tries=5) == 500
    assert (await limiter.charge([EVE], 1)).remaining in (499, 500)


async def test_the_lowest_balance_is_the_answer(limiter: CostLimiter) -> None:
    balance = await limiter.charge([ADA, CostAccount(TEAM, "engineering")], 100)
    assert (balance.limit, balance.remaining) == (PERSON, 900)


@examples(50, many=2_000)
@example(steps=[(1.4766546669551701, 423), (0.0, 600), (0.0, 24)])  # 976 + 24 is a little more than 1,000 by the clock
@given(steps=st.lists(st.tuples(st.floats(0, 300), st.integers(1, 600)), max_size=60))
def test_no_window_admits_more_than_the_burst_and_what_is_refilled_in_it(steps: list[tuple[float, int]]) -> None:
    now = 0.0
    limiter = MemoryCostLimiter(clock=lambda: now)
    admitted: list[tuple[float, int]] = []
    for pause, cost in steps:
        now += pause
        try:
            balance = limiter.charge_now([ADA], cost)
        except CostLimitExceeded as error:
            now += error.retry_after_seconds
            balance = limiter.charge_now([ADA], cost)  # whoever waits as told is let through
        admitted.append((now, cost))
        assert 0 <= balance.remaining <= PERSON.burst
    for first, (start, _) in enumerate(admitted):
        for last in range(first, len(admitted)):
            total = sum(cost for _, cost in admitted[first : last + 1])
            assert total <= PERSON.burst + (admitted[last][0] - start) / PERSON.seconds_per_unit + 1e-3


async def test_processes_together_admit_a_twentieth_more_for_each_of_them_at_most(valkey_server: Valkey) -> None:
    limit = CostLimit(name="person", burst=10_000, per_hour=3_600)
    account = CostAccount(limit, "ada")
    async with (
        open_rate_limiters(valkey_server.url, deployment="together") as first,
        open_rate_limiters(valkey_server.url, deployment="together") as second,
        open_rate_limiters(valkey_server.url, deployment="elsewhere") as elsewhere,
    ):
        both = (first.costs, second.costs)
        admitted = sum(await asyncio.gather(*(spend(each, account, cost=7, tries=2_000) for each in both)))
        assert limit.burst - 7 <= admitted <= limit.burst * (1 + 2 * MAX_UNSENT_SHARE) + 60
        assert (await elsewhere.costs.charge([account], 7)).remaining == limit.burst - 7


async def test_what_one_process_charged_another_knows_soon(valkey_server: Valkey) -> None:
    async with (
        open_rate_limiters(valkey_server.url, deployment="soon") as here,
        open_rate_limiters(valkey_server.url, deployment="soon") as there,
    ):
        await there.costs.charge([ADA], 1)
        for _ in range(20):
            await here.costs.charge([ADA], 10)
        async with asyncio.timeout(20):
            while (await there.costs.charge([ADA], 1)).remaining > 820:
                await asyncio.sleep(SEND_INTERVAL_SECONDS)


async def test_few_charges_wait_for_redis(valkey_server: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    limit = CostLimit(name="person", burst=100_000, per_hour=3_600)
    async with open_rate_limiters(valkey_server.url, deployment="few") as limiters:
        assert isinstance(limiters.costs, RedisCostLimiter)
        run = limiters.costs._runner.run

        async def count(command: object) -> object:
            nonlocal asked
            asked += 1
            return await run(command)  # type: ignore[arg-type]

        monkeypatch.setattr(limiters.costs._runner, "run", count)
        assert await spend(limiters.costs, CostAccount(limit, "ada"), cost=10, tries=5_000) == 50_000
    assert asked < 60


async def test_there_is_a_limit_without_redis_too() -> None:
    async with open_rate_limiters(f"redis://127.0.0.1:{free_port()}/0", deployment="away") as limiters:
        assert await spend(limiters.costs, ADA, cost=100, tries=20) == 1_000


async def test_what_was_charged_while_redis_was_away_is_sent_when_it_is_back(valkey_server: Valkey) -> None:
    async with (
        open_rate_limiters(valkey_server.url, deployment="back") as here,
        open_rate_limiters(valkey_server.url, deployment="back") as there,
    ):
        await here.costs.charge([ADA], 100)
        with valkey_server.black_holed():
            assert await spend(here.costs, ADA, cost=100, tries=7) == 700
        async with asyncio.timeout(30):
            while (await there.costs.charge([ADA], 1)).remaining > 250:
                await asyncio.sleep(SEND_INTERVAL_SECONDS)


async def test_a_crowd_of_addresses_displaces_no_persons_bucket() -> None:
    limiter = MemoryCostLimiter()
    await limiter.charge([ADA], 1_000)
    address = CostLimit(name="address", burst=1_000, per_hour=3_600)
    for number in range(50_000):
        limiter.charge_now([CostAccount(address, str(number))], 1)
    assert await spend(limiter, ADA, cost=500, tries=3) == 0
