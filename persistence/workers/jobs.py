"""Stores jobs: work that is done once it is due, outside of any transaction, and tried again until it is done.

A worker claims a job by moving `run_at` to when its lease ends, and counts the try, in a statement of its own (`SKIP LOCKED`): a
worker that dies lets the job come due again, and even a job that kills its worker is given up in the end. What a job did is
recorded by the transaction that deletes it, which fails where the lease has passed to another worker: so it is recorded once.
`tries` only ever grows, since it is the proof of a claim; tries that found that it was not the job's turn are counted beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Double, Integer, Text, Uuid, bindparam, cast, extract, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, dead_letters, jobs
from persistence.workers.cursors import shortened

_j, _d = jobs, dead_letters
_ID, _KIND, _TRIES = bindparam("id", type_=Uuid), bindparam("kind", type_=Text), bindparam("tries", type_=Integer)
_SECONDS = bindparam("seconds", type_=Double) * text("interval '1 second'")
_MESSAGE = bindparam("message", type_=Text)
_NOW = func.clock_timestamp()
_OURS = (_j.c.id == _ID, _j.c.tries == _TRIES)

_ADD = Statement(
    insert(_j)
    .values(
        id=_ID,
        kind=_KIND,
        payload=bindparam("payload", type_=JSONB),
        run_at=func.coalesce(bindparam("run_at", type_=INSTANT), _NOW),
    )
    .on_conflict_do_nothing()
)
_due = (
    select(_j.c.id)
    .where(_j.c.kind == _KIND, _j.c.run_at <= _NOW)
    .order_by(_j.c.run_at)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = Statement(
    _j.update()
    .where(_j.c.id == _due.c.id)
    .values(run_at=_NOW + _SECONDS, tries=_j.c.tries + 1)
    .returning(_j.c.id, _j.c.kind, _j.c.payload, _j.c.tries, _j.c.postponed, _j.c.created_at)
)
_RENEW = Statement(_j.update().where(*_OURS).values(run_at=_NOW + _SECONDS))
_POSTPONE = Statement(_j.update().where(*_OURS).values(run_at=_NOW + _SECONDS, postponed=_j.c.postponed + literal_column("1")))
_CANCEL = Statement(_j.delete().where(_j.c.id == any_id()))
_NEXT = Statement(select(cast(extract("epoch", func.min(_j.c.run_at) - _NOW), Double)).where(_j.c.kind == _KIND))
_DELETE = Statement(_j.delete().where(*_OURS))
_RETRY = Statement(_j.update().where(*_OURS).values(run_at=_NOW + _SECONDS, error=_MESSAGE))
_given_up = _j.delete().where(*_OURS).returning(_j.c.id, _j.c.kind, _j.c.payload, _j.c.tries).cte("given_up")
_GIVE_UP = Statement(
    insert(_d)
    .from_select(
        ["id", "source", "name", "payload", "error", "tries"],
        select(
            _given_up.c.id,
            literal_column("'job'"),
            _given_up.c.kind,
            _given_up.c.payload,
            _MESSAGE,
            _given_up.c.tries,
        ),
    )
    .on_conflict_do_nothing()
)
_PULL_FORWARD = Statement(_j.update().where(_j.c.tries > literal_column("0"), _j.c.run_at > _NOW + _SECONDS).values(run_at=_NOW))
_BACKLOG = Statement(
    select(
        _j.c.kind,
        func.count().label("jobs"),
        cast(extract("epoch", _NOW - func.min(_j.c.run_at)), Double).label("seconds"),
    )
    .where(_j.c.kind == func.any(bindparam("kinds", type_=ARRAY(Text))), _j.c.run_at <= _NOW)
    .group_by(_j.c.kind)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job that this worker may do until its lease ends. `tries` counts this one, and is the proof of the claim; `postponed`
    are those of them that were no failures."""

    id: UUID
    kind: str
    payload: Mapping[str, Any]
    tries: int
    postponed: int
    created_at: datetime


async def add(
    connection: Connection, kind: str, job_id: UUID, payload: Mapping[str, Any], *, run_at: datetime | None = None
) -> bool:
    """Add a job that is due at a time (None: now), unless there is one with its id; whether it was added."""
    return await connection.execute(_ADD, id=job_id, kind=kind, payload=payload, run_at=run_at) == 1


async def claim(database: Database, kind: str, size: int, *, lease_seconds: float) -> Sequence[ClaimedJob]:
    """Up to `size` jobs that are due, each leased to the caller."""
    rows = await database.fetch(_CLAIM, kind=kind, size=size, seconds=lease_seconds)
    return [ClaimedJob(**row) for row in rows]


async def seconds_until_next(database: Database, kind: str) -> float | None:
    """How long until the next job of a kind is due; None where there is none."""
    found: float | None = await database.fetch_value(_NEXT, kind=kind)
    return None if found is None else max(0.0, found)


async def delete(connection: Connection, job: ClaimedJob) -> bool:
    """Delete a job that is done; False where its lease has passed to another worker."""
    return await connection.execute(_DELETE, id=job.id, tries=job.tries) == 1


async def renew(database: Database, job: ClaimedJob, *, lease_seconds: float) -> bool:
    """Let the lease of a job that is under way last so long from now on; False where it has passed to another worker."""
    async with database.begin() as connection:
        return await connection.execute(_RENEW, id=job.id, tries=job.tries, seconds=lease_seconds) == 1


async def postpone(database: Database, job: ClaimedJob, *, delay_seconds: float) -> None:
    """Let a job whose turn it was not come due again; the try does not count as one."""
    async with database.begin() as connection:
        await connection.execute(_POSTPONE, id=job.id, tries=job.tries, seconds=delay_seconds)


async def remove(connection: Connection, job_ids: Sequence[UUID]) -> None:
    """Delete jobs that are not wanted any more, also while a worker does them: it can record nothing then."""
    await connection.execute(_CANCEL, ids=list(job_ids))


async def retry(database: Database, job: ClaimedJob, *, delay_seconds: float, error: str) -> None:
    """Let a job that failed come due again."""
    async with database.begin() as connection:
        await connection.execute(_RETRY, id=job.id, tries=job.tries, seconds=delay_seconds, message=shortened(error))


async def give_up(connection: Connection, job: ClaimedJob, *, error: str) -> bool:
    """Make a dead letter of a job; False where its lease has passed to another worker."""
    return await connection.execute(_GIVE_UP, id=job.id, tries=job.tries, message=shortened(error)) == 1


async def pull_forward(database: Database, *, beyond_seconds: float) -> int:
    """Let jobs come due that were tried and wait for longer than any pause or lease: the clock has jumped. How many."""
    async with database.begin() as connection:
        return await connection.execute(_PULL_FORWARD, seconds=beyond_seconds)


async def backlog(database: Database, kinds: Sequence[str]) -> dict[str, tuple[int, float]]:
    """For each kind with jobs that are due, how many there are, and for how many seconds the first has been."""
    return {row["kind"]: (row["jobs"], row["seconds"]) for row in await database.fetch(_BACKLOG, kinds=list(kinds))}
