"""Stores what was tried too often and given up, whole, until somebody replays or drops it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, bindparam, func, or_, select, tuple_

from domain import codec
from domain.events import Entry, derived_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, dead_letters
from persistence.workers.cursors import shortened

_d = dead_letters


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One event that a consumer could not handle. `payload` is the whole entry: it outlives the retention of events."""

    id: UUID
    source: str
    name: str
    stream: str | None
    position: int | None
    payload: Mapping[str, Any]
    error: str
    tries: int
    created_at: datetime


_NAME = bindparam("name", type_=Text)
_INSERT = Statement(insert_row(DeadLetter, _d))
_LIST = Statement(
    select(*columns(DeadLetter, _d))
    .where(
        or_(_NAME.is_(None), _d.c.name == _NAME),
        tuple_(_d.c.created_at, _d.c.id) > tuple_(bindparam("after_at", type_=INSTANT), bindparam("after_id", type_=Uuid)),
    )
    .order_by(_d.c.created_at, _d.c.id)
    .limit(bindparam("size", type_=Integer)),
    row_class(DeadLetter),
)
_LOCK = Statement(
    select(*columns(DeadLetter, _d)).where(_d.c.id == bindparam("id", type_=Uuid)).with_for_update(), row_class(DeadLetter)
)
_DELETE = Statement(_d.delete().where(_d.c.id == bindparam("id", type_=Uuid)))
_COUNTS = Statement(select(_d.c.name, func.count()).group_by(_d.c.name))


def of_entry(consumer: str, entry: Entry, *, error: str, tries: int, now: datetime) -> DeadLetter:
    """An entry that a consumer could not handle. Its id derives from the event, so it is stored once."""
    return DeadLetter(
        id=derived_id(entry.id, "dead letter", consumer),
        source="consumer",
        name=consumer,
        stream=entry.stream,
        position=entry.position,
        payload=codec.encode(entry),
        error=shortened(error),
        tries=tries,
        created_at=now,
    )


async def add(connection: Connection, letter: DeadLetter) -> None:
    """Store a dead letter, unless it is there."""
    await connection.execute(_INSERT, **to_params(letter))


async def find(database: Database, *, name: str | None = None, after: tuple[datetime, UUID], size: int) -> Sequence[DeadLetter]:
    """Up to `size` dead letters (of one consumer) after the creation and id of another, oldest first."""
    rows = await database.fetch(_LIST, name=name, after_at=after[0], after_id=after[1], size=size)
    return [to_entity(DeadLetter, row) for row in rows]


async def lock(connection: Connection, letter_id: UUID) -> DeadLetter | None:
    """A dead letter, locked until the end of the transaction; None where it is gone."""
    row = await connection.fetch_row(_LOCK, id=letter_id)
    return None if row is None else to_entity(DeadLetter, row)


async def delete(connection: Connection, letter_id: UUID) -> bool:
    """Delete a dead letter; whether it was there."""
    return await connection.execute(_DELETE, id=letter_id) == 1


async def counts(database: Database) -> dict[str, int]:
    """How many dead letters each consumer has."""
    return {row[0]: row[1] for row in await database.fetch(_COUNTS)}
