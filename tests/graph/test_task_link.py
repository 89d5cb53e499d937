"""Links between tasks."""

import asyncio
from typing import Any

import pytest

from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, create_project, create_task, fetch_task, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam, create_sample_team

LINKS_SELECTION = "isBlocked links { totalCount nodes { id kind task { title } target { title } } }"


async def link_tasks(app: App, person: Person, one: Any, kind: str, other: Any) -> Any:
    """The payload of linking two tasks."""
    return await mutate(app, person, "taskLink", taskId=one["id"], targetId=other["id"], kind=kind)


async def task_links(app: App, person: Person, one: Any) -> list[tuple[str, str]]:
    """A task's links: kind and the other task's title."""
    found = await fetch_task(app, person, one["id"], LINKS_SELECTION)
    assert found["links"]["totalCount"] == len(found["links"]["nodes"])
    return [(each["kind"], each["target"]["title"]) for each in found["links"]["nodes"]]


@pytest.mark.parametrize(
    ("kind", "inverse"),
    [
        ("BLOCKS", "BLOCKED_BY"),
        ("BLOCKED_BY", "BLOCKS"),
        ("RELATES_TO", "RELATES_TO"),
        ("DUPLICATES", "DUPLICATED_BY"),
        ("DUPLICATED_BY", "DUPLICATES"),
    ],
)
async def test_a_link_is_seen_from_both_sides_and_goes_from_both(app: App, team: SampleTeam, kind: str, inverse: str) -> None:
    one, other = await create_task(app, team, "One"), await create_task(app, team, "Other")
    assert (await link_tasks(app, team.member, one, kind, other))["task"] == one
    assert await task_links(app, team.guest, one) == [(kind, "Other")]
    assert await task_links(app, team.guest, other) == [(inverse, "One")]
    (near,) = (await fetch_task(app, team.member, one["id"], LINKS_SELECTION))["links"]["nodes"]
    (far,) = (await fetch_task(app, team.member, other["id"], LINKS_SELECTION))["links"]["nodes"]
    assert (near["task"], far["task"]) == ({"title": "One"}, {"title": "Other"})
    assert near["id"] != far["id"]
    before = await table_states(app)
    for asked in ((one, kind, other), (other, inverse, one)):
        assert codes_and_paths(await link_tasks(app, team.member, *asked)) == [("NOT_UNIQUE", ["input", "targetId"])]
    assert await table_states(app) == before
    assert await mutate_ok(app, team.member, "taskUnlink", id=far["id"]) == far["id"]
    assert await task_links(app, team.member, one) == await task_links(app, team.member, other) == []
    assert codes_and_paths(await mutate(app, team.member, "taskUnlink", id=near["id"])) == [("NOT_FOUND", ["input", "id"])]


async def test_a_task_waits_as_long_as_what_blocks_it_is_open(app: App, team: SampleTeam) -> None:
    blocked, blocker = await create_task(app, team, "Blocked"), await create_task(app, team, "Blocker")

    async def waits() -> list[bool]:
        return [(await fetch_task(app, team.member, each["id"], "isBlocked"))["isBlocked"] for each in (blocked, blocker)]

    await link_tasks(app, team.member, blocked, "BLOCKED_BY", blocker)
    assert await waits() == [True, False]
    for status, waiting in (("DONE", False), ("IN_REVIEW", True), ("CANCELED", False), ("BACKLOG", True)):
        await mutate_ok(app, team.member, "taskUpdate", id=blocker["id"], status=status)
        assert await waits() == [waiting, False]
    await mutate_ok(app, team.member, "taskDelete", id=blocker["id"])
    assert await waits() == [False, False]
    assert await task_links(app, team.member, blocked) == []
    await mutate_ok(app, team.member, "taskRestore", id=blocker["id"])
    assert await waits() == [True, False]
    assert await task_links(app, team.member, blocked) == [("BLOCKED_BY", "Blocker")]


async def test_tasks_never_block_each_other_round_a_circle(app: App, team: SampleTeam) -> None:
    one, two, three = [await create_task(app, team, title) for title in ("One", "Two", "Three")]
    await link_tasks(app, team.member, one, "BLOCKS", two)
    await link_tasks(app, team.member, three, "BLOCKED_BY", two)
    before = await table_states(app)
    for asked in ((three, "BLOCKS", one), (one, "BLOCKED_BY", three), (two, "BLOCKS", one), (two, "BLOCKED_BY", three)):
        assert codes_and_paths(await link_tasks(app, team.member, *asked)) == [("CYCLE", ["input", "targetId"])]
    assert codes_and_paths(await link_tasks(app, team.member, one, "RELATES_TO", one)) == [("INVALID", ["input", "targetId"])]
    assert await table_states(app) == before
    assert (await link_tasks(app, team.member, three, "RELATES_TO", one))["errors"] == []
    assert (await link_tasks(app, team.member, one, "BLOCKS", three))["errors"] == []


async def test_of_two_links_that_would_close_a_circle_at_once_one_is_refused(app: App, team: SampleTeam) -> None:
    one, two = await create_task(app, team, "One"), await create_task(app, team, "Two")
    payloads = await asyncio.gather(
        link_tasks(app, team.member, one, "BLOCKS", two), link_tasks(app, team.mate, two, "BLOCKS", one)
    )
    assert sorted(map(codes_and_paths, payloads)) == [[], [("CYCLE", ["input", "targetId"])]]


async def test_one_must_be_able_to_change_the_task_and_to_see_the_other(app: App, team: SampleTeam) -> None:
    far = await create_sample_team(app)
    own, foreign = await create_task(app, team, "Own"), await create_task(app, far, "Foreign")
    secret = await create_task(
        app, team, "Secret", by=team.mate, projectId=await create_project(app, team, "S", private_to=[team.mate])
    )
    before = await table_states(app)
    for person, asked, expected in (
        (team.member, (own, "BLOCKS", foreign), ("NOT_FOUND", ["input", "targetId"])),
        (team.member, (foreign, "BLOCKS", own), ("NOT_FOUND", ["input", "taskId"])),
        (team.member, (own, "RELATES_TO", secret), ("NOT_FOUND", ["input", "targetId"])),
        (team.guest, (own, "RELATES_TO", await create_task(app, far, "Any")), ("FORBIDDEN", None)),
    ):
        payload = await link_tasks(app, person, *asked)
        assert codes_and_paths(payload) == [expected]
    after = await table_states(app)
    assert after["task_links"] == before["task_links"]


async def test_a_link_to_what_one_cannot_see_is_not_there_but_still_blocks(app: App, team: SampleTeam) -> None:
    secret = await create_task(
        app, team, "Secret", by=team.mate, projectId=await create_project(app, team, "S", private_to=[team.mate])
    )
    open_one = await create_task(app, team, "Open")
    await link_tasks(app, team.mate, open_one, "BLOCKED_BY", secret)
    (held,) = (await fetch_task(app, team.mate, open_one["id"], LINKS_SELECTION))["links"]["nodes"]
    assert await fetch_task(app, team.member, open_one["id"], LINKS_SELECTION) == {
        "isBlocked": True,
        "links": {"totalCount": 0, "nodes": []},
    }
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.member, "taskUnlink", id=held["id"])) == [("NOT_FOUND", ["input", "id"])]
    assert codes_and_paths(await mutate(app, team.outsider, "taskUnlink", id=held["id"])) == [("NOT_FOUND", ["input", "id"])]
    found = await app.run(team.member, "query ($id: ID!) { node(id: $id) { id } }", id=held["id"])
    assert found == {"node": None}
    assert await table_states(app) == before


async def test_a_task_has_at_most_a_hundred_links_from_either_side(app: App, team: SampleTeam) -> None:
    hub, one = await create_task(app, team, "Hub"), await create_task(app, team, "One")
    rows = [{"projectId": team.project_id, "title": f"T{number}"} for number in range(100)]
    made = (await mutate(app, team.member, "tasksCreate", tasks=rows))["results"]
    for row in made:
        assert (await link_tasks(app, team.member, row["task"], "RELATES_TO", hub))["errors"] == []
    before = await table_states(app)
    assert codes_and_paths(await link_tasks(app, team.member, hub, "RELATES_TO", one)) == [
        ("LIMIT_EXCEEDED", ["input", "taskId"])
    ]
    assert codes_and_paths(await link_tasks(app, team.member, one, "RELATES_TO", hub)) == [
        ("LIMIT_EXCEEDED", ["input", "targetId"])
    ]
    assert await table_states(app) == before
