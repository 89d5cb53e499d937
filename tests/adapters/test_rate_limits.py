"""Counting uses for rate limits: in the process, in Redis for several processes, and what holds when Redis is away."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.rate_limit import LimitedUse, RateLimit, RateLimiter, network_of
from persistence.rate_limits import open_rate_limiters
from persistence.rate_limits.memory import MemoryRateLimiter
from persistence.rate_limits.redis import RedisRateLimiter
from tests.support.backing_services import Valkey, free_port
from tests.support.examples import examples

FIVE = RateLimit(name="five", max_uses=5, window_seconds=60)
TWO = RateLimit(name="two", max_uses=2, window_seconds=600)


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest, valkey_server: Valkey) -> AsyncIterator[RateLimiter]:
    """A limiter of each kind, in which nothing is counted yet."""
    url = valkey_server.url if request.param == "redis" else None
    async with open_rate_limiters(url, deployment=request.node.name) as opened:
        yield opened.uses


def use(limit: RateLimit, subject: str) -> LimitedUse:
    return LimitedUse(limit, subject)


async def test_as_many_uses_as_allowed_pass_and_the_next_waits_at_most_for_a_window(limiter: RateLimiter) -> None:
    assert [await limiter.take(use(FIVE, "ada")) for _ in range(5)] == [None] * 5
    wait = await limiter.take(use(FIVE, "ada"))
    assert wait is not None
    assert 0 < wait <= 60


async def test_subjects_and_limits_are_counted_apart(limiter: RateLimiter) -> None:
    for _ in range(2):
        assert await limiter.take(use(TWO, "ada")) is None
    assert await limiter.take(use(TWO, "ada")) is not None
    assert await limiter.take(use(TWO, "eve")) is None
    assert await limiter.take(use(FIVE, "ada")) is None


async def test_of_several_uses_all_are_counted_or_none(limiter: RateLimiter) -> None:
    for _ in range(2):
        await limiter.take(use(TWO, "network"))
    for _ in range(10):
        assert await limiter.take(use(FIVE, "ada"), use(TWO, "network")) is not None
    assert [await limiter.take(use(FIVE, "ada")) for _ in range(5)] == [None] * 5


async def test_the_longest_wait_of_several_is_the_answer(limiter: RateLimiter) -> None:
    for _ in range(5):
        await limiter.take(use(FIVE, "ada"))
    for _ in range(2):
        await limiter.take(use(TWO, "network"))
    wait = await limiter.take(use(FIVE, "ada"), use(TWO, "network"))
    assert wait is not None
    assert 60 < wait <= 600


async def test_what_is_reset_begins_anew(limiter: RateLimiter) -> None:
    for _ in range(5):
        await limiter.take(use(FIVE, "ada"))
    await limiter.reset(use(FIVE, "ada"))
    assert [await limiter.take(use(FIVE, "ada")) for _ in range(5)] == [None] * 5
    assert await limiter.take(use(FIVE, "ada")) is not None


async def test_what_is_given_back_was_not_used(limiter: RateLimiter) -> None:
    for _ in range(20):
        assert await limiter.take(use(FIVE, "ada")) is None
        await limiter.give_back(use(FIVE, "ada"))
    for _ in range(4):
        await limiter.take(use(FIVE, "ada"))
    assert await limiter.take(use(FIVE, "ada")) is None
    assert await limiter.take(use(FIVE, "ada")) is not None
    await limiter.give_back(use(FIVE, "nobody"))


async def test_uses_at_once_are_not_more_than_those_one_after_the_other(limiter: RateLimiter) -> None:
    answers = await asyncio.gather(*(limiter.take(use(FIVE, "ada")) for _ in range(100)))
    assert answers.count(None) == 5


@examples(50, many=2_000)
@given(st.lists(st.floats(0, 90), min_size=1, max_size=60), st.integers(1, 6))
@example([1.9097193854155705, 0.0, 0.0, 0.0], 2)
def test_no_window_holds_more_uses_than_allowed_and_whoever_waits_is_let_through(pauses: list[float], max_uses: int) -> None:
    now = 1_000.0
    limit = RateLimit(name="any", max_uses=max_uses, window_seconds=60)
    memory = MemoryRateLimiter(clock=lambda: now)
    allowed: list[float] = []

    async def run() -> None:
        nonlocal now
        for pause in pauses:
            now += pause
            wait = await memory.take(use(limit, "ada"))
            in_window = [each for each in allowed if each + 60 - now > 1e-6]  # clocks round
            assert (wait is None) == (len(in_window) < max_uses)
            if wait is not None:
                now += wait
                assert await memory.take(use(limit, "ada")) is None
            allowed.append(now)

    asyncio.run(run())


async def test_processes_count_together_and_deployments_apart(valkey_server: Valkey) -> None:
    name = "https://hive.example.com/together"
    async with (
        open_rate_limiters(valkey_server.url, deployment=name) as here,
        open_rate_limiters(valkey_server.url, deployment=name) as there,
        open_rate_limiters(valkey_server.url, deployment="https://other.example.com") as elsewhere,
    ):
        answers = await asyncio.gather(*(each.uses.take(use(FIVE, "ada")) for each in [here, there] * 50))
        assert answers.count(None) == 5
        assert await elsewhere.uses.take(use(FIVE, "ada")) is None
        await there.uses.reset(use(FIVE, "ada"))
        assert await here.uses.take(use(FIVE, "ada")) is None


async def test_nobodys_address_stands_in_redis(valkey_server: Valkey) -> None:
    async with open_rate_limiters(valkey_server.url, deployment="private") as limiters:
        await limiters.uses.take(use(FIVE, "ada@example.com"))
        assert isinstance(limiters.uses, RedisRateLimiter)
        keys = await limiters.uses._runner.redis.keys("*")
    assert any(b"five:" in key for key in keys)
    assert not any(b"ada" in key for key in keys)


async def test_there_is_a_limit_without_redis_too(caplog: pytest.LogCaptureFixture) -> None:
    async with open_rate_limiters(f"redis://127.0.0.1:{free_port()}/0", deployment="away") as limiters:
        answers = [await limiters.uses.take(use(FIVE, "ada")) for _ in range(20)]
        await limiters.uses.reset(use(FIVE, "ada"))
        again = [await limiters.uses.take(use(FIVE, "ada")) for _ in range(20)]
    assert (answers.count(None), again.count(None)) == (5, 5)
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_what_was_counted_before_redis_went_counts_on(valkey_server: Valkey) -> None:
    async with open_rate_limiters(valkey_server.url, deployment="goes") as limiters:
        assert [await limiters.uses.take(use(FIVE, "ada")) for _ in range(3)] == [None] * 3
        with valkey_server.black_holed():
            assert [await limiters.uses.take(use(FIVE, "ada")) for _ in range(20)].count(None) == 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        (None, ""),
        ("unix:", ""),
    ],
)
def test_limits_by_address_count_subscribers(address: str | None, network: str) -> None:
    assert network_of(address) == network
