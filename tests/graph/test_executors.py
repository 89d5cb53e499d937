"""A compiled program and graphql-core give the same answer, byte for byte, errors included."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.actor import Actor, Scope
from gateway.execution.executor import OperationRequest, PreparedOperation
from resolvers import ids
from schema.root import schema
from tests.support.app import App, Person
from tests.support.comparison import normalize, normalize_lost_data
from tests.support.random_operations import OperationGenerator
from tests.support.sample_data import create_sample_data
from tests.support.teams import SampleTeam, create_sample_team

BATCHES, BATCH = 20, 100


async def execute_both(app: App, person: Person | None, query: str, variables: dict[str, Any]) -> tuple[bytes, bytes, bool]:
    """The answers of both executors, and whether a program gave the first."""
    before = app.executor.execution_counts["compiled"]
    # Parsed and checked once for both: that is most of the time, and both have it of the same function.
    prepared = await app.executor.prepare_in_turn(OperationRequest(query=query, variables=variables), owner=person)
    if not isinstance(prepared, PreparedOperation):
        return normalize(prepared.to_json()), normalize(prepared.to_json()), False
    now = datetime.now(UTC)
    first = (await app.executor.execute(prepared, app.context(person, now=now))).to_json()
    second = (await app.graphql_core.execute(prepared, app.context(person, now=now))).to_json()
    if app.executor.execution_counts["compiled"] > before:
        return normalize(first), normalize(second), True
    return normalize_lost_data(first), normalize_lost_data(second), False


async def compare_executors(app: App, ids_by_type: dict[str, list[str]], team: SampleTeam, seeds: range) -> int:
    """Run the operations of seeds on both executors as people of every kind; how many of them programs answered."""
    words = ["Task 1", team.team.key, f"{team.team.key}-1", "mate", "x", ""]
    callers = [team.member, team.guest, team.owner, team.outsider, None]
    compiled = 0
    for seed in seeds:
        made = OperationGenerator(schema._schema, ids_by_type, words, seed).query()
        first, second, was_compiled = await execute_both(app, callers[seed % 7 % len(callers)], made.query, made.variables)
        assert b'"INTERNAL"' not in first, f"seed {seed}: {made.query} {made.variables}"
        assert first == second, f"seed {seed}: {made.query} {made.variables}"
        compiled += was_compiled
    return compiled


@pytest.mark.parametrize("batch", [0, *(pytest.param(each, marks=pytest.mark.fuzz) for each in range(1, BATCHES))])
async def test_generated_operations_come_out_the_same(app: App, batch: int) -> None:
    people = await create_sample_team(app)
    known = await create_sample_data(app, people)
    compiled = await compare_executors(app, known, people, range(batch * BATCH, (batch + 1) * BATCH))
    assert compiled > BATCH // 4


async def test_operations_answered_in_a_crowd_come_out_as_alone(app: App) -> None:
    people = await create_sample_team(app)
    known = await create_sample_data(app, people)
    callers = [people.member, people.guest, people.owner, people.outsider]
    made = [OperationGenerator(schema._schema, known, ["Task 1", "mate", ""], seed).query() for seed in range(5_000, 5_040)]
    # The same words from people with different rights: their statements leave together.
    asked = [(OperationRequest(query=each.query, variables=each.variables), caller) for each in made for caller in callers]

    now = datetime.now(UTC)

    async def answered(request: OperationRequest, caller: Person) -> bytes:
        return normalize((await app.executor.execute(request, app.context(caller, now=now))).to_json())

    alone = [await answered(*each) for each in asked]
    for start in range(0, len(asked), 40):
        some = asked[start : start + 40]
        assert await asyncio.gather(*(answered(*each) for each in some)) == alone[start : start + 40]


async def test_a_null_where_none_may_be_reaches_as_far_as_graphql_core_lets_it(app: App, team: SampleTeam) -> None:
    known = await create_sample_data(app, team)
    # A token that may read tasks but no projects: `project` may not be null, so the whole task is.
    narrow = Actor(user_id=team.member.user.id, scopes=frozenset({Scope.TASKS_READ}))
    query = 'query ($id: ID!) { task(id: $id) { title project { name } } taskByKey(key: "x") { id } }'
    request = OperationRequest(query=query, variables={"id": known["Task"][0]})
    first = (await app.executor.execute(request, app.context(None, narrow))).to_payload()
    second = (await app.graphql_core.execute(request, app.context(None, narrow))).to_payload()
    assert first == second
    assert first["data"] == {"task": None, "taskByKey": None}
    assert first["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "PROJECTS_READ"}


async def test_a_program_that_fails_after_the_write_does_not_write_again(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = """mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { task { title } errors { message } } }"""
    request = OperationRequest(query=query, variables={"input": {"projectId": team.project_id, "title": "Once"}})
    prepared = app.executor.prepare(request)
    assert isinstance(prepared, PreparedOperation)
    programs = app.executor._programs
    assert programs is not None
    run, _ = programs.compiled_for(prepared.operation, prepared.variables)
    (program,) = prepared.operation.programs.values()

    async def write_then_fail(context: Any, arguments: Any, event: Any) -> Any:
        await run(context, arguments, event)
        raise ZeroDivisionError

    monkeypatch.setattr(program, "run", write_then_fail)
    answer = (await app.executor.execute(prepared, app.context(team.member))).to_payload()
    assert answer == {"data": {"taskCreate": {"task": {"title": "Once"}, "errors": []}}}
    count = "query ($id: ID!) { project(id: $id) { tasks { totalCount } } }"
    assert await app.run(team.member, count, id=team.project_id) == {"project": {"tasks": {"totalCount": 1}}}
    assert ids.parse(team.project_id) is not None
