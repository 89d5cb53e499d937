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

from persistence.engine.rows import recordset, update_row
from persistence.engine.statement import Statement
from persistence.events.idempotency import claim_keys, fail_unless_updated
from persistence.events.streams import events_param, insert_events


class _Xid(UserDefinedType[int]):
    """The id of a transaction."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "XID"


def row_version(table: Table) -> Label[int]:
    """What tells whether a row was written since: a column `seen`."""
    return _xmin(table).label("seen")


def _xmin(table: Table) -> ColumnElement[int]:
    return literal_column(f"{table.name}.xmin", _Xid())


class RowUpdate:
    """How changed rows of one kind are kept, found by their ids; all attributes but `id`, `created_at` and `but`."""

    def __init__(self, cls: type[Any], table: Table, *, exclude: Sequence[str] = ()) -> None:
        update = update_row(cls, table, exclude=exclude)
        self.update = Statement(update)
        """In a transaction that holds the row."""
        self.update_if_unchanged = Statement(update.where(_xmin(table) == bindparam("seen", type_=_Xid())))
        """In a transaction, if the row is what it was when it was `seen`."""
        self.update_batch = Statement(_batch_update(cls, table, exclude, with_keys=False))
        """Rows that are what they were when they were seen, with their events, which get their places. Gives `id` and `position`
        of the events that were logged."""
        self.update_batch_with_key = Statement(_batch_update(cls, table, exclude, with_keys=True))
        """The same of rows whose operations bring idempotency keys: what was claimed by another is left out. It fails (NOT NULL)
        when a key could be claimed and the row cannot be kept."""


def _batch_update(cls: type[Any], table: Table, exclude: Sequence[str], *, with_keys: bool) -> Insert:
    names = [each.name for each in fields(cls) if each.name not in {"created_at", *exclude}]
    asked = recordset("rows", "asked", *(column(name, table.c[name].type) for name in names), column("seen", _Xid()))
    found = select(*(asked.c[name] for name in names)).join(table, (table.c.id == asked.c.id) & (_xmin(table) == asked.c.seen))
    claimed = claim_keys() if with_keys else None
    if claimed is not None:
        found = found.join(claimed, claimed.c.row == asked.c.id)
    held = found.with_for_update(of=table, key_share=True, skip_locked=True).cte("held")
    changed = (
        table.update()
        .where(table.c.id == held.c.id)
        .values({name: held.c[name] for name in names if name != "id"})
        .cte("changed")
    )
    given = events_param(column("row", Uuid))
    together: Insert = insert_events(given, select(given).join(held, held.c.id == given.c.row)).add_cte(changed)
    return together if claimed is None else together.add_cte(fail_unless_updated(claimed, held))
