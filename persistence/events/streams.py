"""Appends events to streams and reads them: ordered, gap-free streams in one table.

A transaction's events are assigned their positions last, by advancing the counter row of their stream: the transaction that
advances it locks it until its commit, so positions become visible in order and without gaps, and the lock is as short as it can
be. Counters are advanced in the order of the streams' names, so that two transactions cannot wait for each other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnClause,
    Insert,
    Integer,
    Select,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from domain.events import Entry, Event
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.request_coalescing import Coalescer
from persistence.engine.rows import columns, recordset, row_class, to_entity
from persistence.engine.statement import Statement
from persistence.events.task_counts import COUNTED, CountedParam, moved_counts
from persistence.tables import events, streams

_event_columns = tuple(each.name for each in fields(Entry) if each.name != "position")


def events_param(*extra: ColumnClause[Any]) -> Any:
    """The parameter `events` as rows: a JSON array of what `event_row` returns, each with its number `nr` in their order, and
    with the `extra` columns."""
    return recordset(
        "events", "event", *(column(name, events.c[name].type) for name in _event_columns), column("nr", Integer), *extra
    )


def insert_events(event_rows: Any, selected: Select[Any], *, counted: bool = False) -> Insert:
    """Assign positions to the events that `selected` selects of `event_rows`, and insert them. Returns `id` and `position` of
    each. `counted`: the rows say in their column COUNTED which numbers of tasks are moved."""
    numbered = selected.with_only_columns(
        *(event_rows.c[name] for name in _event_columns),
        func.row_number().over(partition_by=event_rows.c.stream, order_by=event_rows.c.nr.desc()).label("from_last"),
        *([event_rows.c.counted] if counted else ()),
        maintain_column_froms=True,
    ).cte("numbered")
    heads = insert(streams).from_select(
        ["stream", "position"], select(numbered.c.stream, func.count()).group_by(numbered.c.stream).order_by(numbered.c.stream)
    )
    heads = heads.on_conflict_do_update(
        index_elements=[streams.c.stream], set_={"position": streams.c.position + heads.excluded.position}
    )
    head = heads.returning(streams.c.stream, streams.c.position).cte("head")
    position = head.c.position + literal_column("1") - numbered.c.from_last
    positioned = select(*(numbered.c[name] for name in _event_columns), position)
    inserted = (
        insert(events)
        .from_select([*_event_columns, "position"], positioned.join(head, head.c.stream == numbered.c.stream))
        .returning(events.c.id, events.c.position)
    )
    return inserted.add_cte(*moved_counts(numbered, head)) if counted else inserted


_event_rows, _counted_rows = events_param(), events_param(COUNTED)
_APPEND = Statement(insert_events(_event_rows, select(_event_rows)))
_APPEND_COUNTED = Statement(insert_events(_counted_rows, select(_counted_rows), counted=True))
_READ = Statement(
    select(*columns(Entry, events))
    .where(events.c.stream == bindparam("stream"), events.c.position > bindparam("after", type_=BigInteger))
    .order_by(events.c.position)
    .limit(bindparam("size", type_=Integer)),
    row_class(Entry),
)
_HEADS = Statement(
    select(streams.c.stream, streams.c.position, streams.c.trimmed_to).where(
        streams.c.stream == func.any(bindparam("streams", type_=ARRAY(Text)))
    )
)
_BY_ID = Statement(select(*columns(Entry, events)).where(events.c.id == any_id()), row_class(Entry))


async def append(
    connection: Connection, event_rows: Sequence[dict[str, Any]], counted: Sequence[CountedParam] = ()
) -> dict[UUID, int]:
    """Assign events their positions and insert them, as the last step of a transaction; the positions by the events' ids.

    `counted`: for each event the numbers of tasks that it moves, if any.
    """
    rows: list[dict[str, Any]] = [{**each, "nr": nr} for nr, each in enumerate(event_rows)]
    if any(counted):
        rows = [{**each, "counted": own} for each, own in zip(rows, counted, strict=True)]
    inserted = await connection.fetch(_APPEND_COUNTED if any(counted) else _APPEND, events=rows)
    return {row[0]: row[1] for row in inserted}


def to_entry(
    event: Event, stream: str, position: int, at: datetime, client_mutation_id: str | None, *, id_: UUID | None = None
) -> Entry:
    """An event as an entry of the log."""
    return Entry(**(event_row(event, at, client_mutation_id, id_=id_) | {"stream": stream}), position=position)


def event_row(
    event: Event,
    at: datetime,
    client_mutation_id: str | None,
    *,
    id_: UUID | None = None,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """
    The attributes of an event's entry without its position.

    The payload becomes JSON where it is written: orjson encodes dataclasses as `codec.encode` does, and much faster.
    """
    entity = event.entity
    about_type, about_id = event.about or (entity.type_name, entity.id)
    payload: dict[str, Any] = {"entity": entity, "changes": event.changes}
    if (undo_values := event.undo_values) is not None:
        payload["undo"] = undo_values
    return {
        "stream": event.stream,
        "id": id_ or uuid7(),
        "type": type(event).__name__,
        "version": 1,
        "kind": event.kind,
        "entity_type": entity.type_name,
        "entity_id": entity.id,
        "about_type": about_type,
        "about_id": about_id,
        "project_id": event.project_id,
        "payload": payload,
        "actor_id": event.actor_id,
        "client_mutation_id": client_mutation_id,
        "at": at,
        "origin": origin,
    }


class StreamLog:
    """Reads the log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bounds_coalescer: Coalescer[str, tuple[int, int]] = Coalescer(self._bounds)

    async def read(self, stream: str, after: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries of a stream that come after a position, in order."""
        rows = await self._database.fetch(_READ, stream=stream, after=after, size=limit)
        return [to_entity(Entry, row) for row in rows]

    async def head(self, stream: str) -> int:
        """The last position of a stream; 0 when it has no entries."""
        return (await self.heads([stream])).get(stream, 0)

    async def heads(self, names: Sequence[str]) -> Mapping[str, int]:
        """The last positions of many streams; those without entries may be missing."""
        rows = await self._database.fetch(_HEADS, streams=list(names))
        return {row["stream"]: row["position"] for row in rows}

    async def bounds(self, names: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """For each stream the position up to which it was trimmed, and its last; concurrent calls share one query."""
        return dict(zip(names, await asyncio.gather(*map(self._bounds_coalescer.load, names)), strict=True))

    async def _bounds(self, names: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        rows = await self._database.fetch(_HEADS, streams=list(names))
        found = {row["stream"]: (row["trimmed_to"], row["position"]) for row in rows}
        return {name: found.get(name, (0, 0)) for name in names}

    async def by_ids(self, entry_ids: Sequence[UUID]) -> dict[UUID, Any]:
        """Entries by their ids."""
        rows = await self._database.fetch(_BY_ID, ids=list(entry_ids))
        return {row.id: row for row in rows}
