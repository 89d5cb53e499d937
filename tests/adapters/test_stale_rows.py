"""Who changes what others change at the same time, or hold, loses nothing of theirs, and keeps nobody else waiting."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from persistence.engine.statement import Statement
from persistence.engine.write_batcher import BatchParams, PendingWrite, StaleRow, WriteBatcher
from tests.support.app import App
from tests.support.concurrent_writes import LOCK_STREAM, rows_locked, run_before_next_write, stream_events, stream_head, task_row
from tests.support.graph_actions import codes_and_paths, create_label, create_task, mutate, mutate_ok
from tests.support.teams import SampleTeam, create_sample_team, uuid_of


async def test_writers_of_different_attributes_of_one_task_all_survive(app: App, team: SampleTeam) -> None:
    made, before = await create_task(app, team), await stream_head(app, team)
    given: list[dict[str, Any]] = [
        {"title": "Title"},
        {"status": "IN_REVIEW"},
        {"priority": "URGENT"},
        {"estimate": 2.5},
        {"description": "Words."},
        {"startOn": "2026-01-01"},
        {"dueOn": "2027-01-01"},
    ]
    await asyncio.gather(*(mutate_ok(app, team.member, "taskUpdate", id=made["id"], **each) for each in given))
    row = await task_row(app, made)
    assert (row["title"], row["status"], row["priority"], row["estimate"]) == ("Title", "IN_REVIEW", "URGENT", 2.5)
    assert (row["description"], str(row["start_on"]), str(row["due_on"])) == ("Words.", "2026-01-01", "2027-01-01")
    assert row["version"] == 8
    # Each is told once, in the order of the versions, and each told what it had changed.
    assert await stream_events(app, team, after=before) == [(before + n, "TaskUpdated", n + 1) for n in range(1, 8)]


async def test_of_many_who_expect_the_same_version_one_wins_and_the_others_are_notified_what_it_wrote(
    app: App, team: SampleTeam
) -> None:
    made = await create_task(app, team)
    payloads = await asyncio.gather(
        *(mutate(app, team.member, "taskUpdate", id=made["id"], title=f"By {n}", expectedVersion=1) for n in range(8))
    )
    won = [payload["task"]["title"] for payload in payloads if not payload["errors"]]
    assert len(won) == 1
    refused = [payload for payload in payloads if payload["errors"]]
    assert [codes_and_paths(each) for each in refused] == [[("CONFLICT", ["input", "expectedVersion"])]] * 7
    assert {each["errors"][0]["currentVersion"] for each in refused} == {2}
    assert await app.sql.fetchval("SELECT title FROM tasks WHERE id = $1", uuid_of(made["id"])) == won[0]


async def test_what_was_written_without_a_new_version_is_not_overwritten(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = await create_label(app, team.member, team.team_id, "gone soon")
    made = await create_task(app, team, labelIds=[mark])
    left = run_before_next_write(app, monkeypatch, "UPDATE tasks SET label_ids = '{}' WHERE id = $1", uuid_of(made["id"]))
    changed = await mutate_ok(app, team.member, "taskUpdate", id=made["id"], title="Other")
    assert (changed["title"], changed["labels"]["nodes"], changed["version"]) == ("Other", [], 2)
    assert left == [1]  # the second time the row was held, and needed no comparing
    assert await app.sql.fetchval("SELECT label_ids FROM tasks WHERE id = $1", uuid_of(made["id"])) == []


async def test_rights_that_end_with_the_row_are_seen_before_it_is_written(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = await create_task(app, team), await create_sample_team(app)
    before = await stream_head(app, team)
    away = "UPDATE tasks SET project_id = $2, team_id = $3 WHERE id = $1"
    run_before_next_write(app, monkeypatch, away, uuid_of(made["id"]), other.project.id, other.team.id)
    payload = await mutate(app, team.member, "taskUpdate", id=made["id"], title="Too late")
    assert codes_and_paths(payload) == [("NOT_FOUND", ["input", "id"])]
    assert await app.sql.fetchval("SELECT title FROM tasks WHERE id = $1", uuid_of(made["id"])) == made["title"]
    assert await stream_head(app, team) == before


async def test_a_row_that_somebody_holds_keeps_no_other_waiting(app: App, team: SampleTeam) -> None:
    held, free = await create_task(app, team, "Held"), await create_task(app, team, "Free")
    async with asyncio.TaskGroup() as group, rows_locked(app, "SELECT FROM tasks WHERE id = $1 FOR UPDATE", uuid_of(held["id"])):
        waiting = group.create_task(mutate_ok(app, team.member, "taskUpdate", id=held["id"], title="Later"))
        first = await asyncio.wait_for(mutate_ok(app, team.member, "taskUpdate", id=free["id"], title="Now"), 30)
        assert (first["title"], waiting.done()) == ("Now", False)
    assert waiting.result()["title"] == "Later"


async def test_a_stream_that_somebody_holds_keeps_no_other_team_waiting(app: App, team: SampleTeam) -> None:
    other = await create_sample_team(app)
    mine, theirs = await create_task(app, team), await create_task(app, other)
    async with asyncio.TaskGroup() as group, rows_locked(app, LOCK_STREAM, f"team:{team.team.id}"):
        waiting = group.create_task(mutate_ok(app, team.member, "taskUpdate", id=mine["id"], title="Later"))
        await asyncio.sleep(0.05)
        more = group.create_task(mutate_ok(app, team.member, "taskUpdate", id=mine["id"], status="DONE"))
        first = await asyncio.wait_for(mutate_ok(app, other.member, "taskUpdate", id=theirs["id"], title="Now"), 30)
        assert (first["title"], waiting.done(), more.done()) == ("Now", False, False)
    assert [waiting.result()["title"], more.result()["status"]] == ["Later", "DONE"]


async def test_what_needs_more_than_one_row_is_compared_in_its_transaction(app: App, team: SampleTeam) -> None:
    made = await create_task(app, team)
    link = f"[Plan](document:{uuid4()})"
    given: list[dict[str, Any]] = [{"description": f"{n} {link}"} for n in range(4)] + [{"title": f"T{n}"} for n in range(4)]
    await asyncio.gather(*(mutate_ok(app, team.member, "taskUpdate", id=made["id"], **each) for each in given))
    assert await app.sql.fetchval("SELECT version FROM tasks WHERE id = $1", uuid_of(made["id"])) == 9


@pytest.mark.slow
async def test_a_storm_of_all_kinds_of_writes_ends_without_a_deadlock_or_a_gap(app: App) -> None:
    teams = [await create_sample_team(app) for _ in range(3)]
    made = [(team, await create_task(app, team, f"Task {number}")) for number in range(4) for team in teams]
    counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await app.sql.fetchval(counted)

    async def writer(start: int) -> None:
        for step in range(8):
            team, each = made[(start + step * 5) % len(made)]
            others = [other["id"] for whose, other in made if whose is team]
            match (start + step) % 5:
                case 0:
                    await mutate_ok(app, team.member, "taskMove", id=each["id"], beforeId=None)
                case 1:
                    await mutate(app, team.member, "tasksUpdate", ids=others, set={"priority": "HIGH" if step % 2 else "LOW"})
                case 2:
                    await mutate_ok(app, team.member, "commentCreate", subjectId=each["id"], body="Hello.")
                case _:
                    await mutate_ok(app, team.member, "taskUpdate", id=each["id"], title=f"By {start} at {step}")

    await asyncio.gather(*(writer(start) for start in range(12)))
    await app.sql.execute("SELECT pg_stat_clear_snapshot()")
    assert await app.sql.fetchval(counted) == before
    for team in teams:
        results = await stream_events(app, team)
        assert [place for place, *_ in results] == list(range(1, await stream_head(app, team) + 1))
    for _, each in made:
        row = await task_row(app, each)
        last = await app.sql.fetch(
            "SELECT payload->'entity'->>'title' AS title, (payload->'entity'->>'version')::int AS version FROM events"
            " WHERE entity_id = $1 AND entity_type = 'Task' ORDER BY position",
            uuid_of(each["id"]),
        )
        # Every version was told once, in order, and the last is what the row says.
        assert [entry["version"] for entry in last] == list(range(1, row["version"] + 1))
        assert last[-1]["title"] == row["title"]


async def test_of_two_that_saw_the_same_row_the_later_is_overtaken_at_once() -> None:
    async def run(form: Statement, given: BatchParams) -> Sequence[Any]:
        return [(event["id"], place, 1) for place, event in enumerate(given["events"], 1)]

    form, row = Statement(None), uuid4()  # type: ignore[arg-type]
    writes = WriteBatcher(run)
    two = [writes.submit(PendingWrite(form, {"id": row}, [{"id": uuid4(), "stream": "s"}])) for _ in range(2)]
    assert list((await two[0]).positions.values()) == [1]
    with pytest.raises(StaleRow):
        await two[1]
    await writes.close()
