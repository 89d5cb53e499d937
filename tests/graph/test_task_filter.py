"""Filters of tasks, against a reference in Python."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.task import TaskPriority, TaskStatus
from tests.support.app import App
from tests.support.examples import examples
from tests.support.sample_tasks import (
    DAYS,
    INSTANTS,
    TITLES,
    SampleTasks,
    create_sample_tasks,
    deterministic,
    matches,
    refused_page,
    sorted_ids,
    tasks_page,
)


@pytest.fixture(scope="module")
async def sample_tasks(app: App) -> SampleTasks:
    """The same tasks for every example."""
    return await create_sample_tasks(app)


def field_filter(**operators: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """A filter of one field with some of its operators, each with a value."""
    return st.fixed_dictionaries({}, optional={name.rstrip("_"): values for name, values in operators.items()})


def id_filter(type_name: str) -> SearchStrategy[dict[str, Any]]:
    """A filter by ids, which are named by their place in the crowd until there is one."""
    one = st.sampled_from([f"{type_name} {place}" for place in range(3)])
    return field_filter(eq=one, in_=st.lists(one, max_size=3), isNull=st.booleans())


def enum_filter(members: Any) -> SearchStrategy[dict[str, Any]]:
    """A filter by status or priority."""
    one = st.sampled_from([each.value for each in members])
    return field_filter(eq=one, in_=st.lists(one, max_size=3), notIn=st.lists(one, max_size=3))


text = st.sampled_from(
    [*TITLES, "alpha", "BET", " ü", "u\u0308ber", "straße", "ÉCOLE", "ｂｅｔ", "%", "_", "語", "🚀", "\u200b", "nowhere"]
)
day = st.sampled_from([*(each for each in DAYS if each), "2026-06-14", "0001-01-01", "9999-12-31"])
instant = st.sampled_from([*(each.isoformat() for each in INSTANTS), "2026-01-01T03:00:00+02:00", "1970-01-01T00:00:00Z"])
instant_filter = field_filter(before=instant, after=instant, isNull=st.booleans())
single_filters: SearchStrategy[dict[str, Any]] = st.one_of(
    *(
        st.fixed_dictionaries({name: values})
        for name, values in {
            "id": id_filter("Task"),
            "project": id_filter("Project"),
            "assignee": id_filter("User"),
            "creator": id_filter("User"),
            "parent": id_filter("Task"),
            "title": field_filter(eq=text, in_=st.lists(text, max_size=3), contains=text, startsWith=text),
            "status": enum_filter(TaskStatus),
            "priority": enum_filter(TaskPriority),
            "labels": id_filter("Label"),
            "dueOn": field_filter(eq=day, before=day, after=day, isNull=st.booleans()),
            "createdAt": instant_filter,
            "updatedAt": instant_filter,
            "isBlocked": st.booleans(),
        }.items()
    )
)


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return one | other


def nested_filters(inner: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    """A filter of one field, and perhaps of further filters."""
    more = st.one_of(
        st.lists(inner, max_size=2).map(lambda held: {"and": held}),
        st.lists(inner, max_size=3).map(lambda held: {"or": held}),
        inner.map(lambda held: {"not": held}),
    )
    return st.one_of(single_filters, more, st.builds(_merged, single_filters, more))


filters = nested_filters(nested_filters(nested_filters(single_filters)))


def with_sample_ids(sample: SampleTasks, condition: Any) -> Any:
    """A filter with the ids of the crowd."""
    match condition:
        case dict():
            return {name: with_sample_ids(sample, each) for name, each in condition.items()}
        case list():
            return [with_sample_ids(sample, each) for each in condition]
        case str() if (name := condition.partition(" ")[0]) in sample.ids and condition[-1].isdigit():
            return sample.ids[name][int(condition[-1])]
        case _:
            return condition


@examples(50, many=100, like=deterministic)
@given(
    drawn=filters, deleted=st.sampled_from([{}, {"includeDeleted": True}, {"includeDeleted": False}, {"includeDeleted": None}])
)
async def test_a_filter_lets_through_what_it_says(
    app: App, sample_tasks: SampleTasks, drawn: Any, deleted: dict[str, Any]
) -> None:
    asked = with_sample_ids(sample_tasks, drawn)
    rows = [row for row in sample_tasks.rows if row["deleted_at"] is None or deleted.get("includeDeleted")]
    expected = sorted_ids([row for row in rows if matches(asked, row)], [{"field": "RANK", "direction": "ASC"}])
    found = await tasks_page(app, sample_tasks, filter=asked | deleted, orderBy=[{"field": "RANK"}], first=100)
    assert [each["id"] for each in found["nodes"]] == expected
    assert found["totalCount"] == len(expected)


async def test_a_null_filter_is_none_and_a_null_value_is_refused(app: App, sample_tasks: SampleTasks) -> None:
    everything = await tasks_page(app, sample_tasks, first=100)
    assert everything["totalCount"] == 27
    nothings: list[Any] = [None, {}, {"title": None, "and": None, "not": None, "isBlocked": None}, {"and": []}, {"and": [{}]}]
    for nothing in nothings:
        assert await tasks_page(app, sample_tasks, first=100, filter=nothing) == everything
    assert (await tasks_page(app, sample_tasks, first=100, filter={"or": []}))["totalCount"] == 0
    for empty in ({"assignee": {"eq": None}}, {"title": {"contains": None}}, {"dueOn": {"isNull": None}}):
        code, path = await refused_page(app, sample_tasks, filter=empty)
        assert (code, path[0]) == ("BAD_USER_INPUT", "filter")


async def test_a_filter_nests_three_deep_and_has_an_end(app: App, sample_tasks: SampleTasks) -> None:
    three = {"not": {"or": [{"and": [{"isBlocked": True}]}]}}
    assert (await tasks_page(app, sample_tasks, filter=three))["totalCount"] > 0
    for name, held in (("not", three), ("and", [three]), ("or", [{}, three])):
        assert await refused_page(app, sample_tasks, filter={name: held}) == ("BAD_USER_INPUT", ["filter"])
    wide = {"or": [{"isBlocked": True}] * 101}
    assert await refused_page(app, sample_tasks, filter=wide) == ("BAD_USER_INPUT", ["filter"])
    assert await refused_page(app, sample_tasks, filter={"or": [{}] * 1001}) == ("BAD_USER_INPUT", ["filter"])


async def test_a_filter_names_at_most_a_hundred_objects_of_the_right_type(app: App, sample_tasks: SampleTasks) -> None:
    (one, *_), (person, *_) = sample_tasks.ids["Task"], sample_tasks.ids["User"]
    assert (await tasks_page(app, sample_tasks, filter={"id": {"in": [one] * 100}}))["totalCount"] == 1
    assert await refused_page(app, sample_tasks, filter={"id": {"in": [one] * 101}}) == ("BAD_USER_INPUT", ["filter", "id"])
    assert await refused_page(app, sample_tasks, filter={"id": {"eq": person}}) == ("BAD_USER_INPUT", ["filter", "id"])
    assert await refused_page(app, sample_tasks, filter={"assignee": {"in": [person, "x"]}}) == (
        "BAD_USER_INPUT",
        ["filter", "assignee"],
    )
