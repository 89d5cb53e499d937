"""Which tasks are stored as blocked: whatever happens to tasks and links, it is what follows from the links."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.task import TaskStatus
from persistence.stores import task_counts
from tests.support.app import App
from tests.support.graph_actions import create_project, create_task, fetch_task, mutate, mutate_ok
from tests.support.teams import SampleTeam, create_sample_team, uuid_of

_FOLLOWS = """
SELECT id, is_blocked AS stored, EXISTS (
  SELECT FROM task_links JOIN tasks AS blocker ON blocker.id = target_id
  WHERE task_id = tasks.id AND kind = 'BLOCKED_BY' AND blocker.deleted_at IS NULL AND blocker.status NOT IN ('DONE', 'CANCELED')
) AS follows
FROM tasks WHERE team_id = $1
"""
_BLOCKED = "{ tasks(first: 100, filter: {isBlocked: true}) { nodes { id isBlocked } } }"
_TASKS = 5


async def assert_right(app: App, team: SampleTeam) -> None:
    """What is stored follows from the links, is what the list shows, and is what verification expects."""
    rows = await app.sql.fetch(_FOLLOWS, uuid_of(team.team_id))
    assert {row["id"]: row["stored"] for row in rows} == {row["id"]: row["follows"] for row in rows}
    shown = (await app.run(team.mate, _BLOCKED))["tasks"]["nodes"]
    assert all(each["isBlocked"] for each in shown)
    assert {uuid_of(each["id"]) for each in shown} <= {row["id"] for row in rows if row["follows"]}
    assert team.project.id not in await task_counts.wrong_projects(app.resources.database)


async def link(app: App, team: SampleTeam, blocker: str, blocked: str) -> None:
    """Let a task block another, where it may."""
    await mutate(app, team.mate, "taskLink", taskId=blocker, targetId=blocked, kind="BLOCKS")


async def unlink(app: App, team: SampleTeam, task_id: str) -> None:
    """Remove the first link of a task, if there is one."""
    task = await fetch_task(app, team.mate, task_id, "links(first: 1) { nodes { id } }")
    for each in task["links"]["nodes"] if task else ():
        await mutate(app, team.mate, "taskUnlink", id=each["id"])


place = st.integers(0, _TASKS - 1)
steps = st.one_of(
    st.tuples(st.just("link"), place, place),
    st.tuples(st.just("link"), place, place),
    st.tuples(st.just("unlink"), place),
    st.tuples(st.just("status"), place, st.sampled_from(TaskStatus)),
    st.tuples(st.just("move"), place, st.sampled_from(TaskStatus), st.booleans()),
    st.tuples(st.just("bulk"), st.lists(place, min_size=1, max_size=3, unique=True), st.sampled_from(TaskStatus), st.booleans()),
    st.tuples(st.sampled_from(["taskDelete", "taskRestore"]), place),
)


async def take_step(app: App, team: SampleTeam, projects: list[str], tasks: list[str], step: Any) -> None:
    """Do one thing; refusals are as good as anything else."""
    match step:
        case ("link", one, other):
            await link(app, team, tasks[one], tasks[other])
        case ("unlink", one):
            await unlink(app, team, tasks[one])
        case ("status", one, status):
            await mutate(app, team.mate, "taskUpdate", id=tasks[one], status=status)
        case ("move", one, status, away):
            await mutate(app, team.mate, "taskMove", id=tasks[one], status=status, projectId=projects[away])
        case ("bulk", several, status, is_dry_run):
            ids = [tasks[each] for each in several]
            await mutate(app, team.mate, "tasksUpdate", ids=ids, set={"status": status}, dryRun=is_dry_run)
        case (name, one):
            await mutate(app, team.mate, name, id=tasks[one])


@pytest.mark.slow
@settings(derandomize=True, deadline=None, database=None, max_examples=8)
@given(drawn=st.lists(steps, min_size=8, max_size=20))
async def test_tasks_are_blocked_by_what_their_links_say_whatever_happens(app: App, drawn: list[Any]) -> None:
    team = await create_sample_team(app)
    projects = [team.project_id, await create_project(app, team, "Second")]
    tasks = [(await create_task(app, team, f"T{nr}"))["id"] for nr in range(_TASKS - 1)]
    tasks.append((await create_task(app, team, "Part", parentId=tasks[0]))["id"])
    await link(app, team, tasks[0], tasks[1])
    for step in drawn:
        await take_step(app, team, projects, tasks, step)
    await assert_right(app, team)


async def test_who_closes_a_task_while_it_is_linked_leaves_nobody_waiting_for_it(app: App, team: SampleTeam) -> None:
    tasks = [(await create_task(app, team, f"T{nr}"))["id"] for nr in range(_TASKS)]
    draw = random.Random(7)

    async def write(nr: int) -> None:
        one, other = sorted(draw.sample(range(_TASKS), 2))
        match nr % 4:
            case 0:
                await link(app, team, tasks[one], tasks[other])
            case 1:
                await unlink(app, team, tasks[one])
            case 2:
                await mutate(app, team.mate, "taskMove", id=tasks[one], status=draw.choice(list(TaskStatus)), afterId=None)
            case _:
                await mutate(app, team.member, "taskUpdate", id=tasks[one], status=draw.choice(list(TaskStatus)))

    # Few enough at once that none waits too long for a lock on a slow machine.
    for start in range(0, 60, 10):
        await asyncio.gather(*map(write, range(start, start + 10)), task_counts.rebuild(app.resources.database))
        await assert_right(app, team)


async def test_a_task_that_comes_back_is_blocked_by_what_was_opened_meanwhile(app: App, team: SampleTeam) -> None:
    blocker, blocked = [(await create_task(app, team, title))["id"] for title in ("Blocker", "Blocked")]
    await mutate_ok(app, team.mate, "taskUpdate", id=blocker, status="DONE")
    await link(app, team, blocker, blocked)
    await mutate_ok(app, team.mate, "taskDelete", id=blocked)
    await mutate_ok(app, team.mate, "taskUpdate", id=blocker, status="TODO")
    assert (await app.run(team.mate, _BLOCKED))["tasks"]["nodes"] == []
    await mutate_ok(app, team.mate, "taskRestore", id=blocked)
    assert (await app.run(team.mate, _BLOCKED))["tasks"]["nodes"] == [{"id": blocked, "isBlocked": True}]
    await assert_right(app, team)


async def test_a_task_that_is_wrongly_stored_as_blocked_is_found_and_put_right(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "One")
    await app.sql.execute("UPDATE tasks SET is_blocked = true WHERE id = $1", uuid_of(task["id"]))
    assert team.project.id in await task_counts.wrong_projects(app.resources.database)
    await task_counts.rebuild(app.resources.database)
    await assert_right(app, team)
