"""Finds the ranks that were replaced when they were compacted, so that a cursor made before still stands where it stood."""

from typing import Any

from sqlalchemy import Text, Update, Uuid, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.schema import Table

from domain.rank_compaction import FIXED_CHARS
from persistence.engine.filter import Column
from persistence.engine.rows import recordset
from persistence.tables import former_ranks

_f = former_ranks


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
