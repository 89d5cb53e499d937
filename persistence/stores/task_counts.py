"""Reads the kept numbers of tasks, counts them anew, and verifies them (`persistence.events.task_counts` moves them), and with
them which tasks are blocked (`persistence.stores.blocked_tasks`)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    column,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from domain.task import TaskStatus
from persistence.access import any_id, project_visible, visible_projects
from persistence.engine.database import Connection, Database
from persistence.engine.filter import Shape
from persistence.engine.pages import KeptCount
from persistence.engine.statement import Statement
from persistence.events.task_counts import STATUS_COLUMNS, is_open_status, status_literal
from persistence.stores import blocked_tasks
from persistence.tables import open_task_counts, projects, task_counts, tasks

_c, _o, _t = task_counts, open_task_counts, tasks
StatusCounts = dict[UUID, list[tuple[str, int, int]]]


_today = func.timezone(literal_column("'UTC'"), func.now()).cast(Date)
_overdue = select(func.coalesce(func.sum(_o.c.tasks), literal_column("0"))).where(
    _o.c.project_id == _c.c.project_id, _o.c.due_on < _today
)
_PROGRESS = Statement(
    select(_c.c.project_id, _overdue.scalar_subquery(), *STATUS_COLUMNS.values()).where(
        _c.c.project_id == any_id(), project_visible(_c.c.project_id, by_id=True)
    )
)

_STATUSES = bindparam("statuses", type_=ARRAY(Text))


def _total() -> ColumnElement[Any]:
    """The tasks of a project with one of the statuses."""
    zero = literal_column("0", Integer)
    named = [case((status_literal(status) == func.any(_STATUSES), each), else_=zero) for status, each in STATUS_COLUMNS.items()]
    total: ColumnElement[Any] = zero
    for each in named:
        total += each
    return total


_parent = func.unnest(bindparam("parents", type_=ARRAY(Uuid))).table_valued(column("id", Uuid)).render_derived(name="parent")
_TOTALS_OF_PROJECTS = Statement(
    select(_parent.c.id, _total())
    .select_from(_parent.join(_c, _c.c.project_id == _parent.c.id))
    .where(project_visible(_parent.c.id, by_id=True))
)
_TOTAL_VISIBLE = Statement(
    select(func.coalesce(func.sum(_total()), literal_column("0"))).where(_c.c.project_id == visible_projects())
)


def kept_rows(project_ids: CTE) -> Select[Any]:
    """The tasks of these projects, a CTE of their ids, without deleted ones."""
    every: ColumnElement[Any] = sum(STATUS_COLUMNS.values(), start=literal_column("0", Integer))
    return select(func.sum(every)).select_from(project_ids.join(_c, _c.c.project_id == project_ids.c.id))


def _kept_statuses(shape: Shape, given: Mapping[str, Any]) -> list[str] | None:
    """The statuses that a filter lets through, where it excludes deleted tasks and asks for nothing else; else None."""
    statuses = frozenset(TaskStatus)
    parts = shape[1:] if shape[0] == "and" else (shape,)
    for part in parts:
        match part:
            case ("status", "eq", name):
                statuses &= {given[name]}
            case ("status", "in", name):
                statuses &= frozenset(given[name])
            case ("status", "not_in", name):
                statuses -= frozenset(given[name])
            case ("deleted_at", "is_null", True):
                pass
            case _:
                return None
    return sorted(statuses) if ("deleted_at", "is_null", True) in parts else None


def total_of_projects(shape: Shape, given: Mapping[str, Any]) -> KeptCount | None:
    """How to read the totals of projects' lists of tasks."""
    statuses = _kept_statuses(shape, given)
    return None if statuses is None else KeptCount(_TOTALS_OF_PROJECTS, {"statuses": statuses})


def total_visible(shape: Shape, given: Mapping[str, Any]) -> KeptCount | None:
    """How to read the total of all tasks that the viewer may see."""
    statuses = _kept_statuses(shape, given)
    return None if statuses is None else KeptCount(_TOTAL_VISIBLE, {"statuses": statuses})


async def project_progress(database: Database, viewer: UUID, project_ids: Sequence[UUID]) -> StatusCounts:
    """Of those of the projects that the viewer may see, by status, in the order of the board: how many tasks, and, with the
    first status, how many of all are overdue."""
    found: StatusCounts = {}
    for row in await database.fetch(_PROGRESS, ids=list(project_ids), viewer=viewer):
        counted = zip(STATUS_COLUMNS, row[2 : 2 + len(STATUS_COLUMNS)], strict=True)
        kept = [(status, tasks) for status, tasks in counted if tasks]
        found[row[0]] = [(status.value, tasks, 0 if nr else row[1]) for nr, (status, tasks) in enumerate(kept)]
    return found


_BATCH_PROJECTS: Final = 10  # a statement has five seconds
_counted = (
    select(
        _t.c.project_id,
        *(func.count().filter(_t.c.status == status_literal(status)).label(each.name) for status, each in STATUS_COLUMNS.items()),
    )
    .where(_t.c.project_id == any_id(), _t.c.deleted_at.is_(None))
    .group_by(_t.c.project_id)
)
_counted_days = (
    select(_t.c.project_id, _t.c.due_on, func.count().label("tasks"))
    .where(_t.c.project_id == any_id(), _t.c.deleted_at.is_(None), _t.c.due_on.is_not(None), is_open_status(_t.c.status))
    .group_by(_t.c.project_id, _t.c.due_on)
)
_PROJECTS_AFTER = Statement(
    select(projects.c.id)
    .where(projects.c.id > bindparam("after", type_=Uuid))
    .order_by(projects.c.id)
    .limit(literal_column(str(_BATCH_PROJECTS)))
)
_ADD_MISSING = Statement(
    insert(_c)
    .from_select(["project_id"], select(projects.c.id).where(projects.c.id == any_id()).order_by(projects.c.id))
    .on_conflict_do_nothing()
)
_LOCK = Statement(select(_c.c.project_id).where(_c.c.project_id == any_id()).order_by(_c.c.project_id).with_for_update())
_source = _counted.subquery("counted")
_zero: ColumnElement[int] = literal_column("0")
_each = (
    select(_c.c.project_id, *(func.coalesce(_source.c[each.name], _zero).label(each.name) for each in STATUS_COLUMNS.values()))
    .select_from(_c.outerjoin(_source, _source.c.project_id == _c.c.project_id))
    .where(_c.c.project_id == any_id())
)
_right = _each.subquery("right")
_SET = Statement(
    _c.update()
    .where(_c.c.project_id == _right.c.project_id)
    .values({each.name: _right.c[each.name] for each in STATUS_COLUMNS.values()})
)
_CLEAR_DAYS = Statement(_o.delete().where(_o.c.project_id == any_id()))
_SET_DAYS = Statement(insert(_o).from_select(["project_id", "due_on", "tasks"], _counted_days))


async def rebuild(database: Database) -> int:
    """Count all tasks anew; of how many projects. May run while others write."""
    rebuilt = 0
    async for ids in _projects(database):
        async with database.begin() as connection:
            await rebuild_projects(connection, ids)
        rebuilt += len(ids)
    return rebuilt


async def rebuild_projects(connection: Connection, project_ids: Sequence[UUID]) -> None:
    """Count the tasks of projects anew, and ask anew which of them are blocked.

    Their numbers are locked first. What is committed by then is counted, since each statement sees what was committed before it;
    whoever is still to write waits, and adds to what was counted.
    """
    for statement in (_ADD_MISSING, _LOCK, _SET, _CLEAR_DAYS, _SET_DAYS):
        await connection.execute(statement, ids=list(project_ids))
    await blocked_tasks.refresh(connection, [task_id for task_id, _ in await blocked_tasks.wrong_tasks(connection, project_ids)])


async def wrong_projects(database: Database) -> list[UUID]:
    """The projects whose numbers are not those of their tasks, all compared at one instant each, or whose tasks are blocked or
    not against what is stored."""
    wrong: list[UUID] = []
    async for ids in _projects(database):
        found = {row[0] for row in await database.fetch(_WRONG, ids=ids)}
        wrong += sorted(found | {project_id for _, project_id in await blocked_tasks.wrong_tasks(database, ids)})
    return wrong


async def _projects(database: Database) -> AsyncIterator[list[UUID]]:
    after = UUID(int=0)
    while rows := await database.fetch(_PROJECTS_AFTER, after=after):
        yield [row[0] for row in rows]
        after = rows[-1][0]


def _numbers(counts: Any, days: Any) -> Any:
    """All numbers of projects, as rows that can be compared: without zeros."""
    by_status = [
        select(counts.c.project_id, literal_column(f"'{each.name}'", Text).label("number"), counts.c[each.name].label("tasks"))
        for each in STATUS_COLUMNS.values()
    ]
    every = union_all(*by_status, select(days.c.project_id, days.c.due_on.cast(Text), days.c.tasks)).subquery()
    return select(every).where(every.c.tasks != literal_column("0"), every.c.project_id == any_id())


_kept, _actual = _numbers(_c, _o).cte("kept"), _numbers(_counted.cte("counted"), _counted_days.subquery("days")).cte("actual")
_different = union_all(
    select(select(_kept).except_(select(_actual)).subquery("more").c.project_id),
    select(select(_actual).except_(select(_kept)).subquery("less").c.project_id),
).subquery("different")
_WRONG = Statement(select(_different.c.project_id).distinct())
