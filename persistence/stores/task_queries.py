"""The lists of tasks: of a project, below a task, of an assignee, and all that one may see."""

from typing import Any, cast

from sqlalchemy import Integer, Uuid, bindparam, exists, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from domain.page import Order
from domain.task import Task
from persistence.access import project_visible, visible_projects
from persistence.engine.cursor import SortColumn, encode_cursor
from persistence.engine.filter import Column, TextField, compare
from persistence.engine.pages import ListQuery
from persistence.stores.former_ranks import current_rank, is_replaceable
from persistence.tables import task_links, tasks

_t = tasks


def _has_label(operator: str, parameter: Any) -> Column:
    """The task has this label (`eq`), one of these (`in`), or none at all (`is_null`)."""
    if operator == "is_null":
        empty = func.cardinality(_t.c.label_ids, type_=Integer) == literal_column("0")
        return empty if parameter else ~empty
    if operator == "eq":
        return cast(Column, _t.c.label_ids.contains(array([bindparam(parameter, type_=Uuid)])))
    return cast(Column, _t.c.label_ids.overlap(bindparam(parameter, type_=ARRAY(Uuid))))


def _is_blocked(operator: str, parameter: str) -> Column:
    """The task waits, or does not wait, for one that is still open."""
    assert operator == "eq"
    blocker = tasks.alias("blocker")
    waits = exists(
        select(literal_column("1"))
        .select_from(task_links.join(blocker, blocker.c.id == task_links.c.target_id))
        .where(
            task_links.c.task_id == _t.c.id,
            task_links.c.kind == literal_column("'BLOCKED_BY'"),
            blocker.c.deleted_at.is_(None),
            blocker.c.status.not_in([literal_column("'DONE'"), literal_column("'CANCELED'")]),
        )
    )
    return waits == bindparam(parameter)


def _compare_deleted_at(operator: str, parameter: Any) -> Column:
    """Not deleted; asked for unless the filter includes deleted tasks."""
    return compare(_t.c.deleted_at, operator, parameter)


def _list_query(order: Order, **options: Any) -> ListQuery:
    return ListQuery(
        cls=Task,
        source=_t,
        id=_t.c.id,
        sorts={
            "RANK": (SortColumn(_t.c.rank, "rank", current=current_rank, replaceable=is_replaceable),),
            "KEY": (SortColumn(_t.c.team_id, "team_id"), SortColumn(_t.c.number, "number")),
            "TITLE": (SortColumn(_t.c.title_collation, "sort_title", selected=True),),
            "STATUS": (SortColumn(_t.c.status, "status"),),
            "PRIORITY": (SortColumn(_t.c.priority, "priority"),),
            "DUE_ON": (SortColumn(_t.c.due_on, "due_on", nullable=True),),
            "CREATED_AT": (SortColumn(_t.c.created_at, "created_at"),),
            "UPDATED_AT": (SortColumn(_t.c.updated_at, "updated_at"),),
        },
        default=(order,),
        fields={
            "id": _t.c.id,
            "project": _t.c.project_id,
            "assignee": _t.c.assignee_id,
            "creator": _t.c.creator_id,
            "parent": _t.c.parent_id,
            "title": TextField(_t.c.title, _t.c.title_collation),
            "status": _t.c.status,
            "priority": _t.c.priority,
            "labels": _has_label,
            "due_on": _t.c.due_on,
            "created_at": _t.c.created_at,
            "updated_at": _t.c.updated_at,
            "is_blocked": _is_blocked,
            "deleted_at": _compare_deleted_at,
        },
        **options,
    )


TASKS = _list_query(Order("CREATED_AT", descending=True), visible=lambda: _t.c.project_id == visible_projects())
PROJECT_TASKS = _list_query(
    Order("RANK"), parent_clause=lambda parent: _t.c.project_id == parent, visible=lambda: project_visible(_t.c.project_id)
)
SUBTASKS = _list_query(
    Order("RANK"), parent_clause=lambda parent: _t.c.parent_id == parent, visible=lambda: project_visible(_t.c.project_id)
)
ASSIGNED_TASKS = _list_query(
    Order("CREATED_AT", descending=True),
    parent_clause=lambda parent: _t.c.assignee_id == parent,
    visible=lambda: _t.c.project_id == visible_projects(),
)


def board_cursor(task: Any) -> str:
    """The cursor of a task in its project's list as it is sorted by default."""
    return encode_cursor([(PROJECT_TASKS.sorts["RANK"][0], False)], task)
