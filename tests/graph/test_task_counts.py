"""The kept numbers of tasks: whatever happens to tasks, they are what counting them gives."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.task import TaskStatus
from persistence.stores import task_counts
from tests.support.app import App
from tests.support.graph_actions import create_project, create_task, mutate, mutate_ok
from tests.support.teams import SampleTeam, create_sample_team, uuid_of

_COUNTED = """
SELECT status::text, count(*), count(*) FILTER (WHERE due_on < (now() AT TIME ZONE 'UTC')::date AND status < 'DONE') AS overdue
FROM tasks WHERE project_id = $1 AND deleted_at IS NULL GROUP BY tasks.status ORDER BY tasks.status
"""
_SHOWN = """
query ($id: ID!) { project(id: $id) {
  progress { total done overdue byStatus { status count } }
  tasks(first: 0) { totalCount totalCountExact }
  open: tasks(first: 0, filter: {status: {notIn: [DONE, CANCELED]}}) { totalCount }
  done: tasks(first: 0, filter: {status: {eq: DONE}}) { totalCount }
} }
"""


async def counted(app: App, project_id: str) -> dict[str, Any]:
    """What the graph has to show of a project, counted in its rows."""
    rows = await app.sql.fetch(_COUNTED, uuid_of(project_id))
    numbers = {row["status"]: row["count"] for row in rows}
    total = sum(numbers.values())
    still_open = total - numbers.get("DONE", 0) - numbers.get("CANCELED", 0)
    return {
        "progress": {
            "total": total,
            "done": numbers.get("DONE", 0),
            "overdue": sum(row["overdue"] for row in rows),
            "byStatus": [{"status": row["status"], "count": row["count"]} for row in rows],
        },
        "tasks": {"totalCount": total, "totalCountExact": True},
        "open": {"totalCount": still_open},
        "done": {"totalCount": numbers.get("DONE", 0)},
    }


async def assert_right(app: App, team: SampleTeam, project_ids: list[str]) -> None:
    """What is shown is what is counted, and verification finds the same."""
    for project_id in project_ids:
        shown = (await app.run(team.member, _SHOWN, id=project_id))["project"]
        assert shown == await counted(app, project_id)
    wrong = set(await task_counts.wrong_projects(app.resources.database))
    assert wrong.isdisjoint({uuid_of(each) for each in project_ids})


statuses = st.sampled_from([each.value for each in TaskStatus])
days = st.sampled_from([None, "2020-01-01", "2020-01-02", "9999-12-31", "0001-01-01", "2999-01-01"])
place = st.integers(0, 30)
steps = st.one_of(
    st.tuples(st.just("create"), place, statuses, days),
    st.tuples(st.just("subtask"), place, statuses, days),
    st.tuples(st.just("update"), place, statuses, days),
    st.tuples(st.just("move"), place, statuses, st.integers(0, 2)),
    st.tuples(st.sampled_from(["delete", "restore"]), place),
    st.tuples(st.sampled_from(["ALL_OR_NOTHING", "BEST_EFFORT"]), place, statuses, days),
)


async def take_step(app: App, team: SampleTeam, projects: list[str], tasks: list[str], step: Any) -> None:
    """Do one thing; refusals are as good as anything else."""
    name, at, *values = step
    project = projects[at % len(projects)]
    task = tasks[at % len(tasks)] if tasks else None
    by = team.mate
    if name == "create" or task is None:
        made = (
            await create_task(app, team, "T", by=by, projectId=project, status=values[0], dueOn=values[1])
            if len(values) > 1
            else None
        )
        tasks += [made["id"]] if made else []
    elif name == "subtask":
        given = {"title": "S", "parentId": task, "status": values[0], "dueOn": values[1]}
        results = [await mutate(app, by, "taskCreate", projectId=each, **given) for each in projects]
        tasks += [each["task"]["id"] for each in results if each["task"]]
    elif name == "update":
        await mutate(app, by, "taskUpdate", id=task, status=values[0], dueOn=values[1])
    elif name == "move":
        await mutate(app, by, "taskMove", id=task, status=values[0], projectId=projects[values[1]])
    elif name in ("delete", "restore"):
        await mutate(app, by, f"task{name.title()}", id=task)
    else:
        row = {"title": "B", "projectId": project, "status": values[0], "dueOn": values[1]}
        bad = {**row, "title": ""} if at % 2 else row
        await mutate(app, by, "tasksCreate", tasks=[row, bad], mode=name)
        patch = {"status": values[0], "projectId": projects[at % 2]}
        await mutate(app, by, "tasksUpdate", ids=[task, tasks[0]], set=patch, mode=name, dryRun=at % 3 == 0)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, database=None, max_examples=8)
@given(drawn=st.lists(steps, min_size=4, max_size=10))
async def test_kept_numbers_are_those_of_the_tasks_whatever_happens(app: App, drawn: list[Any]) -> None:
    team = await create_sample_team(app)
    projects = [team.project_id, await create_project(app, team, "Second"), await create_project(app, team, "Third")]
    tasks: list[str] = []
    for step in drawn:
        await take_step(app, team, projects, tasks, step)
    await assert_right(app, team, projects)


async def test_a_task_counts_where_it_is_and_not_where_it_was(app: App, team: SampleTeam) -> None:
    other = await create_project(app, team, "Other")
    first = await create_task(app, team, "First", dueOn="2020-01-01")
    part = await create_task(app, team, "Part", parentId=first["id"], status="DONE")
    await assert_right(app, team, [team.project_id, other])
    await mutate_ok(app, team.mate, "taskMove", id=first["id"], projectId=other, status="IN_REVIEW")
    await assert_right(app, team, [team.project_id, other])
    shown = (await app.run(team.member, _SHOWN, id=other))["project"]["progress"]
    assert shown == {
        "total": 2,
        "done": 1,
        "overdue": 1,
        "byStatus": [{"status": "IN_REVIEW", "count": 1}, {"status": "DONE", "count": 1}],
    }
    await mutate_ok(app, team.mate, "taskDelete", id=first["id"])
    await assert_right(app, team, [team.project_id, other])
    assert (await app.run(team.member, _SHOWN, id=other))["project"]["tasks"]["totalCount"] == 0
    await mutate_ok(app, team.mate, "taskRestore", id=first["id"])
    await mutate_ok(app, team.mate, "taskUpdate", id=part["id"], status="TODO", dueOn="2020-02-02")
    await assert_right(app, team, [team.project_id, other])
    assert (await app.run(team.member, _SHOWN, id=other))["project"]["progress"]["overdue"] == 2


async def test_kept_numbers_are_right_after_many_wrote_at_once(app: App, team: SampleTeam) -> None:
    other = await create_project(app, team, "Other")
    tasks = [(await create_task(app, team, f"T{number}"))["id"] for number in range(6)]
    draw = random.Random(5)

    async def write(number: int) -> None:
        task = tasks[number % len(tasks)]
        status, project = draw.choice(list(TaskStatus)).value, draw.choice([team.project_id, other])
        if number % 4 == 0:
            await mutate(app, team.mate, "taskMove", id=task, projectId=project, status=status)
        elif number % 4 == 1:
            await mutate(app, team.mate, "taskCreate", projectId=project, title="New", status=status)
        else:
            await mutate(app, team.member, "taskUpdate", id=task, status=status, dueOn=draw.choice([None, "2020-01-01"]))

    # Few enough at once that none waits too long for a lock on a slow machine.
    await asyncio.gather(*map(write, range(15)), task_counts.rebuild(app.resources.database))
    for start in range(15, 60, 15):
        await asyncio.gather(*map(write, range(start, start + 15)))
    await assert_right(app, team, [team.project_id, other])


async def test_wrong_numbers_are_found_and_counted_anew(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "One", dueOn="2020-01-01")
    await create_task(app, team, "Two", status="DONE")
    project_id = uuid_of(team.project_id)
    for spoil in (
        "UPDATE task_counts SET done = done + 1 WHERE project_id = $1",
        "DELETE FROM task_counts WHERE project_id = $1",
        "UPDATE open_task_counts SET tasks = 7 WHERE project_id = $1",
        "INSERT INTO open_task_counts VALUES ($1, '2020-05-05', 1)",
    ):
        await app.sql.execute(spoil, project_id)
        assert project_id in await task_counts.wrong_projects(app.resources.database)
        await task_counts.rebuild(app.resources.database)
        await assert_right(app, team, [team.project_id])


async def test_who_may_not_see_a_project_sees_no_numbers_of_it(app: App, team: SampleTeam) -> None:
    hidden = await create_project(app, team, "Hidden", private_to=[team.mate])
    await create_task(app, team, "Secret", by=team.mate, projectId=hidden)
    everything = "{ tasks(first: 0) { totalCount } }"
    assert (await app.run(team.member, everything))["tasks"]["totalCount"] == 0
    assert (await app.run(team.mate, everything))["tasks"]["totalCount"] == 1
    assert (await app.run(team.member, _SHOWN, id=hidden))["project"] is None
