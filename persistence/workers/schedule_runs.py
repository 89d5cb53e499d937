"""Remembers when each schedule has run, so that each of its times is done once, whoever leads.

The row of a schedule is locked by the transaction that does the work. The clock is that of Postgres, one for all workers.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from persistence.engine.database import Connection
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, schedule_runs

_r = schedule_runs
_NAME, _DUE = bindparam("name", type_=Text), bindparam("due_at", type_=INSTANT)
_CREATE = Statement(insert(_r).values(name=_NAME, due_at=func.clock_timestamp()).on_conflict_do_nothing())
_CLAIM = Statement(
    select(_r.c.due_at, func.clock_timestamp().label("now")).where(_r.c.name == _NAME).with_for_update(skip_locked=True)
)
_RECORD = Statement(_r.update().where(_r.c.name == _NAME).values(due_at=_DUE))


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last time of a schedule that was done, or when the schedule was first seen; and what time it is."""

    due_at: datetime
    now: datetime


async def claim(connection: Connection, name: str) -> LastRun | None:
    """Lock a schedule until the end of the transaction; None where another worker does. A new one has just run."""
    row = await connection.fetch_row(_CLAIM, name=name)
    if row is None:
        if await connection.execute(_CREATE, name=name):
            row = await connection.fetch_row(_CLAIM, name=name)
        if row is None:
            return None
    return LastRun(row["due_at"], row["now"])


async def record(connection: Connection, name: str, due_at: datetime) -> None:
    """Record the time that was done."""
    await connection.execute(_RECORD, name=name, due_at=due_at)
