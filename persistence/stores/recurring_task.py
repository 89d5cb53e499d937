"""Finds tasks of series whose next day has come, by the days of their people's time zones."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Table,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    literal_column,
    select,
    tuple_,
)

from persistence.engine.database import Connection
from persistence.engine.statement import Statement
from persistence.tables import projects, tasks, teams, users


def is_recurring(task: Table, project: Table, team: Table) -> tuple[ColumnElement[bool], ...]:
    """A series goes on from the task: it has a next day, and neither it nor what it lies in is gone or archived."""
    return (
        task.c.recurs_on.is_not(None),
        task.c.deleted_at.is_(None),
        project.c.deleted_at.is_(None),
        project.c.status != literal_column("'ARCHIVED'"),
        team.c.deleted_at.is_(None),
    )


_t, _p, _u = tasks, projects, users
_given = func.unnest(bindparam("zones", type_=ARRAY(Text)), bindparam("days", type_=ARRAY(Date)))
_zone = _given.table_valued(column("name", Text), column("today", Date), name="zone").render_derived()
_DUE = Statement(
    select(_t.c.id, _t.c.recurs_on, _zone.c.today)
    .select_from(
        _t.join(_p, _p.c.id == _t.c.project_id)
        .join(teams, teams.c.id == _t.c.team_id)
        .outerjoin(_u, _u.c.id == func.coalesce(_t.c.assignee_id, _t.c.creator_id))
        .join(_zone, _zone.c.name == func.coalesce(_u.c.time_zone, literal_column("'UTC'")))
    )
    .where(
        *is_recurring(_t, _p, teams),
        _t.c.recurs_on <= bindparam("last", type_=Date),
        _t.c.recurs_on <= _zone.c.today,
        tuple_(_t.c.recurs_on, _t.c.id) > tuple_(bindparam("after_day", type_=Date), bindparam("after_id", type_=Uuid)),
    )
    .order_by(_t.c.recurs_on, _t.c.id)
    .limit(bindparam("size", type_=Integer))
)


class RecurringTask(NamedTuple):
    """A task whose next one is to be made; `today` is the day that counts for its people."""

    id: UUID
    recurs_on: date
    today: date


async def due_recurrences(
    connection: Connection, days: Mapping[str, date], after: RecurringTask | None, limit: int
) -> Sequence[RecurringTask]:
    """The next `limit` tasks of series whose next day has come where their assignee, or else creator, lives; UTC where there is
    neither. `days`: today, by time zone."""
    rows = await connection.fetch(
        _DUE,
        zones=list(days),
        days=list(days.values()),
        last=max(days.values()),
        after_day=date.min if after is None else after.recurs_on,
        after_id=UUID(int=0) if after is None else after.id,
        size=limit,
    )
    return [RecurringTask(*row) for row in rows]
