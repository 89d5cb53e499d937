"""Labels: the store, the loader and the list."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Uuid, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import array

from domain.label import Label
from domain.page import Order
from persistence.access import any_id, team_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.tables import labels, tasks

_ID = bindparam("id", type_=Uuid)
_ADD = Statement(insert_row(Label, labels).returning(labels.c.id))
_SAVE = Statement(update_row(Label, labels, exclude=("team_id",)))
_LOCK = Statement(select(*columns(Label, labels)).where(labels.c.id == _ID).with_for_update())
_HAS_ID = Statement(select(labels.c.id).where(labels.c.id == _ID))
_REMOVE_FROM_TASKS = Statement(
    tasks.update()
    .where(tasks.c.label_ids.contains(array([_ID])))
    .values(label_ids=func.array_remove(tasks.c.label_ids, _ID))
    .returning(tasks.c.id)
)
_IS_USED = Statement(select(tasks.c.id).where(tasks.c.label_ids.contains(array([_ID]))).limit(literal_column("1")))
_REMOVE = Statement(labels.delete().where(labels.c.id == _ID))
_LOCK_EXISTING = Statement(
    select(labels.c.id)
    .where(labels.c.team_id == bindparam("team", type_=Uuid), labels.c.id == any_id())
    .order_by(labels.c.id)
    .with_for_update(read=True, key_share=True)
)
_BY_IDS = Statement(
    select(*columns(Label, labels)).where(labels.c.id == any_id(), team_visible(labels.c.team_id, by_id=True)), row_class(Label)
)


class SqlLabels:
    """Labels over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, label: Label) -> str | None:
        """Insert a new label; the attribute that is taken, or None."""
        if await self._connection.fetch_value(_ADD, **to_params(label)) is not None:
            return None
        return "id" if await self._connection.fetch_value(_HAS_ID, id=label.id) else "name"

    async def save(self, label: Label) -> bool:
        """Update a changed label; False when its name is taken."""
        try:
            async with self._connection.savepoint():
                await self._connection.execute(_SAVE, **to_params(label))
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def lock(self, label_id: UUID) -> Label | None:
        """A label, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK, id=label_id)
        return row and to_entity(Label, row)

    async def remove(self, label_id: UUID) -> Sequence[UUID]:
        """Delete a label and remove it from every task: these."""
        rows = await self._connection.fetch(_REMOVE_FROM_TASKS, id=label_id)
        await self._connection.execute(_REMOVE, id=label_id)
        return sorted(row[0] for row in rows)

    async def is_used(self, label_id: UUID) -> bool:
        """Whether the label is on any task."""
        return await self._connection.fetch_value(_IS_USED, id=label_id) is not None

    async def lock_existing(self, team_id: UUID, label_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the ids that are labels of the team, which cannot be deleted until the end of the transaction."""
        rows = await self._connection.fetch(_LOCK_EXISTING, team=team_id, ids=list(label_ids))
        return frozenset(row[0] for row in rows)


async def by_ids(database: Database, viewer: UUID, label_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the labels that belong to teams of the viewer."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(label_ids), viewer=viewer)}


_LIST_OPTIONS: dict[str, Any] = {
    "cls": Label,
    "source": labels,
    "id": labels.c.id,
    "sorts": {"NAME": (SortColumn(labels.c.name_collation, "sort_name", selected=True),)},
    "default": (Order("NAME"),),
    "visible": lambda: team_visible(labels.c.team_id),
}

TEAM_LABELS = ListQuery(**_LIST_OPTIONS, parent_clause=lambda parent: labels.c.team_id == parent)

TASK_LABELS = ListQuery(
    **_LIST_OPTIONS,
    joined=lambda query: query.join(tasks, labels.c.id == func.any(tasks.c.label_ids)),
    parent_clause=lambda parent: tasks.c.id == parent,
)
