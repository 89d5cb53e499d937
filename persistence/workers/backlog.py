"""Finds the streams that consumers have not read to their ends, and how far behind they are.

Wake-ups may be lost, so the leading worker looks through all streams, over and over. It reads ranges of two primary keys, a page
of streams at a time, and then rests for a multiple of the time that it took: the share of the database that it uses is bounded,
however many streams there are.

Rejected: a mark that every write sets and the worker deletes (two more rows for each event); an index on the positions of streams
(their updates would no longer be HOT, and they are the busiest rows).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import (
    ARRAY,
    Double,
    Integer,
    Text,
    and_,
    bindparam,
    cast,
    column,
    extract,
    func,
    literal_column,
    select,
    true,
)

from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import consumer_cursors, events, streams

PAGE_STREAMS: Final = 2_000
_c, _s, _e = consumer_cursors, streams, events
_readers = (
    func.unnest(bindparam("names", type_=ARRAY(Text)), bindparam("kinds", type_=ARRAY(Text)))
    .table_valued(column("consumer", Text), column("kind", Text), name="reader")
    .render_derived()
)
_AFTER, _END = bindparam("after", type_=Text), bindparam("end", type_=Text)
_page = (
    select(_s.c.stream, _s.c.position, _s.c.trimmed_to)
    .where(_s.c.stream > _AFTER, _s.c.stream <= _END)
    .cte("page")
    .prefix_with("MATERIALIZED")
)
# Both are read as ranges and joined by hash: one by one, cursors took three times the pages.
_cursors = (
    select(_c.c.stream, _c.c.consumer, _c.c.position)
    .where(_c.c.stream > _AFTER, _c.c.stream <= _END)
    .cte("cursors")
    .prefix_with("MATERIALIZED")
)
_done = func.greatest(func.coalesce(_cursors.c.position, literal_column("0")), _page.c.trimmed_to)
_oldest = (
    select(_e.c.at).where(_e.c.stream == _page.c.stream, _e.c.position > _done).order_by(_e.c.position).limit(1).lateral("oldest")
)
_BEHIND = Statement(
    select(
        _page.c.stream,
        _readers.c.consumer,
        (_page.c.position - _done).label("events"),
        cast(extract("epoch", func.clock_timestamp() - _oldest.c.at), Double).label("seconds"),
    )
    .select_from(
        _page.join(_readers, func.split_part(_page.c.stream, literal_column("':'"), literal_column("1")) == _readers.c.kind)
        .outerjoin(_cursors, and_(_cursors.c.stream == _page.c.stream, _cursors.c.consumer == _readers.c.consumer))
        .outerjoin(_oldest, true())
    )
    .where(_page.c.position > _done)
)
_next_page = (
    select(_s.c.stream).where(_s.c.stream > _AFTER).order_by(_s.c.stream).limit(bindparam("size", type_=Integer)).subquery()
)
_PAGE_END = Statement(select(func.max(_next_page.c.stream)))


@dataclass(slots=True)
class Lag:
    """How far a consumer is behind: events of all streams, and the age of the oldest in seconds."""

    events: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """The streams of one page that are not read to their ends, and the lag of each consumer there. `end`: where the next page
    begins; None after the last."""

    end: str | None
    streams: Sequence[str]
    lags: Mapping[str, Lag] = field(default_factory=dict)


async def read_backlog(
    database: Database, readers: Sequence[tuple[str, str]], after: str, *, page_streams: int = PAGE_STREAMS
) -> Backlog:
    """One page of the streams, for `readers`: pairs of a consumer and a kind of streams (`team`)."""
    end = await database.fetch_value(_PAGE_END, after=after, size=page_streams)
    if end is None:
        return Backlog(None, ())
    params = {"after": after, "end": end, "names": [name for name, _ in readers], "kinds": [kind for _, kind in readers]}
    behind: dict[str, None] = {}
    lags: dict[str, Lag] = {}
    for row in await database.fetch(_BEHIND, **params):
        behind[row["stream"]] = None
        lag = lags.setdefault(row["consumer"], Lag())
        lag.events += row["events"]
        lag.seconds = max(lag.seconds, row["seconds"] or 0.0)
    return Backlog(end, list(behind), lags)
