"""Lists of tasks in pages: every order, forwards and backwards, against a reference in Python."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers import ids
from tests.support.app import App
from tests.support.examples import examples
from tests.support.graph_actions import create_project, mutate_ok
from tests.support.sample_tasks import (
    SORT_KEYS,
    SampleTasks,
    create_sample_tasks,
    deterministic,
    refused_page,
    sorted_ids,
    tasks_page,
)


@pytest.fixture(scope="module")
async def sample_tasks(app: App) -> SampleTasks:
    """The same tasks for every example."""
    return await create_sample_tasks(app)


orders = st.lists(
    st.fixed_dictionaries({"field": st.sampled_from(sorted(SORT_KEYS)), "direction": st.sampled_from(["ASC", "DESC"])}),
    min_size=1,
    max_size=4,
)


async def walk_pages(app: App, sample: SampleTasks, size: int, *, backwards: bool, **arguments: Any) -> list[str]:
    """All ids of a list, page by page, and every promise that a page makes on the way."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        paging = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        got = await tasks_page(app, sample, **paging, **arguments)
        nodes, info = [each["id"] for each in got["nodes"]], got["pageInfo"]
        assert nodes == [edge["node"]["id"] for edge in got["edges"]]
        assert [info["startCursor"], info["endCursor"]] == [got["edges"][0]["cursor"], got["edges"][-1]["cursor"]]
        assert got["totalCount"] == 27
        found = nodes + found if backwards else found + nodes
        ahead, behind = ("hasPreviousPage", "hasNextPage") if backwards else ("hasNextPage", "hasPreviousPage")
        assert info[behind] is (cursor is not None)
        assert info[ahead] is (len(found) < 27)
        if not info[ahead]:
            return found
        cursor = info["startCursor"] if backwards else info["endCursor"]


@pytest.mark.slow
@examples(25, many=100, like=deterministic)
@given(order=orders, size=st.integers(4, 30), backwards=st.booleans())
async def test_pages_in_any_order_neither_repeat_nor_skip(
    app: App, sample_tasks: SampleTasks, order: list[dict[str, str]], size: int, backwards: bool
) -> None:
    expected = sorted_ids([row for row in sample_tasks.rows if row["deleted_at"] is None], order)
    assert await walk_pages(app, sample_tasks, size, backwards=backwards, orderBy=order) == expected


@pytest.mark.parametrize("field", sorted(SORT_KEYS))
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("backwards", [False, True])
async def test_every_order_is_walked_one_by_one(
    app: App, sample_tasks: SampleTasks, field: str, direction: str, backwards: bool
) -> None:
    order = [{"field": field, "direction": direction}]
    expected = sorted_ids([row for row in sample_tasks.rows if row["deleted_at"] is None], order)
    assert await walk_pages(app, sample_tasks, 1, backwards=backwards, orderBy=order) == expected


async def test_a_list_is_sorted_by_four_fields_at_most(app: App, sample_tasks: SampleTasks) -> None:
    assert await refused_page(app, sample_tasks, orderBy=[{"field": "RANK"}] * 5) == ("BAD_USER_INPUT", ["orderBy"])


@pytest.mark.parametrize(
    ("paging", "code", "path"),
    [
        ({"first": 101}, "PAGE_TOO_LARGE", ["first"]),
        ({"last": 101}, "PAGE_TOO_LARGE", ["last"]),
        ({"first": -1}, "BAD_USER_INPUT", ["first"]),
        ({"last": -1}, "BAD_USER_INPUT", ["last"]),
        ({"first": 1, "last": 1}, "BAD_USER_INPUT", ["last"]),
        ({"first": 1, "before": "x"}, "BAD_USER_INPUT", ["before"]),
        ({"last": 1, "after": "x"}, "BAD_USER_INPUT", ["after"]),
        ({"after": "x", "before": "x"}, "BAD_USER_INPUT", ["before"]),
    ],
)
async def test_a_page_that_makes_no_sense_is_refused(
    app: App, sample_tasks: SampleTasks, paging: dict[str, Any], code: str, path: list[str]
) -> None:
    assert await refused_page(app, sample_tasks, **paging) == (code, path)


async def test_a_page_of_nothing_still_knows_whether_there_is_more(app: App, sample_tasks: SampleTasks) -> None:
    got = await tasks_page(app, sample_tasks, first=0)
    assert got == {
        "nodes": [],
        "edges": [],
        "totalCount": 27,
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }
    nobody = await tasks_page(app, sample_tasks, first=0, filter={"title": {"eq": "nowhere"}})
    assert (nobody["totalCount"], nobody["pageInfo"]["hasNextPage"]) == (0, False)


def make_cursor(*parts: Any) -> str:
    """A cursor that looks like one."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


async def test_a_cursor_of_another_order_or_list_or_of_nobody_is_refused(app: App, sample_tasks: SampleTasks) -> None:
    own = (await tasks_page(app, sample_tasks, first=1))["pageInfo"]["endCursor"]
    someone = str(sample_tasks.rows[0]["id"])
    garbage = [
        "",
        " ",
        "x",
        "====",
        own[:-3],
        own + own,
        "é",
        make_cursor(),
        make_cursor(1),
        make_cursor("-created_at", "now", someone),
    ]
    values: list[Any] = [
        None,
        5,
        [],
        {},
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-01-01",
        "2026-01-01T00:00:00",
    ]
    garbage += [make_cursor("-created_at", value, someone) for value in values]
    garbage += [make_cursor("-created_at", "2026-01-01T00:00:00Z", each) for each in (None, 7, "x", "\u0000")]
    assert await refused_page(app, sample_tasks, after=own, orderBy=[{"field": "TITLE"}]) == ("CURSOR_INVALID", None)
    assert await refused_page(app, sample_tasks, after=own, orderBy=[{"field": "CREATED_AT", "direction": "ASC"}]) == (
        "CURSOR_INVALID",
        None,
    )
    for cursor in garbage:
        assert (cursor, await refused_page(app, sample_tasks, after=cursor)) == (cursor, ("CURSOR_INVALID", None))
        assert (cursor, await refused_page(app, sample_tasks, before=cursor, last=3)) == (cursor, ("CURSOR_INVALID", None))
    for field, value in (("KEY", 2**31), ("TITLE", "\ud800"), ("TITLE", "\0"), ("STATUS", "NO_STATUS"), ("DUE_ON", "2026-13-01")):
        held = [value, someone] if field != "KEY" else [someone, value, someone]
        tag = "team_id,number" if field == "KEY" else field.lower()
        assert (await refused_page(app, sample_tasks, after=make_cursor(tag, *held), orderBy=[{"field": field}]))[
            0
        ] == "CURSOR_INVALID"


async def test_lists_below_a_project_a_task_and_a_person_are_pages_of_the_same_kind(app: App, sample_tasks: SampleTasks) -> None:
    nested = """
      query ($project: ID!, $task: ID!, $user: ID!, $after: String) {
        project(id: $project) { tasks(first: 5, after: $after, orderBy: [{field: DUE_ON, direction: DESC}]) { ...page } }
        task(id: $task) { subtasks(first: 5) { ...page } }
        user(id: $user) { assignedTasks(first: 5, filter: {status: {in: [DONE]}}) { ...page } }
      }
      fragment page on TaskConnection { totalCount nodes { id } pageInfo { endCursor hasNextPage } }
    """
    (project_id, *_), (parent, *_), (_, mate, *_) = (
        sample_tasks.ids["Project"],
        sample_tasks.ids["Task"],
        sample_tasks.ids["User"],
    )
    there = [row for row in sample_tasks.rows if row["deleted_at"] is None]
    below = sorted_ids(
        [row for row in there if row["project_id"] == sample_tasks.team.project.id], [{"field": "DUE_ON", "direction": "DESC"}]
    )
    parts = sorted_ids([row for row in there if row["parent_id"] is not None], [{"field": "RANK", "direction": "ASC"}])
    finished = [row for row in there if row["assignee_user_id"] == sample_tasks.team.mate.user.id and row["status"] == "DONE"]
    assigned = sorted_ids(finished, [{"field": "CREATED_AT", "direction": "DESC"}])
    variables = {"project": project_id, "task": parent, "user": mate}
    data = await app.run(sample_tasks.team.member, nested, **variables)
    pages = (data["project"]["tasks"], data["task"]["subtasks"], data["user"]["assignedTasks"])
    for got, expected in zip(pages, (below, parts, assigned), strict=True):
        assert [each["id"] for each in got["nodes"]] == expected[:5]
        assert (got["totalCount"], got["pageInfo"]["hasNextPage"]) == (len(expected), len(expected) > 5)
    after = data["project"]["tasks"]["pageInfo"]["endCursor"]
    onwards = await app.run(sample_tasks.team.member, nested, **variables, after=after)
    assert [each["id"] for each in onwards["project"]["tasks"]["nodes"]] == below[5:10]
    answer = await app.execute(sample_tasks.team.outsider, nested, actor=None, **variables)
    assert answer["data"] == {"project": None, "task": None, "user": None}


async def test_the_tasks_of_a_deleted_project_are_in_no_list(app: App, sample_tasks: SampleTasks) -> None:
    gone = await create_project(app, sample_tasks.team, "Gone")
    row = await mutate_ok(
        app, sample_tasks.team.mate, "taskCreate", projectId=gone, title="Gone", assigneeId=sample_tasks.team.member.id
    )
    by_id = {"id": {"eq": row["id"]}}
    assert (await tasks_page(app, sample_tasks, filter=by_id))["totalCount"] == 1
    await mutate_ok(app, sample_tasks.team.owner, "projectDelete", id=gone)
    assert (await tasks_page(app, sample_tasks, filter=by_id | {"includeDeleted": True}))["totalCount"] == 0
    mine = await app.run(sample_tasks.team.member, "{ viewer { assignedTasks { nodes { id } } } }")
    assert ids.encode("Task", sample_tasks.rows[0]["id"]) != row["id"]
    assert row["id"] not in [each["id"] for each in mine["viewer"]["assignedTasks"]["nodes"]]
