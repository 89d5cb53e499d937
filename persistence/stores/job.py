"""Jobs that people have started: the store, the list, who may have their files, and their retention.

A job is work for the workers as well (`persistence.workers.jobs`), under the same id and of the kind `queue_kind`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, and_, bindparam, column, exists, func, literal_column, not_, or_, select
from sqlalchemy.dialects.postgresql import insert

from domain.job import Job, file_key
from domain.job.entity import MAX_FILES
from domain.page import Order
from persistence.access import VIEWER, any_id, project_visible, team_visible
from persistence.engine.advisory_lock import lock_id
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, discarded_blobs, user_jobs, users
from persistence.workers import jobs as queue_jobs

MAX_RUNNING_OF_TEAM = 2
_j, _discarded = user_jobs, discarded_blobs
_ID, _USER, _TEAM = bindparam("id", type_=Uuid), bindparam("user", type_=Uuid), bindparam("team", type_=Uuid)
_AT, _SIZE = bindparam("at", type_=INSTANT), bindparam("size", type_=Integer)
_ONE: Any = literal_column("1")
_ROW = row_class(Job)
_ADD = Statement(insert_row(Job, _j))
_SAVE = Statement(update_row(Job, _j, exclude=("kind", "creator_id", "team_id", "scopes", "parameters")))
_LOCK = Statement(select(*columns(Job, _j)).where(_j.c.id == _ID).with_for_update())
_COUNT_OWN = Statement(select(func.count()).where(_j.c.creator_id == _USER, _j.c.finished_at.is_(None)))
_COUNT_OF_TEAM = Statement(select(func.count()).where(_j.c.team_id == _TEAM, _j.c.finished_at.is_(None)))
_is_older = and_(
    _j.c.finished_at.is_(None),
    or_(_j.c.created_at < _AT, and_(_j.c.created_at == _AT, _j.c.id < _ID)),
)
_OLDER = Statement(
    select(
        func.count().filter(_j.c.creator_id == _USER).label("own"),
        func.count().filter(_j.c.team_id == _TEAM).label("of_team"),
    ).where(_is_older, or_(_j.c.creator_id == _USER, _j.c.team_id == _TEAM))
)
_DISCARD = Statement(
    insert(_discarded)
    .from_select(["key", "at"], select(func.unnest(bindparam("keys", type_=ARRAY(Text))), _AT))
    .on_conflict_do_nothing()
)
_OF_USER = Statement(select(*columns(Job, _j)).where(_j.c.creator_id == _USER).with_for_update())
_REMOVE = Statement(_j.delete().where(_j.c.id == any_id()))
_BY_IDS = Statement(select(*columns(Job, _j)).where(_j.c.id == any_id(), _j.c.creator_id == VIEWER), _ROW)
_BY_ID = Statement(select(*columns(Job, _j)).where(_j.c.id == _ID), _ROW)
_is_active = exists(
    select(_ONE).where(users.c.id == _j.c.creator_id, users.c.status == literal_column("'ACTIVE'")).offset(literal_column("0"))
)
_held = func.unnest(_j.c.project_ids).table_valued(column("project_id", Uuid), name="held").render_derived()
_unseen_project = select(_ONE).select_from(_held).where(not_(project_visible(_held.c.project_id, by_id=True)))
_DOWNLOADABLE = Statement(
    select(_j.c.id).where(
        _j.c.id == any_id(),
        _j.c.creator_id == VIEWER,
        _is_active,
        team_visible(_j.c.team_id, by_id=True),
        not_(exists(_unseen_project.offset(literal_column("0")))),
    )
)
_OLD = Statement(
    select(*columns(Job, _j))
    .where(_j.c.finished_at < bindparam("before", type_=INSTANT))
    .order_by(_j.c.finished_at)
    .limit(_SIZE)
    .with_for_update(skip_locked=True)
)

JOBS = ListQuery(
    cls=Job,
    source=_j,
    id=_j.c.id,
    sorts={"CREATED_AT": (SortColumn(_j.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT", descending=True),),
    visible=lambda: _j.c.creator_id == VIEWER,
    fields={"kind": _j.c.kind},
)


def queue_kind(job: Job) -> str:
    """The kind of the work that a job is for the workers."""
    return job.kind.lower()


class SqlJobs:
    """Jobs over one transaction. The kinds of what is enqueued are added to `enqueued_kinds`."""

    def __init__(self, connection: Connection, enqueued_kinds: set[str]) -> None:
        self._connection = connection
        self._enqueued_kinds = enqueued_kinds

    async def add(self, job: Job) -> None:
        """Insert a new job, and enqueue it."""
        await self._connection.execute(_ADD, **to_params(job))
        await queue_jobs.add(self._connection, queue_kind(job), job.id, {})
        self._enqueued_kinds.add(queue_kind(job))

    async def count_unfinished_locked(self, user_id: UUID, team_id: UUID) -> tuple[int, int]:
        """How many jobs of a person and of a team are unfinished; the ids of both are locked until the end of the transaction."""
        for each in sorted((user_id, team_id)):
            await lock_id(self._connection, each)
        own: int = await self._connection.fetch_value(_COUNT_OWN, user=user_id)
        of_team: int = await self._connection.fetch_value(_COUNT_OF_TEAM, team=team_id)
        return own, of_team

    async def lock(self, job_id: UUID, user_id: UUID) -> Job | None:
        """A person's own job, locked."""
        job = await self.lock_for_worker(job_id)
        return job if job is not None and job.creator_id == user_id else None

    async def lock_for_worker(self, job_id: UUID) -> Job | None:
        """A job, locked."""
        row = await self._connection.fetch_row(_LOCK, id=job_id)
        return None if row is None else to_entity(Job, row)

    async def is_turn(self, job: Job) -> bool:
        """Whether no older job of its person is unfinished, and fewer than MAX_RUNNING_OF_TEAM of its team are. The oldest job
        of all may always run, so that jobs cannot wait for each other."""
        older = await self._connection.fetch_row(_OLDER, id=job.id, at=job.created_at, user=job.creator_id, team=job.team_id)
        return bool(older["own"] == 0 and older["of_team"] < MAX_RUNNING_OF_TEAM)

    async def save(self, job: Job) -> None:
        """Update a changed job."""
        await self._connection.execute(_SAVE, **to_params(job))

    async def dequeue(self, job: Job) -> None:
        """Take a job from the workers."""
        await queue_jobs.remove(self._connection, [job.id])

    async def discard_files(self, job: Job, *, now: datetime, except_attempt: int | None = None) -> None:
        """Let the blobs that its tries may have stored be deleted, those of one excepted; keys without a blob do no harm."""
        for attempt in range(1, job.attempt + 1):
            if attempt != except_attempt:
                await self.discard_try(job.id, attempt, now=now)

    async def discard_try(self, job_id: UUID, attempt: int, *, now: datetime) -> None:
        """Let the blobs that one try may have stored be deleted."""
        keys = [file_key(job_id, attempt, index) for index in range(MAX_FILES)]
        await self._connection.execute(_DISCARD, keys=keys, at=now)

    async def remove_all(self, user_id: UUID, now: datetime) -> None:
        """Delete all jobs of a person, with their files."""
        found = [to_entity(Job, row) for row in await self._connection.fetch(_OF_USER, user=user_id)]
        await self._remove(found, now)

    async def remove_older(self, before: datetime, now: datetime, *, limit: int) -> int:
        """Delete the jobs that ended first, before an instant, with their files; how many."""
        found = [to_entity(Job, row) for row in await self._connection.fetch(_OLD, before=before, size=limit)]
        await self._remove(found, now)
        return len(found)

    async def _remove(self, jobs: Sequence[Job], now: datetime) -> None:
        for each in jobs:
            await self.discard_files(each, now=now)
        if ids := [each.id for each in jobs]:
            await queue_jobs.remove(self._connection, ids)
            await self._connection.execute(_REMOVE, ids=ids)


async def by_ids(database: Database, viewer: UUID, job_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the jobs that are the viewer's own."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(job_ids), viewer=viewer)}


async def get(database: Database, job_id: UUID) -> Any:
    """A job, for the server itself; None when there is none."""
    return await database.fetch_row(_BY_ID, id=job_id)


async def downloadable(database: Database, viewer: UUID, job_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the viewer's jobs whose files they may have now: they may sign in, belong to the team, and see every project whose
    contents are in the files."""
    rows = await database.fetch(_DOWNLOADABLE, ids=list(job_ids), viewer=viewer)
    return frozenset(row[0] for row in rows)
