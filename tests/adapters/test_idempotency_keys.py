"""Idempotency keys of operations that keep their row together with others': claimed with the row, or not at all."""

import asyncio
from typing import Any

import pytest

from gateway.execution.executor import OperationRequest
from tests.support.app import App
from tests.support.concurrent_writes import TASK_UPDATE, rows_locked, run_before_next_write, stream_events, stream_head
from tests.support.graph_actions import codes_and_paths, create_task, mutate, table_states
from tests.support.teams import SampleTeam, create_sample_team, uuid_of

SELECTION = "cursor task { id version title updatedAt }"


async def stored_keys(app: App, team: SampleTeam) -> list[str]:
    """What is remembered of a member's calls."""
    rows = await app.sql.fetch(
        "SELECT client_mutation_id FROM idempotency_keys WHERE actor_user_id = $1 AND result IS NOT NULL ORDER BY 1",
        team.member.user.id,
    )
    return [row[0] for row in rows]


async def test_a_call_with_a_key_takes_three_trips(app: App, team: SampleTeam) -> None:
    made, database = await create_task(app, team), app.resources.database
    taken = []
    for number in range(3):  # the fewest, since the house looks around too
        given = {"input": {"id": made["id"], "title": f"Title {number}", "clientMutationId": f"k{number}"}}
        before = database.statements_run, database.round_trips
        answer = await app.executor.execute(OperationRequest(query=TASK_UPDATE, variables=given), app.context(team.member))
        assert answer.data == {"taskUpdate": {"task": {"version": number + 2}, "errors": []}}
        taken.append((database.statements_run - before[0], database.round_trips - before[1]))
    assert min(taken) == (3, 3)


async def test_calls_with_keys_leave_together_and_each_is_replayed_with_its_objects_as_they_are_now(
    app: App, team: SampleTeam
) -> None:
    made = [await create_task(app, team, f"Task {number}") for number in range(6)]

    async def call(number: int) -> Any:
        given = {"id": made[number]["id"], "title": f"New {number}", "clientMutationId": f"key {number}"}
        return await mutate(app, team.member, "taskUpdate", SELECTION, **given)

    first = await asyncio.gather(*map(call, range(6)))
    assert [payload["errors"] for payload in first] == [[]] * 6
    changed = await mutate(app, team.mate, "taskUpdate", SELECTION, id=made[0]["id"], title="Changed since")
    before = await table_states(app)
    replayed = await asyncio.gather(*map(call, range(6)))
    assert replayed == [first[0] | {"task": changed["task"]}, *first[1:]]  # objects are read as they are now
    assert len({payload["cursor"] for payload in first}) == 6
    assert await table_states(app) == before


async def test_ten_calls_at_once_with_one_key_change_a_task_once(app: App, team: SampleTeam) -> None:
    made = await create_task(app, team)
    before = await stream_head(app, team)
    given = {"id": made["id"], "title": "Once", "clientMutationId": "k"}
    payloads = await asyncio.gather(*(mutate(app, team.member, "taskUpdate", SELECTION, **given) for _ in range(10)))
    assert [payload["task"]["version"] for payload in payloads] == [2] * 10
    assert len({payload["cursor"] for payload in payloads}) == 1
    assert await stream_events(app, team, after=before) == [(before + 1, "TaskUpdated", 2)]


async def test_a_key_whose_row_was_overtaken_is_claimed_with_what_was_kept_at_last(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create_task(app, team)
    run_before_next_write(
        app, monkeypatch, "UPDATE tasks SET priority = 'URGENT', version = 2 WHERE id = $1", uuid_of(made["id"])
    )
    given = {"id": made["id"], "title": "Later", "clientMutationId": "k"}
    payload = await mutate(app, team.member, "taskUpdate", f"{SELECTION} task {{ priority }}", **given)
    assert (payload["task"]["version"], payload["task"]["priority"]) == (3, "URGENT")
    assert await stored_keys(app, team) == ["k"]
    assert await mutate(app, team.member, "taskUpdate", f"{SELECTION} task {{ priority }}", **given) == payload


async def test_a_key_whose_call_was_refused_in_the_end_is_not_remembered(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create_task(app, team)
    run_before_next_write(app, monkeypatch, "UPDATE tasks SET version = 7 WHERE id = $1", uuid_of(made["id"]))
    given = {"id": made["id"], "title": "Later", "expectedVersion": 1, "clientMutationId": "k"}
    assert codes_and_paths(await mutate(app, team.member, "taskUpdate", **given)) == [("CONFLICT", ["input", "expectedVersion"])]
    assert await stored_keys(app, team) == []


async def test_a_key_that_another_call_is_using_keeps_no_other_waiting(app: App, team: SampleTeam) -> None:
    other = await create_sample_team(app)
    mine, theirs, more = await create_task(app, team), await create_task(app, other), await create_task(app, team)
    turn = f"{team.member.user.id}:k"
    async with (
        asyncio.TaskGroup() as group,
        rows_locked(app, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", turn),
    ):
        given = {"id": mine["id"], "title": "Later", "clientMutationId": "k"}
        waiting = group.create_task(mutate(app, team.member, "taskUpdate", SELECTION, **given))
        calls = [
            mutate(app, other.member, "taskUpdate", SELECTION, id=theirs["id"], title="Now", clientMutationId="k"),
            mutate(app, team.mate, "taskUpdate", SELECTION, id=more["id"], title="Now", clientMutationId="k"),
        ]
        found = await asyncio.wait_for(asyncio.gather(*calls), 30)
        assert ([each["task"]["title"] for each in found], waiting.done()) == (["Now", "Now"], False)
    assert waiting.result()["task"]["title"] == "Later"


async def test_a_call_that_changes_nothing_is_remembered_too(app: App, team: SampleTeam) -> None:
    made = await create_task(app, team, "Same")
    given = {"id": made["id"], "title": "Same", "clientMutationId": "k"}
    first = await mutate(app, team.member, "taskUpdate", SELECTION, **given)
    assert (first["cursor"], first["task"]["version"]) == (None, 1)
    assert await stored_keys(app, team) == ["k"]
    changed = await mutate(app, team.mate, "taskUpdate", SELECTION, id=made["id"], title="Another")
    assert await mutate(app, team.member, "taskUpdate", SELECTION, **given) == first | {"task": changed["task"]}
