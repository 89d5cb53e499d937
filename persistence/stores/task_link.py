"""Links between tasks: the store, the loader and the list."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, literal_column, select

from domain.page import Order
from domain.task_link import TaskLink
from persistence.access import any_id, project_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.stores import blocked_tasks
from persistence.tables import task_links, tasks

_l = task_links
_ID = bindparam("id", type_=Uuid)
_ADD = Statement(insert_row(TaskLink, _l).returning(_l.c.id))
_LOCK = Statement(select(*columns(TaskLink, _l)).where(_l.c.id == _ID).with_for_update())
_REMOVE = Statement(_l.delete().where(_l.c.id == any_id()))
_COUNT = Statement(select(func.count()).select_from(_l).where(_l.c.task_id == _ID))

_BLOCKS: Any = literal_column("'BLOCKS'")
_blocked_tasks = (
    select(_l.c.target_id.label("id"))
    .where(_l.c.task_id == bindparam("task", type_=Uuid), _l.c.kind == _BLOCKS)
    .cte("blocked", recursive=True)
)
_next_link = task_links.alias("next_link")
_blocked_tasks = _blocked_tasks.union(
    select(_next_link.c.target_id)
    .join(_blocked_tasks, _blocked_tasks.c.id == _next_link.c.task_id)
    .where(_next_link.c.kind == _BLOCKS)
)
_REACHES = Statement(
    select(literal_column("1")).select_from(_blocked_tasks).where(_blocked_tasks.c.id == bindparam("other", type_=Uuid)).limit(1)
)
_own_task, _target_task = tasks.alias("own_task"), tasks.alias("target_task")


def _visible_on_both_sides() -> Any:
    """The viewer may see both tasks of the link, and the target is not deleted."""
    return (
        select(literal_column("1"))
        .select_from(_own_task.join(_target_task, _target_task.c.id == _l.c.target_id))
        .where(
            _own_task.c.id == _l.c.task_id,
            _target_task.c.deleted_at.is_(None),
            project_visible(_own_task.c.project_id, by_id=True),
            project_visible(_target_task.c.project_id, by_id=True),
        )
        .correlate(_l)
        .exists()
    )


_BY_IDS = Statement(select(*columns(TaskLink, _l)).where(_l.c.id == any_id(), _visible_on_both_sides()), row_class(TaskLink))


class SqlTaskLinks:
    """Links over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, link: TaskLink, inverse: TaskLink) -> bool:
        """Insert both sides; False when there is such a link."""
        if await self._connection.fetch_value(_ADD, **to_params(link)) is None:
            return False
        await self._connection.execute(_ADD, **to_params(inverse))
        await blocked_tasks.refresh(self._connection, [link.task_id, link.target_id])
        return True

    async def lock(self, link_id: UUID) -> TaskLink | None:
        """One side of a link, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK, id=link_id)
        return row and to_entity(TaskLink, row)

    async def remove(self, link: TaskLink) -> None:
        """Delete both sides."""
        await self._connection.execute(_REMOVE, ids=[link.id, link.twin_id])
        await blocked_tasks.refresh(self._connection, [link.task_id, link.target_id])

    async def count(self, task_id: UUID) -> int:
        """How many links a task has."""
        number: int = await self._connection.fetch_value(_COUNT, id=task_id)
        return number

    async def blocks(self, task_id: UUID, other_id: UUID) -> bool:
        """Whether the task blocks the other, directly or through others."""
        return await self._connection.fetch_value(_REACHES, task=task_id, other=other_id) is not None


async def by_ids(database: Database, viewer: UUID, link_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the links of which the viewer may see both tasks."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(link_ids), viewer=viewer)}


TASK_LINKS = ListQuery(
    cls=TaskLink,
    source=_l,
    id=_l.c.id,
    sorts={"CREATED_AT": (SortColumn(_l.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT"),),
    parent_clause=lambda parent: _l.c.task_id == parent,
    visible=_visible_on_both_sides,
    fields={"kind": _l.c.kind},
)
