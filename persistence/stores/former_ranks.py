"""Ranks that are too long: how they are found and replaced, and how a cursor that was made before still stands where it stood."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Integer, Text, Update, Uuid, bindparam, column, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.schema import Table

from domain.errors import Unavailable
from domain.rank_compaction import FIXED_CHARS, MAX_RANK_CHARS, Stretch
from persistence.access import any_id
from persistence.engine.database import Connection
from persistence.engine.filter import Column
from persistence.engine.rows import columns, recordset
from persistence.engine.statement import Statement
from persistence.tables import former_ranks

_f = former_ranks


_REPLACED = Statement(
    select(_f.c.rank).where(
        _f.c.item_id == bindparam("id", type_=Uuid), _f.c.rank_hash == func.md5(bindparam("rank", type_=Text))
    )
)


def is_replaceable(rank: str) -> bool:
    """Whether a rank is of those that compaction replaces."""
    return len(rank) > FIXED_CHARS


def current_rank(rank: Column) -> Column:
    """What the rank of a cursor, that of the row `cursor_id`, has become; itself where it was not replaced."""
    replaced = select(_f.c.rank).where(_f.c.item_id == bindparam("cursor_id", type_=Uuid), _f.c.rank_hash == func.md5(rank))
    return func.coalesce(replaced.scalar_subquery(), rank, type_=Text)


def replace_ranks(table: Table) -> Any:
    """The statement that gives rows other ranks, of the parameter `moves` (id, rank), and remembers those before.

    All parts see the ranks as they were when it began.
    """
    moves = recordset("moves", "moves", column("id", Uuid), column("rank", Text)).alias("moves")
    before = select(table.c.id, table.c.rank.label("before"), moves.c.rank).join(moves, moves.c.id == table.c.id).cte("before")
    moved: Update = table.update().where(table.c.id == before.c.id).values(rank=before.c.rank)
    # What became the ranks before, earlier on, leads to the new ones.
    led_on: Update = _f.update().where(_f.c.item_id == before.c.id, _f.c.rank == before.c.before).values(rank=before.c.rank)
    remembered = insert(_f).from_select(
        ["item_id", "rank_hash", "rank"], select(before.c.id, func.md5(before.c.before), before.c.rank)
    )
    remembered = remembered.on_conflict_do_update(
        index_elements=[_f.c.item_id, _f.c.rank_hash], set_={"rank": remembered.excluded.rank, "created_at": func.now()}
    )
    return remembered.add_cte(moved.cte("moved"), led_on.cte("led_on"))


class RankStatements:
    """How the ranks of one table are read and replaced, for their compaction."""

    def __init__(self, cls: type[Any], table: Table) -> None:
        length, rank = func.length(table.c.rank), table.c.rank
        of_project = table.c.project_id == bindparam("project", type_=Uuid)
        is_long, is_fixed = length > literal_column(str(MAX_RANK_CHARS)), length <= literal_column(str(FIXED_CHARS))
        first = select(func.min(rank)).where(of_project, is_long).scalar_subquery()
        low, high = bindparam("low", type_=Text), bindparam("high", type_=Text)
        self.projects = Statement(select(table.c.project_id).where(is_long).distinct().limit(bindparam("size", type_=Integer)))
        self.bounds = Statement(
            select(
                select(func.max(rank)).where(of_project, is_fixed, rank < first).scalar_subquery(),
                select(func.min(rank)).where(of_project, is_fixed, rank > first).scalar_subquery(),
            ).where(first.is_not(None))
        )
        self.stretch = Statement(
            select(table.c.id, func.left(rank, literal_column(str(MAX_RANK_CHARS + 1))))
            .where(of_project, or_(low.is_(None), rank > low), or_(high.is_(None), rank < high))
            .order_by(rank)
        )
        self.lock = Statement(
            select(*columns(cls, table)).where(of_project, table.c.id == any_id()).with_for_update(nowait=True, key_share=True)
        )
        self.replace = Statement(replace_ranks(table))

    async def long_stretch(self, connection: Connection, project_id: UUID) -> Stretch | None:
        """The first stretch with a rank that is too long."""
        bounds = await connection.fetch_row(self.bounds, project=project_id)
        if bounds is None:
            return None
        low, high = bounds
        rows = await connection.fetch(self.stretch, project=project_id, low=low, high=high)
        return Stretch(low, high, [row[0] for row in rows], [row[1] for row in rows])

    async def lock_in(self, connection: Connection, project_id: UUID, ids: Sequence[UUID]) -> list[Any]:
        """The rows of the project, locked; Unavailable where somebody else has locked one."""
        try:
            return await connection.fetch(self.lock, project=project_id, ids=list(ids))
        except asyncpg.LockNotAvailableError as error:
            raise Unavailable("Somebody else has locked one of the rows.") from error

    async def replaced(self, connection: Connection, item_id: UUID, rank: str) -> str | None:
        """What a former rank of a row has become; None where it was not replaced."""
        found: str | None = await connection.fetch_value(_REPLACED, id=item_id, rank=rank)
        return found

    async def save(self, connection: Connection, entities: Sequence[Any]) -> None:
        """Replace the ranks of rows."""
        await connection.execute(self.replace, moves=[{"id": each.id, "rank": each.rank} for each in entities])
