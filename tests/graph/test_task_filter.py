"""Filters of tasks, against a reference in Python."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.task import TaskPriority, TaskStatus
from tests.app import App
from tests.graph.crowd import DAYS, INSTANTS, TITLES, Crowd, gather, holds, in_order, page, refused, same_every_time


@pytest.fixture(scope="module")
async def crowd(app: App) -> Crowd:
    """The same tasks for every example."""
    return await gather(app)


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
        st.fixed_dictionaries({name: values})
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


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return one | other


def nested(inner: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    """A filter of one field, and perhaps of further filters."""
    more = st.one_of(
        st.lists(inner, max_size=2).map(lambda held: {"and": held}),
        st.lists(inner, max_size=3).map(lambda held: {"or": held}),
        inner.map(lambda held: {"not": held}),
    )
    return st.one_of(single, more, st.builds(_merged, single, more))


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
@given(
    drawn=filters, deleted=st.sampled_from([{}, {"includeDeleted": True}, {"includeDeleted": False}, {"includeDeleted": None}])
)
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
    nothings: list[Any] = [None, {}, {"title": None, "and": None, "not": None, "isBlocked": None}, {"and": []}, {"and": [{}]}]
    for nothing in nothings:
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
