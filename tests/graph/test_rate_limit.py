"""The field `rateLimit`: what an operation was charged and what is left; and the dry run, which executes nothing else."""

import time
from typing import Any

import orjson
import pytest

from domain.cost_limit import CostBalance, CostCharge, CostLimit
from domain.session import Device
from gateway.execution.executor import OperationRequest, PreparedOperation
from resolvers.context import Context
from tests.support.app import App
from tests.support.teams import SampleTeam

LIMIT = CostLimit(name="person", burst=5_000, per_hour=60_000)
STATUS = "rateLimit { limit remaining used cost resetAt }"


async def run(app: App, team: SampleTeam, query: str, **variables: Any) -> Any:
    """The data of an operation that was charged 12 of 5,000, from both executors."""
    answers = []
    for executor in (app.executor, app.graphql_core):
        prepared = executor.prepare(OperationRequest(query=query, variables=variables))
        assert isinstance(prepared, PreparedOperation), prepared
        charge = CostCharge(prepared.cost, CostBalance(LIMIT, 12 * LIMIT.seconds_per_unit), 1_800_000_000.0)
        context = Context(app.resources.services, team.owner.actor, Device(), charge=charge)
        result = await executor.execute(prepared, context)
        assert not result.errors
        answers.append(orjson.loads(result.to_json())["data"])
    assert answers[0] == answers[1]
    return answers[0]


async def test_an_operation_learns_what_it_was_charged(app: App, team: SampleTeam) -> None:
    data = await run(app, team, "{ viewer { id } " + STATUS + " }")
    assert data["rateLimit"] == {
        "limit": 5_000,
        "remaining": 4_988,
        "used": 12,
        "cost": 8,
        "resetAt": "2027-01-15T08:00:00.720000Z",
    }
    assert data["viewer"] == {"id": team.owner.id}


async def test_there_is_nothing_to_tell_where_costs_are_not_limited(app: App, team: SampleTeam) -> None:
    assert await app.run(team.owner, "{ " + STATUS + " }") == {"rateLimit": None}
    assert await app.run(None, "{ " + STATUS + " }") == {"rateLimit": None}


PAGE = "teams(first: 100) { nodes { name } }"


@pytest.mark.parametrize(
    ("query", "variables", "is_dry"),
    [
        ("{ rateLimit(dryRun: true) { cost } " + PAGE + " }", {}, True),
        ("{ " + PAGE + " rateLimit(dryRun: false) { cost } }", {}, False),
        ("query ($dry: Boolean) { rateLimit(dryRun: $dry) { cost } " + PAGE + " }", {"dry": True}, True),
        ("query ($dry: Boolean = true) { rateLimit(dryRun: $dry) { cost } " + PAGE + " }", {}, True),
        ("query ($dry: Boolean = true) { rateLimit(dryRun: $dry) { cost } " + PAGE + " }", {"dry": False}, False),
        ("query ($dry: Boolean) { rateLimit(dryRun: $dry) { cost } " + PAGE + " }", {"dry": None}, False),
        ("{ ...A } fragment A on Query { rateLimit(dryRun: true) { cost } " + PAGE + " }", {}, True),
    ],
)
async def test_a_dry_run_reads_nothing_but_the_cost(
    app: App, team: SampleTeam, query: str, variables: dict[str, Any], is_dry: bool
) -> None:
    before = app.resources.database.statements_run
    data = await run(app, team, query, **variables)
    assert data["rateLimit"] == {"cost": 103}
    assert (data["teams"] is None) == is_dry
    assert (app.resources.database.statements_run == before) == is_dry


async def test_fields_that_may_not_be_null_are_answered_in_a_dry_run_too(app: App, team: SampleTeam) -> None:
    data = await run(app, team, "{ __typename a: viewer { id } server { version } r: rateLimit(dryRun: true) { cost } }")
    assert list(data) == ["__typename", "a", "server", "r"]
    assert (data["a"], data["r"]) == (None, {"cost": 6})
    assert data["server"]["version"]


async def test_a_reset_lies_ahead_by_the_time_that_the_charge_takes_to_refill() -> None:
    charge = CostCharge(600, CostBalance(LIMIT, 600 * LIMIT.seconds_per_unit), time.time())
    assert charge.reset_at.timestamp() == pytest.approx(charge.charged_at + 36)
