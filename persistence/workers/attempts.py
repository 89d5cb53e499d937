"""Counts attempts at the events of a stream before they begin, so that one that ends its worker is known by the next worker.

A count is committed in a transaction of its own, while the cursor is held by that of the attempt: it stands when the process is
killed. Its commit waits for no disk, since only a crash of Postgres itself could lose it, which then ended no worker.

Rejected: counting in the row of the cursor, which the attempt itself has locked; counting in the transaction of the attempt,
which is undone with it; asking who died, since a worker that is killed tells nobody what it was doing.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Text, bindparam, case, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import consumer_attempts

_a = consumer_attempts
_UNSYNCED = select(
    func.set_config(literal_column("'synchronous_commit'"), literal_column("'off'"), literal_column("true")).label("commit")
).cte("unsynced")
_counted = insert(_a).from_select(
    ["stream", "consumer", "position", "attempts", "single_until"],
    select(
        bindparam("stream", type_=Text),
        bindparam("consumer", type_=Text),
        bindparam("position", type_=BigInteger),
        literal_column("1"),
        literal_column("0"),
    ).select_from(_UNSYNCED),
)
_is_again = _a.c.position == _counted.excluded.position
_COUNT = Statement(
    _counted.on_conflict_do_update(
        index_elements=[_a.c.stream, _a.c.consumer],
        set_={
            "position": _counted.excluded.position,
            "attempts": case((_is_again, _a.c.attempts + 1), else_=literal_column("1")),
            "single_until": case(
                (_is_again, func.greatest(_a.c.single_until, bindparam("until", type_=BigInteger))), else_=_a.c.single_until
            ),
        },
    ).returning(_a.c.attempts, _a.c.single_until)
)


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often the next events of a stream were begun, this time included; and up to which position they are handled one by one,
    since a batch of them was begun twice."""

    count: int
    single_until: int


async def count_attempt(database: Database, consumer: str, stream: str, after: int, *, until: int) -> Attempts:
    """Count one more attempt at the events after a position, which the caller has claimed. `until`: where the batch ends."""
    row = await database.fetch_row(_COUNT, stream=stream, consumer=consumer, position=after, until=until)
    return Attempts(row["attempts"], row["single_until"])
