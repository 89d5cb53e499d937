"""The event log: ordered, gap-free streams in one table.

A transaction's events are given their positions last, by bumping the counter row of their stream: whoever bumps it holds it until
its commit, so positions become visible in order and without gaps, and the lock is as short as it can be. Streams are bumped in the
order of their names, so that two transactions cannot wait for each other.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, Text, bindparam, column, func, select, true
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from domain.codec import encode
from domain.events import Entry, Event
from persistence.access import ids
from persistence.asking import AskedTogether
from persistence.database import Connection, Database, Statement
from persistence.rows import added, columns, row_class, values, whole
from persistence.tables import events, streams

_BUMP = Statement(
    insert(streams)
    .values(stream=bindparam("stream"), position=bindparam("count", type_=BigInteger))
    .on_conflict_do_update(
        index_elements=[streams.c.stream], set_={"position": streams.c.position + bindparam("count", type_=BigInteger)}
    )
    .returning(streams.c.position)
)
_ADD = Statement(added(Entry, events))
_place = _BUMP.expression.cte("place")  # type: ignore[attr-defined]
_told = [name for name in (each.name for each in fields(Entry)) if name != "position"]
_BUMP_AND_ADD = Statement(
    insert(events)
    .from_select([*_told, "position"], select(*(bindparam(name, type_=events.c[name].type) for name in _told), _place.c.position))
    .returning(events.c.position)
)
_READ = Statement(
    select(*columns(Entry, events))
    .where(events.c.stream == bindparam("stream"), events.c.position > bindparam("after", type_=BigInteger))
    .order_by(events.c.position)
    .limit(bindparam("size", type_=Integer)),
    row_class(Entry),
)
_after = func.unnest(bindparam("streams", type_=ARRAY(Text)), bindparam("positions", type_=ARRAY(BigInteger)))
_place = _after.table_valued(column("stream", Text), column("position", BigInteger), name="place").render_derived()
_next = (
    select(*columns(Entry, events))
    .where(events.c.stream == _place.c.stream, events.c.position > _place.c.position)
    .order_by(events.c.position)
    .limit(bindparam("size", type_=Integer))
    .lateral("next")
)
_READ_MANY = Statement(
    select(*_next.c).select_from(_place.join(_next, true())).order_by(_next.c.stream, _next.c.position), row_class(Entry)
)
_HEADS = Statement(
    select(streams.c.stream, streams.c.position, streams.c.trimmed_to).where(
        streams.c.stream == func.any(bindparam("streams", type_=ARRAY(Text)))
    )
)
_BY_ID = Statement(select(*columns(Entry, events)).where(events.c.id == ids()), row_class(Entry))


async def append(
    connection: Connection, recorded: Sequence[Event], *, at: datetime, client_mutation_id: str | None
) -> list[Entry]:
    """Give events their places and keep them; to be called last in a transaction."""
    if len(recorded) == 1:
        return [await _append_one(connection, recorded[0], at, client_mutation_id)]
    by_stream: dict[str, list[Event]] = defaultdict(list)
    for event in recorded:
        by_stream[event.stream].append(event)
    entries: list[Entry] = []
    for stream in sorted(by_stream):
        told = by_stream[stream]
        head: int = await connection.fetch_value(_BUMP, stream=stream, count=len(told))
        for place, event in enumerate(told, start=head - len(told) + 1):
            entries.append(entry_of(event, stream, place, at, client_mutation_id))
    if entries:
        await connection.execute_many(_ADD, [values(entry) for entry in entries])
    return entries


async def _append_one(connection: Connection, event: Event, at: datetime, client_mutation_id: str | None) -> Entry:
    """The same for one event, as most operations have, in one round trip."""
    told = values(entry_of(event, event.stream, 0, at, client_mutation_id))
    told["position"] = await connection.fetch_value(_BUMP_AND_ADD, **told, count=1)
    return Entry(**told)


def entry_of(
    event: Event, stream: str, position: int, at: datetime, client_mutation_id: str | None, *, id_: UUID | None = None
) -> Entry:
    """An event at its place in the log."""
    entity = event.entity
    about_type, about_id = event.about or (entity.type_name, entity.id)
    return Entry(
        stream=stream,
        position=position,
        id=id_ or uuid7(),
        type=type(event).__name__,
        version=1,
        kind=event.kind,
        entity_type=entity.type_name,
        entity_id=entity.id,
        about_type=about_type,
        about_id=about_id,
        project_id=event.project_id,
        payload={"entity": encode(entity), "changes": [encode(change) for change in event.changes]},
        actor_id=event.actor_id,
        client_mutation_id=client_mutation_id,
        at=at,
    )


class StreamLog:
    """The log as its readers see it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._together: AskedTogether[str, tuple[int, int]] = AskedTogether(self._bounds)

    async def read(self, stream: str, after: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries of a stream that come after a position, in order."""
        rows = await self._database.fetch(_READ, stream=stream, after=after, size=limit)
        return [whole(Entry, row) for row in rows]

    async def read_many(self, positions: Mapping[str, int], limit: int) -> dict[str, list[Entry]]:
        """Up to `limit` entries of each stream that come after its position, in order."""
        given = {"streams": list(positions), "positions": list(positions.values())}
        found: dict[str, list[Entry]] = defaultdict(list)
        for row in await self._database.fetch(_READ_MANY, **given, size=limit):
            found[row.stream].append(whole(Entry, row))
        return found

    async def head(self, stream: str) -> int:
        """The last position of a stream; 0 when nothing was ever told in it."""
        return (await self.heads([stream])).get(stream, 0)

    async def heads(self, names: Sequence[str]) -> Mapping[str, int]:
        """The last positions of many streams; those without entries may be missing."""
        rows = await self._database.fetch(_HEADS, streams=list(names))
        return {row["stream"]: row["position"] for row in rows}

    async def bounds(self, names: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """For each stream the position up to which it was trimmed away, and its last; one question for all who ask at once."""
        return dict(zip(names, await asyncio.gather(*map(self._together.ask, names)), strict=True))

    async def _bounds(self, names: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        rows = await self._database.fetch(_HEADS, streams=list(names))
        found = {row["stream"]: (row["trimmed_to"], row["position"]) for row in rows}
        return {name: found.get(name, (0, 0)) for name in names}

    async def by_ids(self, entry_ids: Sequence[UUID]) -> dict[UUID, Any]:
        """Entries by their ids."""
        rows = await self._database.fetch(_BY_ID, ids=list(entry_ids))
        return {row.id: row for row in rows}
