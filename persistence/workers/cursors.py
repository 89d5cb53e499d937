"""Reads the streams for consumers: a cursor for each consumer and stream, moved by the transaction that does the work.

A cursor is claimed by locking its row (`SKIP LOCKED`), so that of several workers one at a time reads a stream for a consumer,
and another does not wait for it. The lock ends with the transaction, also when its process is killed; then nothing of it was
done.

Rejected: advisory locks (they need a second look-up of what they protect, and hashes collide); leases (a clock decides who holds
one, and a slow holder goes on after it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Double,
    Integer,
    Text,
    bindparam,
    cast,
    extract,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from domain.events import Entry
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, row_class, to_entity
from persistence.engine.statement import Statement
from persistence.tables import consumer_cursors, consumers, events, streams

_MAX_ERROR_CHARS = 2_000
_REGISTER_BATCH_STREAMS = 5_000
_c, _s = consumer_cursors, streams
_STREAM, _CONSUMER = bindparam("stream", type_=Text), bindparam("consumer", type_=Text)
_POSITION, _TYPES = bindparam("position", type_=BigInteger), bindparam("types", type_=ARRAY(Text))
_ONE_CURSOR = (_c.c.stream == _STREAM, _c.c.consumer == _CONSUMER)

_CLAIM = Statement(
    select(
        _c.c.position,
        _c.c.failures,
        cast(func.greatest(extract("epoch", _c.c.retry_at - func.clock_timestamp()), 0), Double).label("wait_seconds"),
    )
    .where(*_ONE_CURSOR)
    .with_for_update(skip_locked=True)
)
_made = (
    insert(_c)
    .from_select(
        ["stream", "consumer", "position"],
        select(_s.c.stream, cast(_CONSUMER, Text), literal_column("0")).where(_s.c.stream == _STREAM),
    )
    .on_conflict_do_nothing()
    .returning(_c.c.position)
    .cte("made")
)
_CREATE = Statement(
    select(select(_made).exists().label("made"), select(_c.c.position).where(*_ONE_CURSOR).exists().label("there")).add_cte(_made)
)
_window = (
    select(*columns(Entry, events))
    .where(events.c.stream == _STREAM, events.c.position > _POSITION)
    .order_by(events.c.position)
    .limit(bindparam("size", type_=Integer))
    .cte("entries")
)
_last = select(func.max(_window.c.position).label("scanned_to")).cte("last")
_READ = Statement(
    select(*_window.c, _last.c.scanned_to)
    .select_from(_last.outerjoin(_window, or_(_TYPES.is_(None), _window.c.type == func.any(_TYPES))))
    .where(_last.c.scanned_to.is_not(None))
    .order_by(_window.c.position),
    row_class(Entry),
)
_ADVANCE = Statement(
    update(_c)
    .where(*_ONE_CURSOR)
    .values(position=_POSITION, failures=literal_column("0"), retry_at=literal_column("NULL"), error=literal_column("NULL"))
)
_FAIL = Statement(
    update(_c)
    .where(*_ONE_CURSOR, _c.c.position == _POSITION, _c.c.failures == bindparam("known_failures", type_=Integer))
    .values(
        failures=_c.c.failures + 1,
        retry_at=func.clock_timestamp() + bindparam("delay_seconds", type_=Double) * text("interval '1 second'"),
        error=bindparam("message", type_=Text),
    )
)
_REGISTERED = Statement(select(consumers.c.since).where(consumers.c.name == _CONSUMER))
_REGISTER = Statement(insert(consumers).values(name=_CONSUMER, since=func.now()).on_conflict_do_nothing())
_page = (
    select(_s.c.stream, _s.c.position)
    .where(_s.c.stream > bindparam("after", type_=Text))
    .order_by(_s.c.stream)
    .limit(literal_column(str(_REGISTER_BATCH_STREAMS)))
    .cte("page")
)
_begun = (
    insert(_c)
    .from_select(["stream", "consumer", "position"], select(_page.c.stream, cast(_CONSUMER, Text), _page.c.position))
    .on_conflict_do_nothing()
    .cte("begun")
)
_START_AT_HEADS = Statement(select(func.max(_page.c.stream)).add_cte(_begun))
_START_ALL_AT_HEADS = Statement(
    insert(_c)
    .from_select(
        ["stream", "consumer", "position"],
        select(_s.c.stream, consumers.c.name, _s.c.position).select_from(_s.join(consumers, true())),
    )
    .on_conflict_do_nothing()
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A cursor whose row this transaction holds. `wait_seconds`: how long until it may be tried again after a failure."""

    position: int
    failures: int
    wait_seconds: float


class Created(Enum):
    """What came of making a cursor."""

    NEW = auto()
    EXISTING = auto()
    NO_STREAM = auto()


@dataclass(frozen=True, slots=True)
class Window:
    """Entries of a stream that a consumer reads, and the position up to which the stream was looked through for them."""

    entries: Sequence[Entry]
    scanned_to: int | None


async def claim(connection: Connection, consumer: str, stream: str) -> Claim | None:
    """Lock a cursor until the end of the transaction; None where another worker holds it, or where it is not there yet."""
    row = await connection.fetch_row(_CLAIM, consumer=consumer, stream=stream)
    return None if row is None else Claim(row["position"], row["failures"], row["wait_seconds"])


async def create(database: Database, consumer: str, stream: str) -> Created:
    """Make the cursor of a stream, at its beginning, unless it is there or the stream is not."""
    row = await database.fetch_row(_CREATE, consumer=consumer, stream=stream)
    return Created.NEW if row["made"] else Created.EXISTING if row["there"] else Created.NO_STREAM


async def read(connection: Connection, stream: str, after: int, size: int, types: Sequence[str] | None) -> Window:
    """The next `size` entries of a stream, of which those of some types (None: of any) are returned."""
    rows = await connection.fetch(_READ, stream=stream, position=after, size=size, types=types)
    return Window([to_entity(Entry, row) for row in rows if row["id"] is not None], rows[0]["scanned_to"] if rows else None)


async def advance(connection: Connection, consumer: str, stream: str, position: int) -> None:
    """Move a claimed cursor; what is behind it is done."""
    await connection.execute(_ADVANCE, consumer=consumer, stream=stream, position=position)


async def record_failure(
    database: Database, consumer: str, stream: str, known: Claim, *, delay_seconds: float, error: str
) -> None:
    """Count a failure at a position, unless another worker has moved the cursor or counted it."""
    async with database.begin() as connection:
        await connection.execute(
            _FAIL,
            consumer=consumer,
            stream=stream,
            position=known.position,
            known_failures=known.failures,
            delay_seconds=delay_seconds,
            message=shortened(error),
        )


async def register(database: Database, consumer: str, *, from_now: bool) -> bool:
    """
    Make a consumer known; whether it was new.

    `from_now`: its cursors begin at the heads of the streams, so that it does not read what happened before it was there. May be
    called by several workers at once, and be interrupted anywhere.
    """
    if await database.fetch_value(_REGISTERED, consumer=consumer) is not None:
        return False
    after: str | None = "" if from_now else None
    while after is not None:
        async with database.begin() as connection:
            after = await connection.fetch_value(_START_AT_HEADS, consumer=consumer, after=after)
    async with database.begin() as connection:
        await connection.execute(_REGISTER, consumer=consumer)
    return True


async def start_all_at_heads(connection: Connection) -> None:
    """Have all known consumers begin at the heads of the streams that none has read yet: what is in them is history."""
    await connection.execute(_START_ALL_AT_HEADS)


def shortened(error: str) -> str:
    """An error as it is stored: no U+0000, which Postgres refuses, and 2,000 characters at most."""
    return error.replace("\0", "�")[:_MAX_ERROR_CHARS]
