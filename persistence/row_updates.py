"""Builds the UPDATE statements of one table: of a locked row, of a row if it is unchanged, and of a batch with its events.

The batch is one statement (`persistence.engine.write_batcher`): rows and events are parameters of JSON, which one call encodes
and which takes arrays in columns as they are. For labels it reads, shortened:

    WITH locked AS (
      SELECT given.id, given.name, …, labels.ctid AS place FROM jsonb_to_recordset($1) AS given(id UUID, name TEXT, …, seen XID)
      JOIN labels ON labels.id = given.id AND labels.xmin = given.seen
      FOR NO KEY UPDATE OF labels SKIP LOCKED
    ), changed AS (
      UPDATE labels SET name = locked.name, … FROM locked WHERE labels.ctid = locked.place
    ), numbered AS (…the events of the rows in locked, numbered in each stream…), head AS (…the streams' counters, advanced…)
    INSERT INTO events … RETURNING id, position

Rejected: an array for each column (twenty per statement, and arrays of arrays must not differ in length); `version` as the row
version (a label that is deleted is removed from its tasks without a new one).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Insert,
    Integer,
    Label,
    Text,
    Uuid,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.schema import Table
from sqlalchemy.types import UserDefinedType

from persistence.engine.rows import recordset, update_row, written_names
from persistence.engine.statement import Statement
from persistence.events.idempotency import claim_keys, fail_unless_updated
from persistence.events.streams import events_param, insert_events
from persistence.events.task_counts import COUNTED
from persistence.search.index_statements import index_ctes


class Xid(UserDefinedType[int]):
    """The id of a transaction."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "XID"


def row_version(table: Table, name: str = "seen") -> Label[int]:
    """The version of a row, which every write changes, as a column of this name."""
    return xmin(table).label(name)


def xmin(table: Table) -> ColumnElement[int]:
    """The version of a row in a condition."""
    return literal_column(f"{table.name}.xmin", Xid())


def _place(table: Table) -> ColumnElement[str]:
    """Where the row lies, which stays as it is while the row is locked: it is found there without an index."""
    return literal_column(f"{table.name}.ctid", Text())


def new_version() -> Label[int]:
    """The version of the rows that a statement writes."""
    return literal_column("pg_current_xact_id()::xid", Xid()).label("version")


class RowUpdate:
    """The updates of one table's rows, found by their ids; all attributes but `id`, `created_at` and those of `exclude`."""

    def __init__(
        self,
        cls: type[Any],
        table: Table,
        *,
        exclude: Sequence[str] = (),
        counted: bool = False,
        parent: tuple[str, Table] | None = None,
    ) -> None:
        """
        `counted`: its events move numbers of tasks (`persistence.events.task_counts`). `parent`: the attribute that holds the id
        of the row in which it lies, and the table of that row, which must have the version `parent_seen` too, and is held.
        """
        self.parent_key = None if parent is None else parent[0]
        update = update_row(cls, table, exclude=exclude)
        self.update = Statement(update)
        """In a transaction that has locked the row."""
        self.update_if_unchanged = Statement(update.where(xmin(table) == bindparam("seen", type_=Xid())))
        """In a transaction, if the row has still the version `seen`."""
        self._batches = {
            (with_keys, with_entries): Statement(
                _batch_update(cls, table, exclude, with_keys=with_keys, with_entries=with_entries, counted=counted, parent=parent)
            )
            for with_keys in (False, True)
            for with_entries in (False, True)
        }

    def batch(self, *, with_keys: bool, with_entries: bool) -> Statement:
        """
        The update of rows that have still the version `seen`, with their events, which are assigned positions. Returns `id` and
        `position` of the events that were inserted, and the `version` that their rows have now.

        `with_keys`: for rows whose operations have idempotency keys, as many as `claims` says, or one; a row one of whose keys
        another operation has claimed is left out. Fails (NOT NULL) when a key was claimed and its row cannot be updated.
        `with_entries`: with what changes of the search index.
        """
        return self._batches[with_keys, with_entries]


def _batch_update(
    cls: type[Any],
    table: Table,
    exclude: Sequence[str],
    *,
    with_keys: bool,
    with_entries: bool,
    counted: bool,
    parent: tuple[str, Table] | None,
) -> Insert:
    names = [name for name in written_names(cls) if name not in {"created_at", *exclude}]
    versions = (column("seen", Xid()), *([column("claims", Integer)] if with_keys else ()))
    given = recordset("rows", "given", *(column(name, table.c[name].type) for name in names), *versions)
    found = select(*(given.c[name] for name in names), _place(table).label("place"))
    found = found.join_from(given, table, (table.c.id == given.c.id) & (xmin(table) == given.c.seen))
    if parent is not None:
        held = _held_parents(*parent)
        found = found.join(held, held.c.id == given.c[parent[0]])
    claimed = claim_keys() if with_keys else None
    if claimed is not None:
        found = found.where(_are_claimed(given, claimed))
    locked = found.with_for_update(of=table, key_share=True, skip_locked=True).cte("locked")
    changed = (
        table.update()
        .where(_place(table) == locked.c.place)
        .values({name: locked.c[name] for name in names if name != "id"})
        .cte("changed")
    )
    events = events_param(column("row", Uuid), *([COUNTED] if counted else ()))
    own_events = select(events).join(locked, locked.c.id == events.c.row)
    statement: Insert = insert_events(events, own_events, counted=counted).returning(new_version()).add_cte(changed)
    if with_entries:
        statement = statement.add_cte(*index_ctes(locked))
    return statement if claimed is None else statement.add_cte(fail_unless_updated(claimed, locked))


def _are_claimed(given: Any, claimed: CTE) -> ColumnElement[bool]:
    """Whether all keys of a given row were claimed."""
    keys = select(func.count()).select_from(claimed).where(claimed.c.row == given.c.id).scalar_subquery()
    return keys == func.coalesce(given.c.claims, literal_column("1"))


def _held_parents(key: str, parent: Table) -> CTE:
    """The parents of the given rows that have still the version that was read, held until the end of the transaction."""
    given = recordset("rows", "placed", column(key, Uuid), column("parent_seen", Xid()))
    unchanged = (given.c[key] == parent.c.id) & (given.c.parent_seen == xmin(parent))
    held = select(parent.c.id).where(exists(select(literal_column("1")).select_from(given).where(unchanged)))
    return held.with_for_update(of=parent, read=True, skip_locked=True).cte("held_parents")
