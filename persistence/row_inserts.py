"""Builds the INSERT statements of rows that lie in another row, such as a task in its project: alone, and a batch with events.

The batch is one statement, as those of `persistence.row_updates`: a row is inserted if what it lies in, its *parent*, has still
the version that was read, and is held FOR SHARE, so that it neither changes nor goes until the row is there; the events, the
watchers, the entries of the search index and the numbers of tasks of what is inserted go along. For comments it reads, shortened:

    WITH locked AS (
      SELECT given.id, … FROM jsonb_to_recordset($1) AS given(id UUID, …, parent UUID, parent_seen XID)
      JOIN tasks ON tasks.id = given.parent AND tasks.xmin = given.parent_seen
      FOR SHARE OF tasks SKIP LOCKED
    ), created AS (
      INSERT INTO comments (…) SELECT … FROM locked ON CONFLICT DO NOTHING RETURNING id
    ), …
    INSERT INTO events … RETURNING id, position

A row whose id, or whose rank, is taken is left out with its events: its operation runs again, and locks what it reads.

Rows that are listed by `created_at` stand in the order in which they were acknowledged, though each server has its own clock:
a row counts as created after all that are in its list. A batch leaves out what would stand before one of them. That takes one
look at the list's index, and happens where clocks differ or two write at once; the row is then dated, in a transaction, a
microsecond after the last. Rows that are dated more than MAX_SKEW later are passed over: a clock that was a year ahead for a
minute is not followed for a year.
"""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Insert, Interval, Text, Uuid, bindparam, column, exists, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.schema import Table

from persistence.engine.rows import insert_row, recordset, written_names
from persistence.engine.statement import Statement
from persistence.events.idempotency import claim_keys, fail_unless_updated
from persistence.events.streams import events_param, insert_events
from persistence.events.task_counts import COUNTED
from persistence.row_updates import Xid, new_version, xmin
from persistence.search.index_statements import index_ctes
from persistence.tables import INSTANT, watchers

MAX_SKEW: Final = timedelta(days=1)
"""What clocks of servers may differ by. More than a wrong time zone makes."""
_MAX_SKEW: Final = literal_column(f"interval '{MAX_SKEW // timedelta(hours=1)} hours'", Interval)
WATCHERS = "watchers"
"""The parameter of watchers: rows of `row`, the id of what is inserted, and the columns of the table."""


class RowInsert:
    """The inserts of one table's rows, each with all attributes of `cls`, under rows of `parent`."""

    def __init__(
        self, cls: type[Any], table: Table, parent: Table, *, counted: bool = False, dated_in: str | None = None
    ) -> None:
        """
        `counted`: its events move numbers of tasks (`persistence.events.task_counts`). `dated_in`: the column by which lists are
        told apart in which rows stand by `created_at`.
        """
        insertion = insert_row(cls, table)
        if dated_in is not None:
            insertion = insertion.values(created_at=_next_instant(table, dated_in))
        self.insert = Statement(insertion.returning(table.c.created_at))
        """In a transaction that has locked the parent; returns nothing where the id is taken, else when it counts as created."""
        self._batches = {
            (with_keys, with_entries): Statement(
                _batch_insert(cls, table, parent, dated_in, with_keys=with_keys, with_entries=with_entries, counted=counted)
            )
            for with_keys in (False, True)
            for with_entries in (False, True)
        }

    def batch(self, *, with_keys: bool, with_entries: bool) -> Statement:
        """
        The insert of rows whose parents have still the version `parent_seen`, with their events and WATCHERS. Returns what
        `RowUpdate.batch` returns, whose options these are.
        """
        return self._batches[with_keys, with_entries]


def _next_instant(table: Table, dated_in: str) -> Any:
    """The parameter `created_at`, or what comes right after the last row of the list."""
    given = bindparam("created_at", type_=INSTANT)
    last = (
        select(func.max(table.c.created_at))
        .where(table.c[dated_in] == bindparam(dated_in, type_=table.c[dated_in].type), table.c.created_at < given + _MAX_SKEW)
        .scalar_subquery()
    )
    return func.greatest(given, last + literal_column("interval '1 microsecond'", Interval))


def _stands_last(table: Table, dated_in: str, given: Any) -> Any:
    """Whether no row of the list would stand after one with this `created_at`."""
    created_at = table.c.created_at
    later = (created_at >= given.c.created_at) & (created_at < given.c.created_at + _MAX_SKEW)
    return ~exists(select(literal_column("1")).where(table.c[dated_in] == given.c[dated_in], later))


def _batch_insert(
    cls: type[Any],
    table: Table,
    parent: Table,
    dated_in: str | None,
    *,
    with_keys: bool,
    with_entries: bool,
    counted: bool,
) -> Insert:
    names = written_names(cls)
    named = (column(name, table.c[name].type) for name in names)
    given = recordset("rows", "given", *named, column("parent", Uuid), column("parent_seen", Xid()))
    unchanged = (parent.c.id == given.c.parent) & (xmin(parent) == given.c.parent_seen)
    found = select(*(given.c[name] for name in names)).join(parent, unchanged)
    if dated_in is not None:
        found = found.where(_stands_last(table, dated_in, given))
    claimed = claim_keys() if with_keys else None
    if claimed is not None:
        found = found.join(claimed, claimed.c.row == given.c.id)
    locked = found.with_for_update(of=parent, read=True, skip_locked=True).cte("locked")
    rows = insert(table).from_select([table.c[name] for name in names], select(*(locked.c[name] for name in names)))
    created = rows.on_conflict_do_nothing().returning(table.c.id).cte("created")

    events = events_param(column("row", Uuid), *([COUNTED] if counted else ()))
    own_events = select(events).join(created, created.c.id == events.c.row)
    statement: Insert = insert_events(events, own_events, counted=counted).returning(new_version())
    statement = statement.add_cte(_watch(created).cte("watched"))
    if with_entries:
        statement = statement.add_cte(*index_ctes(created))
    return statement if claimed is None else statement.add_cte(fail_unless_updated(claimed, created))


def _watch(created: Any) -> Insert:
    columns = (column("subject_id", Uuid), column("subject_type", Text), column("user_id", Uuid))
    given = recordset(WATCHERS, "watcher", column("row", Uuid), *columns)
    rows = select(*(given.c[each.name] for each in columns)).join(created, created.c.id == given.c.row)
    return insert(watchers).from_select([each.name for each in columns], rows).on_conflict_do_nothing()
