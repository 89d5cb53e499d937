"""Lists of tasks: filters, orders and pages, each against a reference in Python."""

import base64
import json
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.task import TaskPriority, TaskStatus
from schema import ids
from tests.app import App
from tests.graph.crowd import DAYS, INSTANTS, SORTS, TITLES, Crowd, gather, holds, in_order
from tests.work import done, project

LIST = """
query ($first: Int, $after: String, $last: Int, $before: String, $filter: TaskFilter, $orderBy: [TaskOrder!]) {
  tasks(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    nodes { id } edges { cursor node { id } } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
same_every_time = settings(
    derandomize=True, deadline=None, database=None, max_examples=100, phases=[Phase.generate, Phase.shrink]
)


@pytest.fixture(scope="module")
async def crowd(app: App) -> Crowd:
    """The same tasks for every example."""
    return await gather(app)


async def page(app: App, crowd: Crowd, **asked: Any) -> Any:
    """One page of all the tasks that the member sees."""
    return (await app.run(crowd.team.member, LIST, **asked))["tasks"]


async def refused(app: App, crowd: Crowd, **asked: Any) -> tuple[str, Any]:
    """Code and path of the error that a page is answered with."""
    answer = await app.answer(crowd.team.member, LIST, **asked)
    (error,) = answer["errors"]
    assert answer.get("data") in (None, {"tasks": None})
    return error["extensions"]["code"], error["extensions"].get("path")


# ── filters ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def some(**operators: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """A filter of one field with some of its operators, each with a value."""
    return st.fixed_dictionaries({}, optional={name.rstrip("_"): values for name, values in operators.items()})


def by_id(type_name: str) -> SearchStrategy[dict[str, Any]]:
    """A filter by ids, which are named by their place in the crowd until there is one."""
    one = st.sampled_from([f"{type_name} {place}" for place in range(3)])
    return some(eq=one, in_=st.lists(one, max_size=3), isNull=st.booleans())


def by_enum(members: Any) -> SearchStrategy[dict[str, Any]]:
    """A filter by status or priority."""
    one = st.sampled_from([each.value for each in members])
    return some(eq=one, in_=st.lists(one, max_size=3), notIn=st.lists(one, max_size=3))


text = st.sampled_from([*TITLES, "alpha", "BET", "ü", "%", "_", "語", "nowhere"])
day = st.sampled_from([*(each for each in DAYS if each), "2026-06-14", "0001-01-01", "9999-12-31"])
instant = st.sampled_from([*(each.isoformat() for each in INSTANTS), "2026-01-01T03:00:00+02:00", "1970-01-01T00:00:00Z"])
by_instant = some(before=instant, after=instant, isNull=st.booleans())
single: SearchStrategy[dict[str, Any]] = st.one_of(
    *(
        values.map(lambda held, name=name: {name: held})
        for name, values in {
            "id": by_id("Task"),
            "project": by_id("Project"),
            "assignee": by_id("User"),
            "creator": by_id("User"),
            "parent": by_id("Task"),
            "title": some(eq=text, in_=st.lists(text, max_size=3), contains=text, startsWith=text),
            "status": by_enum(TaskStatus),
            "priority": by_enum(TaskPriority),
            "labels": by_id("Label"),
            "dueOn": some(eq=day, before=day, after=day, isNull=st.booleans()),
            "createdAt": by_instant,
            "updatedAt": by_instant,
            "isBlocked": st.booleans(),
        }.items()
    )
)


def nested(inner: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    """A filter of one field, and perhaps of further filters."""
    more = st.one_of(
        st.lists(inner, max_size=2).map(lambda held: {"and": held}),
        st.lists(inner, max_size=3).map(lambda held: {"or": held}),
        inner.map(lambda held: {"not": held}),
    )
    return st.one_of(single, more, st.builds(lambda one, other: one | other, single, more))


filters = nested(nested(nested(single)))


def in_crowd(crowd: Crowd, held: Any) -> Any:
    """A filter with the ids of the crowd."""
    match held:
        case dict():
            return {name: in_crowd(crowd, each) for name, each in held.items()}
        case list():
            return [in_crowd(crowd, each) for each in held]
        case str() if (name := held.partition(" ")[0]) in crowd.ids and held[-1].isdigit():
            return crowd.ids[name][int(held[-1])]
        case _:
            return held


@same_every_time
@given(drawn=filters, deleted=st.sampled_from([{}, {"includeDeleted": True}, {"includeDeleted": False}, {"includeDeleted": None}]))
async def test_a_filter_lets_through_what_it_says(app: App, crowd: Crowd, drawn: Any, deleted: dict[str, Any]) -> None:
    asked = in_crowd(crowd, drawn)
    rows = [row for row in crowd.rows if row["deleted_at"] is None or deleted.get("includeDeleted")]
    expected = in_order([row for row in rows if holds(asked, row)], [{"field": "RANK", "direction": "ASC"}])
    found = await page(app, crowd, filter=asked | deleted, orderBy=[{"field": "RANK"}], first=100)
    assert [each["id"] for each in found["nodes"]] == expected
    assert found["totalCount"] == len(expected)


async def test_a_null_filter_is_none_and_a_null_value_is_refused(app: App, crowd: Crowd) -> None:
    everything = await page(app, crowd, first=100)
    assert everything["totalCount"] == 27
    for nothing in (None, {}, {"title": None, "and": None, "not": None, "isBlocked": None}, {"and": []}, {"and": [{}]}):
        assert await page(app, crowd, first=100, filter=nothing) == everything
    assert (await page(app, crowd, first=100, filter={"or": []}))["totalCount"] == 0
    for empty in ({"assignee": {"eq": None}}, {"title": {"contains": None}}, {"dueOn": {"isNull": None}}):
        code, path = await refused(app, crowd, filter=empty)
        assert (code, path[0]) == ("BAD_USER_INPUT", "filter")


async def test_a_filter_nests_three_deep_and_has_an_end(app: App, crowd: Crowd) -> None:
    three = {"not": {"or": [{"and": [{"isBlocked": True}]}]}}
    assert (await page(app, crowd, filter=three))["totalCount"] > 0
    for name, held in (("not", three), ("and", [three]), ("or", [{}, three])):
        assert await refused(app, crowd, filter={name: held}) == ("BAD_USER_INPUT", ["filter"])
    wide = {"or": [{"isBlocked": True}] * 101}
    assert await refused(app, crowd, filter=wide) == ("BAD_USER_INPUT", ["filter"])
    assert await refused(app, crowd, filter={"or": [{}] * 1001}) == ("BAD_USER_INPUT", ["filter"])


async def test_a_filter_names_at_most_a_hundred_objects_of_the_right_type(app: App, crowd: Crowd) -> None:
    (one, *_), (person, *_) = crowd.ids["Task"], crowd.ids["User"]
    assert (await page(app, crowd, filter={"id": {"in": [one] * 100}}))["totalCount"] == 1
    assert await refused(app, crowd, filter={"id": {"in": [one] * 101}}) == ("BAD_USER_INPUT", ["filter", "id"])
    assert await refused(app, crowd, filter={"id": {"eq": person}}) == ("BAD_USER_INPUT", ["filter", "id"])
    assert await refused(app, crowd, filter={"assignee": {"in": [person, "x"]}}) == ("BAD_USER_INPUT", ["filter", "assignee"])


# ── orders and pages ──────────────────────────────────────────────────────────────────────────────────────────────────

orders = st.lists(
    st.fixed_dictionaries({"field": st.sampled_from(sorted(SORTS)), "direction": st.sampled_from(["ASC", "DESC"])}),
    min_size=1,
    max_size=4,
)


async def walk(app: App, crowd: Crowd, size: int, *, backwards: bool, **asked: Any) -> list[str]:
    """All ids of a list, page by page, and every promise that a page makes on the way."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        paging = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        got = await page(app, crowd, **paging, **asked)
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


@same_every_time
@given(order=orders, size=st.integers(4, 30), backwards=st.booleans())
async def test_pages_in_any_order_neither_repeat_nor_skip(
    app: App, crowd: Crowd, order: list[dict[str, str]], size: int, backwards: bool
) -> None:
    expected = in_order([row for row in crowd.rows if row["deleted_at"] is None], order)
    assert await walk(app, crowd, size, backwards=backwards, orderBy=order) == expected


@pytest.mark.parametrize("field", sorted(SORTS))
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("backwards", [False, True])
async def test_every_order_is_walked_one_by_one(app: App, crowd: Crowd, field: str, direction: str, backwards: bool) -> None:
    order = [{"field": field, "direction": direction}]
    expected = in_order([row for row in crowd.rows if row["deleted_at"] is None], order)
    assert await walk(app, crowd, 1, backwards=backwards, orderBy=order) == expected


async def test_a_list_is_sorted_by_four_fields_at_most(app: App, crowd: Crowd) -> None:
    assert await refused(app, crowd, orderBy=[{"field": "RANK"}] * 5) == ("BAD_USER_INPUT", ["orderBy"])


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
    app: App, crowd: Crowd, paging: dict[str, Any], code: str, path: list[str]
) -> None:
    assert await refused(app, crowd, **paging) == (code, path)


async def test_a_page_of_nothing_still_knows_whether_there_is_more(app: App, crowd: Crowd) -> None:
    got = await page(app, crowd, first=0)
    assert got == {
        "nodes": [],
        "edges": [],
        "totalCount": 27,
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }
    nobody = await page(app, crowd, first=0, filter={"title": {"eq": "nowhere"}})
    assert (nobody["totalCount"], nobody["pageInfo"]["hasNextPage"]) == (0, False)


def sealed(*parts: Any) -> str:
    """A cursor that looks like one."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


async def test_a_cursor_of_another_order_or_list_or_of_nobody_is_refused(app: App, crowd: Crowd) -> None:
    own = (await page(app, crowd, first=1))["pageInfo"]["endCursor"]
    someone = str(crowd.rows[0]["id"])
    garbage = ["", " ", "x", "====", own[:-3], own + own, "é", sealed(), sealed(1), sealed("-created_at", "now", someone)]
    for value in (None, 5, [], {}, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01", "2026-01-01T00:00:00"):
        garbage.append(sealed("-created_at", value, someone))
    garbage += [sealed("-created_at", "2026-01-01T00:00:00Z", each) for each in (None, 7, "x", "\u0000")]
    assert await refused(app, crowd, after=own, orderBy=[{"field": "TITLE"}]) == ("CURSOR_INVALID", None)
    assert await refused(app, crowd, after=own, orderBy=[{"field": "CREATED_AT", "direction": "ASC"}]) == ("CURSOR_INVALID", None)
    for cursor in garbage:
        assert (cursor, await refused(app, crowd, after=cursor)) == (cursor, ("CURSOR_INVALID", None))
        assert (cursor, await refused(app, crowd, before=cursor, last=3)) == (cursor, ("CURSOR_INVALID", None))
    for field, value in (("KEY", 2**31), ("TITLE", "\ud800"), ("TITLE", "\0"), ("STATUS", "NO_STATUS"), ("DUE_ON", "2026-13-01")):
        held = [value, someone] if field != "KEY" else [someone, value, someone]
        tag = "team_id,number" if field == "KEY" else field.lower()
        assert (await refused(app, crowd, after=sealed(tag, *held), orderBy=[{"field": field}]))[0] == "CURSOR_INVALID"


# ── the other lists ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_lists_below_a_project_a_task_and_a_person_are_pages_of_the_same_kind(app: App, crowd: Crowd) -> None:
    nested = """
      query ($project: ID!, $task: ID!, $user: ID!, $after: String) {
        project(id: $project) { tasks(first: 5, after: $after, orderBy: [{field: DUE_ON, direction: DESC}]) { ...page } }
        task(id: $task) { subtasks(first: 5) { ...page } }
        user(id: $user) { assignedTasks(first: 5, filter: {status: {in: [DONE]}}) { ...page } }
      }
      fragment page on TaskConnection { totalCount nodes { id } pageInfo { endCursor hasNextPage } }
    """
    (project_id, *_), (parent, *_), (_, mate, *_) = crowd.ids["Project"], crowd.ids["Task"], crowd.ids["User"]
    there = [row for row in crowd.rows if row["deleted_at"] is None]
    below = in_order([row for row in there if row["project_id"] == crowd.team.project.id], [{"field": "DUE_ON", "direction": "DESC"}])
    parts = in_order([row for row in there if row["parent_id"] is not None], [{"field": "RANK", "direction": "ASC"}])
    finished = [row for row in there if row["assignee_user_id"] == crowd.team.mate.user.id and row["status"] == "DONE"]
    assigned = in_order(finished, [{"field": "CREATED_AT", "direction": "DESC"}])
    variables = {"project": project_id, "task": parent, "user": mate}
    data = await app.run(crowd.team.member, nested, **variables)
    pages = (data["project"]["tasks"], data["task"]["subtasks"], data["user"]["assignedTasks"])
    for got, expected in zip(pages, (below, parts, assigned), strict=True):
        assert [each["id"] for each in got["nodes"]] == expected[:5]
        assert (got["totalCount"], got["pageInfo"]["hasNextPage"]) == (len(expected), len(expected) > 5)
    after = data["project"]["tasks"]["pageInfo"]["endCursor"]
    onwards = await app.run(crowd.team.member, nested, **variables, after=after)
    assert [each["id"] for each in onwards["project"]["tasks"]["nodes"]] == below[5:10]
    answer = await app.answer(crowd.team.outsider, nested, **variables)
    assert answer["data"] == {"project": None, "task": None, "user": None}


async def test_the_tasks_of_a_deleted_project_are_in_no_list(app: App, crowd: Crowd) -> None:
    gone = await project(app, crowd.team, "Gone")
    row = await done(app, crowd.team.mate, "taskCreate", projectId=gone, title="Gone", assigneeId=crowd.team.member.id)
    by_id = {"id": {"eq": row["id"]}}
    assert (await page(app, crowd, filter=by_id))["totalCount"] == 1
    await done(app, crowd.team.owner, "projectDelete", id=gone)
    assert (await page(app, crowd, filter=by_id | {"includeDeleted": True}))["totalCount"] == 0
    mine = await app.run(crowd.team.member, "{ viewer { assignedTasks { nodes { id } } } }")
    assert ids.encode("Task", crowd.rows[0]["id"]) != row["id"]
    assert row["id"] not in [each["id"] for each in mine["viewer"]["assignedTasks"]["nodes"]]
