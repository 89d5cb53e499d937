"""Deletes entries of the streams that are older than the retention.

A stream is trimmed from its beginning, in batches of a thousand entries: `trimmed_to` moves and the entries go in one
transaction, so a reader either finds an entry or learns from `trimmed_to` that its cursor has expired. Entries are deleted up to
the first that is young enough; positions stay what they were. It may run in several processes at once and be interrupted
anywhere. A stream that cannot be trimmed is skipped for a while.

Activity is read from the same entries, so history reaches back as far as the retention does. An entry goes only when every
consumer of its stream has passed it (`persistence.workers.cursors`).

Rejected: one DELETE by age (it holds the locks of every stream at once, and an entry that was begun early and committed late
would leave a gap in the middle); partitions of `events` by time, to drop whole ones (every key of a partitioned table includes
what it is partitioned by, so nothing would hold a stream to one entry a position any more; `at` is read before the position
is assigned, so neighbours may lie in two partitions; and a stream of which a consumer has not passed everything would keep all
others').
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Text,
    and_,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)

from domain.errors import Unavailable
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.retry_schedule import RetrySchedule
from persistence.tables import INSTANT, consumer_cursors, events, streams

MAX_BATCH_ENTRIES: Final = 1000
_MAX_BATCH_STREAMS: Final = 200
logger = logging.getLogger(__name__)

_c, _e, _s = consumer_cursors, events, streams
_STREAM = bindparam("stream", type_=Text)
_BEFORE = bindparam("before", type_=INSTANT)
_SIZE = bindparam("size", type_=Integer)

_oldest = select(_e.c.at).where(_e.c.stream == _s.c.stream).order_by(_e.c.position).limit(1).lateral("oldest")
_EXPIRING = Statement(
    select(_s.c.stream)
    .select_from(_s.join(_oldest, true()))
    .where(
        _s.c.stream > bindparam("after", type_=Text),
        _s.c.stream != func.all(bindparam("skipped", type_=ARRAY(Text))),
        _oldest.c.at < _BEFORE,
    )
    .order_by(_s.c.stream)
    .limit(_SIZE)
)
_readers = (
    func.unnest(bindparam("names", type_=ARRAY(Text)), bindparam("kinds", type_=ARRAY(Text)))
    .table_valued(column("consumer", Text), column("kind", Text), name="reader")
    .render_derived()
)
_passed_by_all = (
    select(func.min(func.coalesce(_c.c.position, literal_column("0"))))
    .select_from(_readers.outerjoin(_c, and_(_c.c.consumer == _readers.c.consumer, _c.c.stream == _STREAM)))
    .where(_readers.c.kind == func.split_part(_STREAM, literal_column("':'"), literal_column("1")))
    .scalar_subquery()
)
_page = select(_e.c.position, _e.c.at).where(_e.c.stream == _STREAM).order_by(_e.c.position).limit(_SIZE).cte("page")
_LAST_EXPIRED = Statement(
    select(
        func.least(
            func.coalesce(func.min(_page.c.position).filter(_page.c.at >= _BEFORE) - 1, func.max(_page.c.position)),
            _passed_by_all,
        ),
        func.max(_page.c.position),
    )
)
_TO = bindparam("to", type_=BigInteger)
_MOVE_TRIMMED_TO = Statement(update(_s).where(_s.c.stream == _STREAM, _s.c.trimmed_to < _TO).values(trimmed_to=_TO))
_DELETE = Statement(delete(_e).where(_e.c.stream == _STREAM, _e.c.position <= _TO))


async def trim_events(
    database: Database,
    *,
    before: datetime,
    readers: Sequence[tuple[str, str]] = (),
    batch: int = MAX_BATCH_ENTRIES,
    retries: RetrySchedule[str] | None = None,
) -> int:
    """Delete the entries of all streams that are older than `before`, `batch` at a time; how many.

    `readers`: the consumers that must have passed them, with the kinds of streams that they read. Streams that fail are recorded
    in `retries`. Raises Unavailable when the database does not answer.
    """
    retries = RetrySchedule() if retries is None else retries
    count, after = 0, ""
    params = {"before": before, "size": _MAX_BATCH_STREAMS, "skipped": retries.skipped()}
    while names := [row[0] for row in await database.fetch(_EXPIRING, after=after, **params)]:
        for stream in names:
            try:
                count += await _trim(database, stream, before, readers, batch)
            except Exception as error:  # one broken or locked stream must not stop the others
                if isinstance(error, Unavailable) and not isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                    raise
                logger.exception(
                    "The stream %s cannot be trimmed, tried again in %.0f s.", stream, retries.record_failure(stream)
                )
            else:
                retries.record_success(stream)
        after = names[-1]
    return count


async def _trim(database: Database, stream: str, before: datetime, readers: Sequence[tuple[str, str]], batch: int) -> int:
    count = 0
    params = {"names": [name for name, _ in readers], "kinds": [kind for _, kind in readers]}
    while True:
        to, last = await database.fetch_row(_LAST_EXPIRED, stream=stream, before=before, size=batch, **params)
        if last is None:
            return count
        async with database.begin() as connection:
            await connection.execute(_MOVE_TRIMMED_TO, stream=stream, to=to)
            deleted = await connection.execute(_DELETE, stream=stream, to=to)
        count += deleted
        if deleted < batch:
            return count
