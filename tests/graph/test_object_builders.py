"""What programs read straight from rows, and what they still test."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest
from sqlalchemy import Enum

from domain.comment import Comment
from domain.document import Document
from domain.page import Order, Page, Paging
from domain.project import Project, ProjectStatus
from domain.task import Task, TaskStatus
from domain.team import Member, Team
from domain.user import User
from gateway.execution.compiled.leaf_serialization import needs_no_check
from gateway.execution.compiled.object_builders import ComputedColumn, LeafField, LookupColumn, ObjectBuilder, foreign_keys_in
from gateway.execution.executor import OperationRequest
from persistence import tables
from persistence.engine.pages import CURSOR, fetch_pages
from persistence.engine.rows import GLOBAL_ID, text_key
from persistence.stores.task_queries import PROJECT_TASKS
from persistence.stores.team import TEAM_MEMBERS
from resolvers import ids
from schema.root import bindings, schema
from tests.support.app import App
from tests.support.graph_actions import create_project, create_task
from tests.support.random_operations import OperationGenerator
from tests.support.sample_data import create_sample_data
from tests.support.teams import SampleTeam

TYPES = schema._schema.type_map


def _field(coordinate: str) -> Any:
    type_, name = coordinate.split(".")
    return TYPES[type_].fields[name].type  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("coordinate", "kind", "as_it_is"),
    [
        ("Task.title", str, True),
        ("Task.title", str | None, False),  # a null there is an error, and must be noticed
        ("Task.description", str | None, True),
        ("Task.title", int, False),
        ("Task.status", TaskStatus, True),
        ("Task.status", ProjectStatus, False),
        ("Task.status", str, False),
        ("Task.updatedAt", datetime, True),
        ("Task.completedAt", datetime | None, True),
        ("Task.updatedAt", datetime | None, False),
        ("Task.dueOn", date | None, True),
        ("Task.dueOn", datetime | None, False),
        ("Task.version", int, False),  # 64 bits may be too many
        ("Task.estimate", float | None, False),
        ("Task.isOverdue", bool, True),
        ("User.firstName", UUID, False),
    ],
)
def test_only_columns_that_can_hold_nothing_else_are_trusted(coordinate: str, kind: Any, as_it_is: bool) -> None:
    assert needs_no_check(_field(coordinate), kind) is as_it_is


@pytest.mark.parametrize(
    ("cls", "table"),
    [
        (Task, tables.tasks),
        (Project, tables.projects),
        (User, tables.users),
        (Team, tables.teams),
        (Comment, tables.comments),
        (Document, tables.documents),
    ],
)
def test_what_dataclasses_say_of_their_columns_postgres_holds_them_to(cls: Any, table: Any) -> None:
    assert is_dataclass(cls)
    hints = get_type_hints(cls)
    for name in (field.name for field in fields(cls)):
        kind = hints[name]
        optional = type(None) in get_args(kind)
        (own,) = [each for each in get_args(kind) or (kind,) if each is not type(None)][:1]
        column = table.c[name]
        assert optional or not column.nullable or name in ("team_id", "project_id"), name
        if isinstance(own, type) and issubclass(own, StrEnum):
            assert isinstance(column.type, Enum), name
            assert column.type.enums == [each.value for each in own]


async def _rows(app: App, team: SampleTeam, required: frozenset[str] | None) -> list[Any]:
    viewer, parents = team.member.user.id, [ids.decode(team.project_id, "Project")]
    (page,) = await fetch_pages(app.resources.database, PROJECT_TASKS, parents, Paging(), viewer=viewer, attributes=required)
    return list(page.nodes)


async def test_objects_that_came_different_ways_are_reported_the_same(app: App, team: SampleTeam) -> None:
    made = await create_task(app, team, "One", assigneeId=team.mate.id)
    await create_task(app, team, "Two")
    attributes = frozenset({"title", "status", "updated_at", GLOBAL_ID, text_key("assignee_id")})
    (lean, lean_two), (full, full_two) = await _rows(app, team, attributes), await _rows(app, team, None)
    whole = Task(**{name: getattr(full, name) for name in (field.name for field in fields(Task))})
    mate = team.mate.user.id

    reads = {"id": "id", "title": "title", "status": "status", "updatedAt": "updated_at"}
    entries: list[Any] = [("__typename", "'Task'")]
    entries += [(key, LeafField(_field(f"Task.{key}"), bindings[f"Task.{key}"], name)) for key, name in reads.items()]
    display = ObjectBuilder("tasks", [*entries, ("place", ComputedColumn(1)), ("assignee", LookupColumn(2, "assignee_id"))])
    objects = [lean, None, full, whole, lean_two, full_two]
    names = foreign_keys_in([lean, full, whole, lean_two], "assignee_id")
    assert {str(name) for name in names} == {str(mate), "None"}
    results = display(objects, list(range(6)), {str(mate): "mate", mate: "mate", None: None})

    expected = {"__typename": "Task", "id": made["id"], "title": "One", "status": "TODO", "updatedAt": full.updated_at}
    assert results[:4] == [expected | {"place": 0, "assignee": "mate"}, None] + [
        expected | {"place": place, "assignee": "mate"} for place in (2, 3)
    ]
    assert [(each["title"], each["place"], each["assignee"]) for each in results[4:]] == [("Two", 4, None), ("Two", 5, None)]
    assert "o.title" not in display.sources[type(lean)]
    assert "o.title" in display.sources[Task]


async def test_a_page_holds_no_more_than_was_asked_for(app: App, team: SampleTeam) -> None:
    for title in ("One", "Two", "Three"):
        await create_task(app, team, title)
    other = await create_project(app, team, "Empty")
    viewer, parents = team.member.user.id, [ids.decode(each, "Project") for each in (other, team.project_id)]

    async def read(wanted: frozenset[str] | None, paging: Paging) -> list[Page[Any]]:
        return await fetch_pages(app.resources.database, PROJECT_TASKS, parents, paging, viewer=viewer, attributes=wanted)

    for wanted in (frozenset({"title"}), frozenset({"title", CURSOR}), frozenset[str](), None):
        empty, page = await read(wanted, Paging(first=2))
        assert (empty.nodes, len(page.nodes)) == ([], 2)
        _, last = await read(wanted, Paging(last=2))
        assert wanted == frozenset() or [each.title for each in last.nodes] == ["Two", "Three"]
    _, page = await read(frozenset({"title"}), Paging(first=2))
    assert len(page.nodes[0]) == 2  # the title, and the place of its parent: no id, no rank
    _, page = await read(frozenset({CURSOR}), Paging(first=2))
    assert (page.page_info.has_next_page, page.page_info.end_cursor) == (True, page.edges[1].cursor)


async def test_members_are_sorted_by_name_also_where_nobody_asks_for_cursors(app: App, team: SampleTeam) -> None:
    (page,) = await fetch_pages(
        app.resources.database,
        TEAM_MEMBERS,
        [ids.decode(team.team_id, "Team")],
        Paging(),
        viewer=team.member.user.id,
        order=[Order("NAME")],
        attributes=frozenset({"first_name", "last_name", GLOBAL_ID}),
    )
    names = [f"{each.first_name} {each.last_name}".lower() for each in page.nodes]
    assert names == sorted(names)
    assert team.mate.id in [each[each.places[GLOBAL_ID].column] for each in page.nodes]
    assert Member.type_name == "User"


@pytest.mark.parametrize("operations", [60, pytest.param(300, marks=pytest.mark.long)])
async def test_no_program_misses_what_it_did_not_fetch(app: App, team: SampleTeam, operations: int) -> None:
    known = await create_sample_data(app, team)
    before = app.executor.execution_counts.copy()
    for seed in range(operations):
        made = OperationGenerator(schema._schema, known, ["Task 1", "mate", ""], seed).query()
        await app.executor.execute(OperationRequest(query=made.query, variables=made.variables), app.context(team.member))
    counted = app.executor.execution_counts - before
    assert counted["compiled"] > operations // 2
    expected = {"fallback: MultipleErrors"}  # of the domain: several bad ids in one input
    assert {reason for reason in counted if "Error" in reason} <= expected, counted


@pytest.mark.parametrize("asked", ["edges { node { title } }", "pageInfo { hasNextPage }", "totalCount", "nodes { __typename }"])
async def test_every_way_to_ask_for_a_page_is_compiled(app: App, team: SampleTeam, asked: str) -> None:
    await create_task(app, team, "One")
    before = app.executor.execution_counts["compiled"]
    await app.run(team.member, f"query ($id: ID!) {{ project(id: $id) {{ tasks {{ {asked} }} }} }}", id=team.project_id)
    assert app.executor.execution_counts["compiled"] == before + 1


async def test_the_generated_code_can_be_read(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "One", assigneeId=team.mate.id)
    text = "query ($id: ID!) { project(id: $id) { tasks { nodes { title assignee { firstName } } } } }"
    await app.run(team.member, text, id=team.project_id)
    prepared = app.executor.prepare(OperationRequest(query=text, variables={"id": team.project_id}))
    source = app.executor.programs._get_or_compile(prepared.operation, {}).source  # type: ignore[union-attr]
    written = source[source.index("def objects") :]
    assert "# TaskRow\n    return [{'title': o[0], 'assignee': r1[o[1]]} for o in K]" in written
    compile(source, "<all of it>", "exec")
