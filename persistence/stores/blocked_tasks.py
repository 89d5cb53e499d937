"""Stores which tasks are blocked, as a column of theirs that an index can hold.

A task is blocked while a task that it is linked to as BLOCKED_BY is open: neither done, canceled nor deleted. Whoever adds or
removes such a link, or opens or closes a task, calls `refresh` in the same transaction, after that, for the tasks that wait for
it. They are locked before it is asked anew, so of several who change what one task waits for, the last one sees what all have
changed. Both tasks of a link become other versions of their rows: who has read one without a lock, to close it, begins again.

Rejected: a number of open blockers that is moved by one (what went wrong once would stay wrong); a table beside the tasks (it
cannot be merged from ranges in the order of the tasks' columns); triggers (they lock in no order).
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, literal_column, select

from domain.task import CLOSED
from domain.task_link import TaskLinkKind
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.statement import Statement
from persistence.tables import task_links, tasks

_t, _l, _blocker = tasks, task_links, tasks.alias("blocker")


def _waits() -> ColumnElement[bool]:
    """The task waits for one that is open, by its links."""
    closed: list[ColumnElement[str]] = [literal_column(f"'{status}'") for status in sorted(CLOSED)]
    return exists(
        select(literal_column("1"))
        .select_from(_l.join(_blocker, _blocker.c.id == _l.c.target_id))
        .where(
            _l.c.task_id == _t.c.id,
            _l.c.kind == literal_column(f"'{TaskLinkKind.BLOCKED_BY}'"),
            _blocker.c.deleted_at.is_(None),
            _blocker.c.status.not_in(closed),
        )
        .correlate(_t)
    )


_LOCK = Statement(select(_t.c.id).where(_t.c.id == any_id()).order_by(_t.c.id).with_for_update())
_REFRESH = Statement(_t.update().where(_t.c.id == any_id()).values(is_blocked=_waits()))
_FIND_WRONG = Statement(select(_t.c.id, _t.c.project_id).where(_t.c.project_id == any_id(), _t.c.is_blocked != _waits()))


async def refresh(connection: Connection, task_ids: Sequence[UUID]) -> None:
    """Store whether tasks are blocked, as it is now; they are locked until the end of the transaction."""
    if task_ids:
        await connection.execute(_LOCK, ids=list(task_ids))
        await connection.execute(_REFRESH, ids=list(task_ids))


async def wrong_tasks(connection: Connection | Database, project_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """The tasks of projects, each with its project, of which something else is stored than follows from their links."""
    return [(row[0], row[1]) for row in await connection.fetch(_FIND_WRONG, ids=list(project_ids))]
