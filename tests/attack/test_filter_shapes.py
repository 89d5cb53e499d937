"""A user sends filters of ever new shapes: neither memory nor time grows with them, here or in Postgres."""

import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from gateway.execution.executor import OperationRequest
from persistence.engine.lru_cache import cache_usage
from tests.support.app import App
from tests.support.graph_actions import create_task
from tests.support.teams import SampleTeam, create_sample_team

_QUERY = "query ($f: TaskFilter) { tasks(first: 1, filter: $f) { totalCount nodes { id } } }"
_OPERATORS = ("eq", "contains", "startsWith")
Filter = dict[str, Any]


def alternatives(dice: random.Random) -> Filter:
    """95 alternatives of two kinds."""
    parts = [
        {"isBlocked": dice.random() < 0.5} if dice.random() < 0.7 else {"title": {"eq": f"{dice.random()}"}} for _ in range(95)
    ]
    return {"or": parts}


def groups(dice: random.Random) -> Filter:
    """Alternatives of conjunctions, of which none is like another."""
    parts: list[Filter] = [
        {"isBlocked": dice.random() < 0.5, "title": {dice.choice(_OPERATORS): f"{dice.random()}"}}
        for _ in range(dice.randint(20, 30))
    ]
    return {"or": parts}


def nested(dice: random.Random) -> Filter:
    """Filters in filters, as deep as is allowed."""

    def inner(depth: int) -> Filter:
        made: Filter = {"title": {dice.choice(_OPERATORS): f"{dice.random()}"}, "priority": {"notIn": ["LOW"]}}
        if depth < 3:
            made[dice.choice(["and", "or"])] = [inner(depth + 1) for _ in range(dice.randint(1, 3))]
        if depth < 3 and dice.random() < 0.3:
            made["not"] = inner(3)
        return made

    return inner(0)


SHAPES: list[Callable[[random.Random], Filter]] = [alternatives, groups, nested]


def resident_mib() -> float:
    """The memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def prepared_statements(app: App) -> int:
    """The prepared statements of all sessions that are idle."""
    pool = app.resources.database.pool
    async with pool.acquire() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM pg_prepared_statements"))


async def ask(app: App, team: SampleTeam, given: Filter) -> None:
    """Ask once, by a compiled program."""
    result = await app.executor.execute(OperationRequest(query=_QUERY, variables={"f": given}), app.context(team.member))
    errors = {error["extensions"]["code"] for error in result.errors}
    assert errors <= {"BAD_USER_INPUT"}  # too many parts


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
async def test_new_shapes_are_neither_prepared_nor_kept_beyond_the_bounds(app: App, team: SampleTeam, shape: Any) -> None:
    await create_task(app, team)
    dice = random.Random(1)
    for _ in range(20):
        await ask(app, team, shape(dice))
    before = await prepared_statements(app)
    for _ in range(60):
        await ask(app, team, shape(dice))
    assert await prepared_statements(app) - before <= 20
    for usage in cache_usage().values():
        assert usage.used_bytes <= usage.max_bytes


@pytest.mark.attack
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
async def test_five_thousand_new_shapes_take_little_memory_and_time(isolated_app: App, shape: Any) -> None:
    team = await create_sample_team(isolated_app)
    await create_task(isolated_app, team)
    dice = random.Random(2)
    for _ in range(500):
        await ask(isolated_app, team, shape(dice))
    before, seconds = resident_mib(), []
    for _ in range(5_000):
        given = shape(dice)
        began = time.process_time()
        await ask(isolated_app, team, given)
        seconds.append(time.process_time() - began)
    assert resident_mib() - before <= 50
    assert median(seconds) <= 0.010
