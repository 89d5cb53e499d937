"""Tasks that recur: when one is closed the next one is made, once, and the rule goes over to it."""

import asyncio
from datetime import date
from typing import Any

import pytest

from domain.actor import Actor, Scope
from domain.events import derived_id
from domain.task.recur import MAX_COPIED_SUBTASKS
from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import (
    codes_and_paths,
    create_label,
    create_project,
    create_task,
    fetch_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.teams import SampleTeam, create_sample_team, uuid_of

FIELDS = """
  id key title description status priority startOn dueOn recurrence estimate externalRef version
  assignee { id } creator { id } parent { id } project { id } labels { nodes { name } } watchers { nodes { id } }
  subtasks { nodes { title status startOn dueOn recurrence assignee { id } subtasks { nodes { title } } } }
  comments { totalCount } links { totalCount }
"""
WEEKLY = "FREQ=WEEKLY;BYDAY=MO"


async def recurring(app: App, team: SampleTeam, rule: str = WEEKLY, due_on: str = "2026-06-01", **fields: Any) -> Any:
    return await create_task(app, team, "Water the plants", recurrence=rule, dueOn=due_on, **fields)


async def close(app: App, team: SampleTeam, task: Any, status: str = "DONE", **fields: Any) -> Any:
    return await mutate_ok(app, team.member, "taskUpdate", id=task["id"], status=status, **fields)


def next_id(task: Any, day: str) -> str:
    return ids.encode("Task", derived_id(uuid_of(task["id"]), "recurrence", date.fromisoformat(day)))


async def task_count(app: App, team: SampleTeam) -> int:
    found: int = await app.sql.fetchval("SELECT count(*) FROM tasks WHERE team_id = $1", team.team.id)
    return found


async def test_closing_a_task_makes_the_next_one_with_what_it_says(app: App, team: SampleTeam) -> None:
    parent = await create_task(app, team, "House")
    label = await create_label(app, team.member, team.team_id, "home")
    first = await recurring(
        app,
        team,
        description="All *of* them",
        priority="HIGH",
        status="IN_PROGRESS",
        startOn="2026-05-30",
        estimate=1.5,
        assigneeId=team.mate.id,
        parentId=parent["id"],
        labelIds=[label],
        externalRef="PLANTS-1",
    )
    below = await create_task(
        app, team, "Roses", parentId=first["id"], dueOn="2026-05-31", status="DONE", assigneeId=team.member.id
    )
    await create_task(app, team, "Red ones", parentId=below["id"])
    gone = await create_task(app, team, "Tulips", parentId=first["id"])
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    await mutate(app, team.guest, "watchSet", subjectId=first["id"], watching=True)
    await mutate_ok(app, team.owner, "taskLink", taskId=first["id"], targetId=parent["id"], kind="RELATES_TO")
    await mutate_ok(app, team.owner, "commentCreate", subjectId=first["id"], body="Not too much.")

    await close(app, team, first)

    closed = await fetch_task(app, team.member, first["id"], FIELDS)
    assert (closed["status"], closed["recurrence"], closed["dueOn"]) == ("DONE", None, "2026-06-01")
    made = await fetch_task(app, team.member, next_id(first, "2026-06-08"), FIELDS)
    expected = {
        "title": "Water the plants",
        "description": "All *of* them",
        "status": "TODO",
        "priority": "HIGH",
        "startOn": "2026-06-06",
        "dueOn": "2026-06-08",
        "recurrence": WEEKLY,
        "estimate": 1.5,
        "externalRef": None,
        "version": 1,
        "assignee": {"id": team.mate.id},
        "creator": {"id": team.member.id},
        "parent": {"id": parent["id"]},
        "project": {"id": team.project_id},
        "labels": {"nodes": [{"name": "home"}]},
        "comments": {"totalCount": 0},
        "links": {"totalCount": 0},
    }
    assert {name: made[name] for name in expected} == expected
    assert {each["id"] for each in made["watchers"]["nodes"]} == {team.member.id, team.mate.id, team.guest.id, team.owner.id}
    (roses,) = made["subtasks"]["nodes"]
    assert roses == {
        "title": "Roses",
        "status": "TODO",
        "startOn": None,
        "dueOn": "2026-06-07",
        "recurrence": None,
        "assignee": {"id": team.member.id},
        "subtasks": {"nodes": [{"title": "Red ones"}]},
    }


@pytest.mark.parametrize(
    ("rule", "due_on", "expected"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("RRULE:freq=weekly;interval=2;byday=mo,fr", "2026-06-01", ["2026-06-05", "2026-06-15", "2026-06-19"]),
        ("FREQ=DAILY;COUNT=3", "2026-06-01", ["2026-06-02", "2026-06-03"]),
        ("FREQ=DAILY;UNTIL=20260602", "2026-06-01", ["2026-06-02"]),
    ],
)
async def test_a_series_goes_on_until_its_rule_ends(
    app: App, team: SampleTeam, rule: str, due_on: str, expected: list[str]
) -> None:
    task, days = await recurring(app, team, rule, due_on), []
    for _ in range(3):
        await close(app, team, task, "CANCELED")
        made = await app.sql.fetchrow("SELECT id, due_on FROM tasks WHERE team_id = $1 AND recurrence IS NOT NULL", team.team.id)
        if made is None:
            break
        days.append(made["due_on"].isoformat())
        task = {"id": ids.encode("Task", made["id"])}
    assert days == expected


async def test_twenty_who_close_a_task_at_once_make_one(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team)
    closing = [
        *(mutate(app, team.member, "taskUpdate", id=task["id"], status="DONE") for _ in range(10)),
        *(mutate(app, team.mate, "taskMove", id=task["id"], status="DONE") for _ in range(5)),
        *(mutate(app, team.owner, "tasksUpdate", ids=[task["id"]], set={"status": "CANCELED"}) for _ in range(5)),
    ]
    assert [each["errors"] for each in await asyncio.gather(*closing)] == [[]] * 20
    assert await task_count(app, team) == 2


async def test_closing_again_after_reopening_makes_no_other_one(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team)
    await close(app, team, task)
    await close(app, team, task, "TODO")
    await close(app, team, task)
    assert await task_count(app, team) == 2
    await close(app, team, task, "TODO", recurrence=WEEKLY)
    await close(app, team, task)
    assert await task_count(app, team) == 2
    await mutate_ok(app, team.member, "taskDelete", id=next_id(task, "2026-06-08"))
    await close(app, team, task, "TODO", recurrence=WEEKLY)
    await close(app, team, task)
    assert await task_count(app, team) == 2


async def test_an_id_that_is_taken_elsewhere_ends_no_series(app: App, team: SampleTeam) -> None:
    task, other = await recurring(app, team), await create_sample_team(app)
    taken = uuid_of(next_id(task, "2026-06-08"))
    await mutate_ok(app, other.member, "taskCreate", projectId=other.project_id, title="Mine", id=str(taken))
    await close(app, team, task)
    rows = await app.sql.fetch("SELECT id, due_on FROM tasks WHERE team_id = $1 AND recurrence = $2", team.team.id, WEEKLY)
    assert [row["due_on"] for row in rows] == [date(2026, 6, 8)]
    assert rows[0]["id"] != taken


async def test_the_next_one_is_made_in_the_project_to_which_a_closed_task_goes(app: App, team: SampleTeam) -> None:
    task, elsewhere = await recurring(app, team), await create_project(app, team, "Garden")
    await mutate_ok(app, team.member, "taskMove", id=task["id"], projectId=elsewhere, status="DONE")
    made = await fetch_task(app, team.member, next_id(task, "2026-06-08"), FIELDS)
    assert (made["project"]["id"], made["recurrence"]) == (elsewhere, WEEKLY)


async def test_who_no_longer_sees_the_project_is_not_assigned_again(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team, assigneeId=team.mate.id)
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    await app.sql.execute("UPDATE tasks SET assignee_user_id = $2 WHERE id = $1", uuid_of(task["id"]), uuid_of(team.mate.id))
    await close(app, team, task)
    made = await fetch_task(app, team.member, next_id(task, "2026-06-08"), FIELDS)
    assert (made["assignee"], made["dueOn"]) == (None, "2026-06-08")


async def test_so_many_subtasks_are_copied_and_no_more(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team)
    for start in range(0, MAX_COPIED_SUBTASKS + 20, 60):
        rows = [
            {"projectId": team.project_id, "title": f"Part {each}", "parentId": task["id"]} for each in range(start, start + 60)
        ]
        assert (await mutate(app, team.member, "tasksCreate", tasks=rows))["succeeded"] == 60
    await close(app, team, task)
    made = uuid_of(next_id(task, "2026-06-08"))
    titles = await app.sql.fetch("SELECT title FROM tasks WHERE parent_id = $1 ORDER BY rank", made)
    assert [row["title"] for row in titles] == [f"Part {each}" for each in range(MAX_COPIED_SUBTASKS)]


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"recurrence": WEEKLY}, ("REQUIRED", ["input", "dueOn"])),
        ({"recurrence": "FREQ=SECONDLY", "dueOn": "2026-06-01"}, ("INVALID", ["input", "recurrence"])),
        ({"recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "dueOn": "2026-06-01"}, ("INVALID", ["input", "recurrence"])),
        (
            {"recurrence": "FREQ=DAILY;BYDAY=" + ",".join(["MO"] * 200), "dueOn": "2026-06-01"},
            ("TOO_LONG", ["input", "recurrence"]),
        ),
    ],
)
async def test_a_rule_that_gives_no_days_is_refused_and_nothing_changes(
    app: App, team: SampleTeam, fields: dict[str, Any], refusal: tuple[str, list[str]]
) -> None:
    task = await create_task(app, team)
    before = await table_states(app)
    created = await mutate(app, team.member, "taskCreate", projectId=team.project_id, title="Task", **fields)
    assert codes_and_paths(created) == [refusal]
    assert codes_and_paths(await mutate(app, team.member, "taskUpdate", id=task["id"], **fields)) == [refusal]
    assert await table_states(app) == before


async def test_a_task_that_recurs_keeps_its_due_day_until_its_rule_is_taken_away(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team)
    refused = await mutate(app, team.member, "taskUpdate", id=task["id"], dueOn=None)
    assert codes_and_paths(refused) == [("REQUIRED", ["input", "dueOn"])]
    changed = await mutate_ok(app, team.member, "taskUpdate", id=task["id"], dueOn=None, recurrence=None)
    assert changed["dueOn"] is None
    await close(app, team, task)
    assert await task_count(app, team) == 1


async def test_a_rule_is_given_to_many_tasks_and_taken_away(app: App, team: SampleTeam) -> None:
    due = [await create_task(app, team, f"Due on {day}", dueOn=day) for day in ("2026-06-01", "2026-06-03")]
    undated = await create_task(app, team, "Whenever")
    every = [each["id"] for each in (*due, undated)]
    before = await table_states(app)
    refused = await mutate(app, team.member, "tasksUpdate", ids=every, set={"recurrence": WEEKLY})
    assert codes_and_paths(refused) == [("REQUIRED", ["input", "set", "dueOn"])]
    invalid = await mutate(app, team.member, "tasksUpdate", ids=every[:2], set={"recurrence": "FREQ=HOURLY"})
    assert codes_and_paths(invalid)[0] == ("INVALID", ["input", "set", "recurrence"])
    assert await table_states(app) == before
    given = await mutate(app, team.member, "tasksUpdate", ids=every, set={"recurrence": "freq=weekly"}, mode="BEST_EFFORT")
    assert (given["succeeded"], given["failed"]) == (2, 1)
    rules = [(await app.run(team.mate, "query ($i: ID!) { task(id: $i) { recurrence } }", i=each))["task"] for each in every]
    assert [each["recurrence"] for each in rules] == ["FREQ=WEEKLY", "FREQ=WEEKLY", None]
    await mutate(app, team.member, "tasksUpdate", ids=every[:1], set={"status": "DONE"})
    assert (await fetch_task(app, team.mate, next_id(due[0], "2026-06-08")))["dueOn"] == "2026-06-08"
    taken = await mutate(app, team.member, "tasksUpdate", ids=every[1:2], set={"recurrence": None, "status": "DONE"})
    assert (taken["succeeded"], taken["errors"]) == (1, [])
    assert await task_count(app, team) == 4


async def test_a_guest_can_make_nothing_recur_and_a_token_that_reads_cannot_close(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team)
    before = await table_states(app)
    refused = await mutate(app, team.guest, "taskUpdate", id=task["id"], status="DONE")
    assert codes_and_paths(refused) == [("FORBIDDEN", None)]
    reader = Actor(user_id=team.member.user.id, scopes=frozenset({Scope.TASKS_READ}))
    operation = "mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code } } }"
    answer = await app.execute(team.member, operation, actor=reader, input={"id": task["id"], "status": "DONE"})
    assert "INSUFFICIENT_SCOPE" in str(answer) or "FORBIDDEN" in str(answer)
    assert await table_states(app) == before


async def test_a_dry_run_makes_no_next_one(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team)
    payload = await mutate(app, team.member, "tasksUpdate", ids=[task["id"]], set={"status": "DONE"}, dryRun=True)
    assert payload["succeeded"] == 1
    assert await task_count(app, team) == 1
    assert (await fetch_task(app, team.member, task["id"], "recurrence"))["recurrence"] == WEEKLY


async def test_undoing_the_closing_gives_the_rule_back_and_makes_no_second_task(app: App, team: SampleTeam) -> None:
    task = await recurring(app, team)
    await close(app, team, task)
    query = "query ($id: ID!) { task(id: $id) { activity(first: 1) { nodes { id } } } }"
    ((closing,),) = [(await app.run(team.member, query, id=task["id"]))["task"]["activity"]["nodes"]]
    assert (await mutate(app, team.member, "undo", "change { id }", changeId=closing["id"]))["errors"] == []
    assert (await fetch_task(app, team.member, task["id"], "status recurrence")) == {"status": "TODO", "recurrence": WEEKLY}
    await close(app, team, task)
    assert await task_count(app, team) == 2
