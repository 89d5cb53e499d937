"""Finds the ranks that were replaced when they were compacted, so that a cursor made before still stands where it stood."""

from typing import Any

from sqlalchemy import Text, Update, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.schema import Table

from domain.rank_compaction import FIXED_CHARS
from persistence.engine.filter import Column
from persistence.tables import former_ranks

_f = former_ranks


def is_replaceable(rank: str) -> bool:
    """Whether a rank is of those that compaction replaces."""
    return len(rank) > FIXED_CHARS


def current_rank(rank: Column) -> Column:
    """What the rank of a cursor, that of the row `cursor_id`, has become; itself where it was not replaced."""
    replaced = select(_f.c.rank).where(_f.c.item_id == bindparam("cursor_id", type_=Uuid), _f.c.rank_hash == func.md5(rank))
    return func.coalesce(replaced.scalar_subquery(), rank, type_=Text)


def replace_rank(table: Table) -> Any:
    """The statement that gives the row `id` the rank `rank` instead of `before`, and remembers that."""
    id_, rank, before = bindparam("id", type_=Uuid), bindparam("rank", type_=Text), bindparam("before", type_=Text)
    moved: Update = table.update().where(table.c.id == id_).values(rank=rank)
    # What was replaced by the one before, earlier on, leads to the new one.
    led_on: Update = _f.update().where(_f.c.item_id == id_, _f.c.rank == before).values(rank=rank)
    remembered = insert(_f).values(item_id=id_, rank_hash=func.md5(before), rank=rank)
    remembered = remembered.on_conflict_do_update(
        index_elements=[_f.c.item_id, _f.c.rank_hash], set_={"rank": remembered.excluded.rank, "created_at": func.now()}
    )
    return remembered.add_cte(moved.cte("moved"), led_on.cte("led_on"))
