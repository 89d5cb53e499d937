"""How changed rows of one kind are kept: in a transaction that holds them, or together with others'
(`persistence.engine.write_batcher`).

Rows and events travel as JSON, which one call writes and which takes arrays in columns as they are. Rejected: an array for each
column (twenty per statement, and arrays of arrays must not differ in length); `version` as the mark of a row (a label that is
deleted is taken off its tasks without a new one).
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Insert, Label, Uuid, bindparam, column, literal_column, select
from sqlalchemy.sql.schema import Table
from sqlalchemy.types import UserDefinedType

from persistence.engine.database import Statement
from persistence.engine.rows import recordset, saved
from persistence.events.idempotency import claims, undone
from persistence.events.streams import given_events, logged


class _Xid(UserDefinedType[int]):
    """The id of a transaction."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "XID"


def mark(table: Table) -> Label[int]:
    """What tells whether a row was written since: a column `seen`."""
    return _written_by(table).label("seen")


def _written_by(table: Table) -> ColumnElement[int]:
    return literal_column(f"{table.name}.xmin", _Xid())


class Kept:
    """How changed rows of one kind are kept, found by their ids; all attributes but `id`, `created_at` and `but`."""

    def __init__(self, cls: type[Any], table: Table, *, but: Sequence[str] = ()) -> None:
        update = saved(cls, table, but=but)
        self.whatever = Statement(update)
        """In a transaction that holds the row."""
        self.unless_written = Statement(update.where(_written_by(table) == bindparam("seen", type_=_Xid())))
        """In a transaction, if the row is what it was when it was `seen`."""
        self.together = Statement(_together(cls, table, but, claiming=False))
        """Rows that are what they were when they were seen, with their events, which get their places. Gives `id` and `position`
        of the events that were logged."""
        self.claiming = Statement(_together(cls, table, but, claiming=True))
        """The same of rows whose operations bring idempotency keys: what was claimed by another is left out. It fails (NOT NULL)
        when a key could be claimed and the row cannot be kept."""


def _together(cls: type[Any], table: Table, but: Sequence[str], *, claiming: bool) -> Insert:
    names = [each.name for each in fields(cls) if each.name not in {"created_at", *but}]
    asked = recordset("rows", "asked", *(column(name, table.c[name].type) for name in names), column("seen", _Xid()))
    found = select(*(asked.c[name] for name in names)).join(
        table, (table.c.id == asked.c.id) & (_written_by(table) == asked.c.seen)
    )
    claimed = claims() if claiming else None
    if claimed is not None:
        found = found.join(claimed, claimed.c.row == asked.c.id)
    held = found.with_for_update(of=table, key_share=True, skip_locked=True).cte("held")
    changed = (
        table.update()
        .where(table.c.id == held.c.id)
        .values({name: held.c[name] for name in names if name != "id"})
        .cte("changed")
    )
    given = given_events(column("row", Uuid))
    together: Insert = logged(given, select(given).join(held, held.c.id == given.c.row)).add_cte(changed)
    return together if claimed is None else together.add_cte(undone(claimed, held))
