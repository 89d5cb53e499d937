"""Numbers of tasks that are kept, not counted: by project and status, and of open tasks by project and due day.

The statement that stores an event moves the numbers with it (`moved_counts`), after it has locked the event's stream and before
anything else is waited for; a project's row of `task_counts` is always written first, so it is the lock of its days too. So two
operations cannot wait for each other, and operations of one team, which take turns for its stream anyway, wait no longer for it.

Rejected: triggers (they lock the numbers while rows are locked, before the stream: two operations then wait for each other);
counting when asked (it grows with the project); numbers in memory (each process has its own).
"""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Date, Integer, Uuid, column, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONB, insert

from domain.events import Event
from domain.task import TaskStatus, count_changes
from persistence.tables import open_task_counts, task_counts
from persistence.tables.columns import task_status

_c, _o = task_counts, open_task_counts
STATUS_COLUMNS = {status: _c.c[status.lower()] for status in TaskStatus}


COUNTED = column("counted", JSONB)
CountedParam = list[dict[str, Any]] | None


def counted_param(event: Event) -> CountedParam:
    """What an event changes, as the value of `counted` among its parameters."""
    changes = count_changes(event)
    if not changes:
        return None
    return [
        {"project_id": each.project_id, "status": each.status, "due_on": each.due_on, "delta": each.delta} for each in changes
    ]


def moved_counts(stored: Any, head: Any) -> tuple[CTE, CTE]:
    """The parts of a statement that move the numbers. `stored`: the events that it stores, with their `counted`; `head`: the
    heads of their streams, once they are locked."""
    change = func.jsonb_to_recordset(stored.c.counted).table_valued(
        column("project_id", Uuid), column("status", task_status), column("due_on", Date), column("delta", Integer)
    )
    change = change.render_derived(name="change", with_types=True)
    locked = stored.join(head, head.c.stream == stored.c.stream)
    changes = select(*change.c).select_from(locked.join(change, true())).cte("count_changes")
    delta = func.sum(changes.c.delta)
    by_status = [
        func.coalesce(delta.filter(changes.c.status == status_literal(status)), literal_column("0")) for status in STATUS_COLUMNS
    ]
    names = [each.name for each in STATUS_COLUMNS.values()]
    per_project = select(changes.c.project_id, *by_status).group_by(changes.c.project_id).order_by(changes.c.project_id)
    numbers = insert(_c).from_select(["project_id", *names], per_project)
    numbers = numbers.on_conflict_do_update(
        index_elements=[_c.c.project_id], set_={name: _c.c[name] + numbers.excluded[name] for name in names}
    )
    moved = numbers.returning(_c.c.project_id).cte("moved_counts")
    per_day = (
        select(changes.c.project_id, changes.c.due_on, delta)
        .where(changes.c.due_on.is_not(None), is_open_status(changes.c.status), _exists_in(moved))
        .group_by(changes.c.project_id, changes.c.due_on)
        .having(delta != literal_column("0"))
        .order_by(changes.c.project_id, changes.c.due_on)
    )
    days = insert(_o).from_select(["project_id", "due_on", "tasks"], per_day)
    days = days.on_conflict_do_update(
        index_elements=[_o.c.project_id, _o.c.due_on], set_={"tasks": _o.c.tasks + days.excluded.tasks}
    )
    return moved, days.cte("moved_open_counts")


def status_literal(status: str) -> ColumnElement[str]:
    """A status in a statement."""
    return literal_column(f"'{status}'")


def is_open_status(status: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a status is an open one."""
    return status < status_literal(TaskStatus.DONE)


def _exists_in(moved: CTE) -> ColumnElement[bool]:
    """True once every row of `moved` is written and locked."""
    return select(func.count()).select_from(moved).scalar_subquery() > literal_column("0")
