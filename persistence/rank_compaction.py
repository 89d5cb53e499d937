"""Compacts the ranks of lists in which one has grown too long (`domain.rank_compaction`), while people go on moving things.

Each turn is a transaction that locks the project, as every move and creation does: so what is put at a busy place meanwhile waits
for a moment, and continues from short ranks. Rejected: plans that are made without the lock and applied in parts; whatever came
to the place meanwhile would go on from the long ranks for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam

from domain.document.compact_ranks import compact_ranks as compact_documents
from domain.errors import Unavailable
from domain.events import Entry
from domain.rank_compaction import Move, plan_moves
from domain.task.compact_ranks import compact_ranks as compact_tasks
from persistence.blobs.document_objects import DocumentObjects
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.stores import document_statements, task
from persistence.tables import former_ranks
from persistence.tables.columns import INSTANT
from persistence.unit_of_work import Announcer, run_in_unit_of_work

CURSOR_LIFETIME: Final = timedelta(days=7)
"""How long a cursor that was made before a compaction stands where it stood."""
_MAX_LISTS: Final = 20
_MAX_TASKS: Final = 1_000
_MAX_DOCUMENTS: Final = 50  # each is an object in storage, too
_MAX_FAILURES: Final = 20
_PAUSE_SECONDS: Final = 0.02
_ENTRIES_AT_ONCE: Final = 50

_DELETE_OLD: Final = Statement(former_ranks.delete().where(former_ranks.c.created_at < bindparam("before", type_=INSTANT)))

Compact = Callable[[UUID], Awaitable[int]]


async def compact_all_ranks(database: Database, announcer: Announcer, objects: DocumentObjects) -> int:
    """Compact the lists that need it, some in a turn; how many ranks were replaced. Raises Unavailable."""
    paced = _PacedAnnouncer(announcer)

    async def compact_list_of_tasks(project_id: UUID) -> int:
        return await run_in_unit_of_work(
            database, paced, lambda uow: compact_tasks(uow, project_id, max_moves=_MAX_TASKS, plan=_plan)
        )

    async def compact_list_of_documents(project_id: UUID) -> int:
        return await run_in_unit_of_work(
            database,
            paced,
            lambda uow: compact_documents(uow, project_id, max_moves=_MAX_DOCUMENTS, plan=_plan),
            objects=objects,
        )

    replaced = 0
    for ranks, compact in ((task.RANKS, compact_list_of_tasks), (document_statements.RANKS, compact_list_of_documents)):
        for row in await database.fetch(ranks.projects, size=_MAX_LISTS):
            replaced += await _compact_list(row[0], compact)
    return replaced


async def delete_old_ranks(database: Database, now: datetime) -> None:
    """Forget what ranks were before they were compacted, once cursors are too old."""
    await database.fetch(_DELETE_OLD, before=now - CURSOR_LIFETIME)


async def _compact_list(project_id: UUID, compact: Compact) -> int:
    """Compact one list; how many ranks were replaced. It is left to a later turn where others lock its rows again and again."""
    replaced = failures = 0
    while failures < _MAX_FAILURES:
        try:
            moved = await compact(project_id)
        except Unavailable:
            failures += 1
        else:
            if not moved:
                break
            replaced += moved
        await asyncio.sleep(_PAUSE_SECONDS)
    return replaced


async def _plan(low: str | None, ranks: Sequence[str], high: str | None) -> Sequence[Move]:
    return await asyncio.to_thread(plan_moves, low, ranks, high)


class _PacedAnnouncer:
    """Announces many entries without filling the queues of those who listen."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._announced = 0

    async def announce(self, entry: Entry) -> None:
        await self._announcer.announce(entry)
        self._announced += 1
        if self._announced % _ENTRIES_AT_ONCE == 0:
            await asyncio.sleep(_PAUSE_SECONDS)
