"""The lists of tasks: of a project, below a task, of an assignee, and all that one may see."""

from dataclasses import replace
from typing import Any, Final, cast

from sqlalchemy import Date, Integer, Uuid, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from domain.page import Order
from domain.task import CLOSED, Task, TaskStatus
from persistence.access import project_visible, visible_place_ids, visible_project_ids, visible_projects
from persistence.engine.cursor import SortColumn, encode_cursor
from persistence.engine.filter import Column, Shape, TextField, compare
from persistence.engine.index_ranges import Ranges
from persistence.engine.pages import ListQuery
from persistence.stores.former_ranks import current_rank, is_replaceable
from persistence.stores.task_counts import kept_rows, total_of_projects, total_visible
from persistence.tables import tasks
from persistence.tables.columns import NO_DAY, cut_title

_t = tasks
_due_on: Column = func.coalesce(_t.c.due_on, NO_DAY, type_=Date)


def _has_label(operator: str, parameter: Any) -> Column:
    """The task has this label (`eq`), one of these (`in`), or none at all (`is_null`)."""
    if operator == "is_null":
        empty = func.cardinality(_t.c.label_ids, type_=Integer) == literal_column("0")
        return empty if parameter else ~empty
    if operator == "eq":
        return cast(Column, _t.c.label_ids.contains(array([bindparam(parameter, type_=Uuid)])))
    return cast(Column, _t.c.label_ids.overlap(bindparam(parameter, type_=ARRAY(Uuid))))


def _waits(operator: str, parameter: Any) -> Column:
    """The task waits for one that is still open, as the index of such tasks says it."""
    assert (operator, parameter) == ("is_null", False)
    return _t.c.is_blocked


def _is_open(operator: str, parameter: Any) -> Column:
    """The task is neither done nor canceled, as indexes of open tasks say it: statuses sort in the order of the board."""
    assert (operator, parameter) == ("is_null", False)
    return _t.c.status < literal_column("'DONE'")


_OPEN: Final = frozenset(each.value for each in TaskStatus) - CLOSED
_NOT_CLOSED: Final[Shape] = ("is_open", "is_null", False)
_WAITS: Final[Shape] = ("waits", "is_null", False)


def _implied(field: str, operator: str, value: Any) -> tuple[Shape, bool] | None:
    """Statuses that are all open ones make the task open; what is asked for as blocked stands in an index of its own."""
    if field == "is_blocked" and value is True:
        return _WAITS, True
    if field != "status" or value is None:
        return None
    named = frozenset(value if isinstance(value, list) else [value])
    statuses = frozenset(TaskStatus) - named if operator == "not_in" else named
    return (_NOT_CLOSED, statuses == _OPEN) if statuses <= _OPEN else None


def _compare_due_on(operator: str, parameter: Any) -> Column:
    """The due day as indexes have it, where an unset one is infinite."""
    if operator == "is_null":
        return _due_on == NO_DAY if parameter else _due_on < NO_DAY
    compared = compare(_due_on, operator, parameter)
    return compared & (_due_on < NO_DAY) if operator == "after" else compared


def _compare_deleted_at(operator: str, parameter: Any) -> Column:
    """Not deleted; asked for unless the filter includes deleted tasks."""
    return compare(_t.c.deleted_at, operator, parameter)


def _compared(field: str) -> frozenset[tuple[str, str]]:
    return frozenset({(field, "eq"), (field, "before"), (field, "after")})


_INDEXED: Final = frozenset(
    {
        ("status", "eq"),
        ("status", "in"),
        ("priority", "eq"),
        ("priority", "in"),
        ("assignee", "eq"),
        ("assignee", "in"),
        ("creator", "eq"),
        ("creator", "in"),
        ("labels", "eq"),
        ("labels", "in"),
        ("waits", "is_null"),
        ("title", "starts_with"),
        ("title", "contains"),
        *_compared("due_on"),
        *_compared("created_at"),
        *_compared("updated_at"),
    }
)
_COVERED: Final = {
    (): frozenset({("deleted_at", "is_null")}),
    ("RANK",): frozenset({("status", "eq")}),
    ("TITLE",): frozenset({("title", "starts_with")}),
    ("STATUS",): frozenset({("status", "eq"), ("status", "in")}),
    ("PRIORITY",): frozenset({("priority", "eq"), ("priority", "in")}),
    ("DUE_ON",): frozenset({("is_open", "is_null"), *_compared("due_on"), ("due_on", "is_null")}),
    ("DUE_ON", "is_open"): frozenset({("assignee", "eq")}),
    ("CREATED_AT",): frozenset({("assignee", "eq"), ("creator", "eq"), ("waits", "is_null"), *_compared("created_at")}),
    ("UPDATED_AT",): _compared("updated_at"),
}
_RIVALS: Final = frozenset({("assignee", "eq"), ("creator", "eq"), ("waits", "is_null")})
_FOUND_BY: Final = frozenset({("id", "eq"), ("id", "in"), ("parent", "eq")})


def _list_query(order: Order, **options: Any) -> ListQuery:
    return ListQuery(
        cls=Task,
        source=_t,
        id=_t.c.id,
        sorts={
            "RANK": (SortColumn(_t.c.rank, "rank", current=current_rank, replaceable=is_replaceable),),
            "KEY": (SortColumn(_t.c.team_id, "team_id"), SortColumn(_t.c.number, "number")),
            "TITLE": (SortColumn(cut_title(_t.c.title_collation), "sort_title", selected=True),),
            "STATUS": (SortColumn(_t.c.status, "status"),),
            "PRIORITY": (SortColumn(_t.c.priority, "priority"),),
            "DUE_ON": (SortColumn(_due_on, "due_on", unset=NO_DAY),),
            "CREATED_AT": (SortColumn(_t.c.created_at, "created_at"),),
            "UPDATED_AT": (SortColumn(_t.c.updated_at, "updated_at"),),
        },
        default=(order,),
        ties={"STATUS": "RANK"},
        fields={
            "id": _t.c.id,
            "project": _t.c.project_id,
            "assignee": _t.c.assignee_id,
            "creator": _t.c.creator_id,
            "parent": _t.c.parent_id,
            "title": TextField(_t.c.title, _t.c.title_collation, cut_title, has_trigrams=True),
            "status": _t.c.status,
            "priority": _t.c.priority,
            "labels": _has_label,
            "due_on": _compare_due_on,
            "created_at": _t.c.created_at,
            "updated_at": _t.c.updated_at,
            "is_blocked": _t.c.is_blocked,
            "waits": _waits,
            "is_open": _is_open,
            "deleted_at": _compare_deleted_at,
        },
        covered=_COVERED,
        indexed=_INDEXED,
        indexed_by_place=frozenset({("title", "contains")}),
        rivals=_RIVALS,
        found_by=_FOUND_BY,
        implied=_implied,
        **options,
    )


_PLACES: Final = (_t.c.team_id, _t.c.project_id)
_VISIBLE_RANGES: Final = Ranges(_t.c.project_id, lambda _: visible_project_ids(), places=(_PLACES, lambda _: visible_place_ids()))
TASKS = _list_query(
    Order("CREATED_AT", descending=True),
    ranges=replace(_VISIBLE_RANGES, kept_rows=kept_rows),
    visible=lambda: _t.c.project_id == visible_projects(),
    kept_count=total_visible,
)
PROJECT_TASKS = _list_query(
    Order("RANK"),
    parent_clause=lambda parent: _t.c.project_id == parent,
    ranges=Ranges(
        _t.c.project_id,
        lambda parent: select(parent.label("id")).where(project_visible(parent)),
        single=True,
        places=(_PLACES, lambda parent: select(parent)),
        kept_rows=kept_rows,
    ),
    visible=lambda: project_visible(_t.c.project_id),
    kept_count=total_of_projects,
)
SUBTASKS = _list_query(
    Order("RANK"),
    parent_clause=lambda parent: _t.c.parent_id == parent,
    visible=lambda: project_visible(_t.c.project_id, by_id=True),
)
ASSIGNED_TASKS = _list_query(
    Order("CREATED_AT", descending=True),
    parent_clause=lambda parent: _t.c.assignee_id == parent,
    parent_field="assignee",
    ranges=_VISIBLE_RANGES,
    visible=lambda: _t.c.project_id == visible_projects(),
)


def board_cursor(task: Any) -> str:
    """The cursor of a task in its project's list as it is sorted by default."""
    return encode_cursor([(PROJECT_TASKS.sorts["RANK"][0], False)], task)
