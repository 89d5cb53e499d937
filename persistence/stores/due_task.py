"""Finds tasks that are due soon or overdue, by the days of their assignees' time zones."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Date, Integer, Text, Uuid, bindparam, column, func, literal_column, select

from domain.notification import OVERDUE_DAYS, DueTask
from persistence.access import any_id
from persistence.engine.database import Connection
from persistence.engine.statement import Statement
from persistence.tables import notifications, open_task_counts, tasks, users
from persistence.tables.columns import NO_DAY

_t, _u, _o = tasks, users, open_task_counts
_given = func.unnest(bindparam("zones", type_=ARRAY(Text)), bindparam("days", type_=ARRAY(Date)))
_zone = _given.table_valued(column("name", Text), column("today", Date), name="zone").render_derived()
_DUE = Statement(
    select(_t.c.id, _t.c.assignee_id, _t.c.due_on, _zone.c.today)
    .select_from(
        _o.join(_t, (_t.c.project_id == _o.c.project_id) & (func.coalesce(_t.c.due_on, NO_DAY) == _o.c.due_on))
        .join(_u, _u.c.id == _t.c.assignee_id)
        .join(_zone, _zone.c.name == _u.c.time_zone)
    )
    .where(
        _o.c.due_on.between(bindparam("first", type_=Date), bindparam("last", type_=Date)),
        _t.c.status < literal_column("'DONE'"),
        _t.c.deleted_at.is_(None),
        _t.c.due_on <= _zone.c.today + literal_column("1", Integer),
        _t.c.due_on >= _zone.c.today - literal_column(str(OVERDUE_DAYS), Integer),
        _t.c.due_on != _zone.c.today,
        _t.c.id > bindparam("after", type_=Uuid),
    )
    .order_by(_t.c.id)
    .limit(bindparam("size", type_=Integer))
)
_KNOWN = Statement(select(notifications.c.id).where(notifications.c.id == any_id()))


async def due_tasks(
    connection: Connection, days: Mapping[str, date], after: UUID, limit: int
) -> tuple[Sequence[DueTask], UUID | None]:
    """
    Of the next `limit` tasks by id that are due on the day after their assignee's, or were due in the days before, those that
    nobody was told of; and the last id, None when there are no more. `days`: today, by time zone.
    """
    rows = await connection.fetch(
        _DUE,
        zones=list(days),
        days=list(days.values()),
        first=min(days.values()) - timedelta(days=OVERDUE_DAYS),
        last=max(days.values()) + timedelta(days=1),
        after=after,
        size=limit,
    )
    found = [DueTask(task_id=row[0], assignee_id=row[1], due_on=row[2], today=row[3]) for row in rows]
    known = {row[0] for row in await connection.fetch(_KNOWN, ids=[each.notification_id for each in found])} if found else set()
    return [each for each in found if each.notification_id not in known], found[-1].task_id if len(found) == limit else None
