"""Compacts the ranks of lists in which one has grown too long (`domain.rank_compaction`), while people go on moving things.

A list is read and planned without a lock. The moves are applied in small batches, each in a transaction that holds the project,
as every move and creation does, and that ends at once where somebody else holds one of its rows. A batch is applied only where
the list is still what the plan was made of; else the plan is made anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, func, literal_column, or_, select
from sqlalchemy.sql.schema import Table

from domain.document.compact_ranks import compact_ranks as compact_documents
from domain.errors import Unavailable
from domain.rank_compaction import FIXED_CHARS, MAX_RANK_CHARS, Move, plan_moves
from domain.task.compact_ranks import compact_ranks as compact_tasks
from persistence.blobs.document_objects import DocumentObjects
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import documents, former_ranks, tasks
from persistence.tables.columns import INSTANT
from persistence.unit_of_work import Announcer, run_in_unit_of_work

CURSOR_LIFETIME: Final = timedelta(days=7)
"""How long a cursor that was made before a compaction stands where it stood."""
_MAX_LISTS: Final = 20
_MAX_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.02
_BATCHES: Final = {tasks: 100, documents: 20}  # a document is an object in storage, too

Batch = Sequence[tuple[UUID, str]]
_PROJECT = bindparam("project", type_=Uuid)


@dataclass(frozen=True)
class _Statements:
    """How the ranks of one table are read."""

    lists: Statement
    bounds: Statement
    stretch: Statement


def _statements(table: Table) -> _Statements:
    length = func.length(table.c.rank)
    of_project = table.c.project_id == _PROJECT
    is_long, is_fixed = length > literal_column(str(MAX_RANK_CHARS)), length <= literal_column(str(FIXED_CHARS))
    first = select(func.min(table.c.rank)).where(of_project, is_long).scalar_subquery()
    low, high = bindparam("low", type_=Text), bindparam("high", type_=Text)
    return _Statements(
        lists=Statement(select(table.c.project_id).where(is_long).distinct().limit(_MAX_LISTS)),
        bounds=Statement(
            select(
                select(func.max(table.c.rank)).where(of_project, is_fixed, table.c.rank < first).scalar_subquery(),
                select(func.min(table.c.rank)).where(of_project, is_fixed, table.c.rank > first).scalar_subquery(),
                first.is_not(None),
            )
        ),
        stretch=Statement(
            select(table.c.id, func.left(table.c.rank, literal_column(str(MAX_RANK_CHARS + 1))))
            .where(of_project, or_(low.is_(None), table.c.rank > low), or_(high.is_(None), table.c.rank < high))
            .order_by(table.c.rank)
        ),
    )


_STATEMENTS: Final = {table: _statements(table) for table in _BATCHES}
_FORGET: Final = Statement(former_ranks.delete().where(former_ranks.c.created_at < bindparam("before", type_=INSTANT)))


async def compact_all_ranks(database: Database, announcer: Announcer, objects: DocumentObjects) -> int:
    """Compact the lists that need it, some at a time; how many ranks were replaced. Raises Unavailable."""

    async def apply_to_tasks(project_id: UUID, batch: Batch, upwards: bool) -> bool:
        return await run_in_unit_of_work(database, announcer, lambda uow: compact_tasks(uow, project_id, batch, upwards=upwards))

    async def apply_to_documents(project_id: UUID, batch: Batch, upwards: bool) -> bool:
        return await run_in_unit_of_work(
            database, announcer, lambda uow: compact_documents(uow, project_id, batch, upwards=upwards), objects=objects
        )

    replaced = 0
    for table, apply in ((tasks, apply_to_tasks), (documents, apply_to_documents)):
        for row in await database.fetch(_STATEMENTS[table].lists):
            replaced += await _compact_list(database, table, row[0], apply)
    return replaced


async def delete_old_cursor_ranks(database: Database, now: datetime) -> None:
    """Forget what ranks were before they were compacted, once cursors are too old."""
    await database.fetch(_FORGET, before=now - CURSOR_LIFETIME)


async def _compact_list(
    database: Database, table: Table, project_id: UUID, apply: Callable[[UUID, Batch, bool], Awaitable[bool]]
) -> int:
    """Compact one list; how many ranks were replaced. It is left for the next turn where others hold its rows again and again."""
    replaced = failures = 0
    while failures < _MAX_ATTEMPTS:
        batches = await _plan(database, table, project_id)
        if not batches:
            return replaced
        for batch, upwards in batches:
            try:
                applied = await apply(project_id, batch, upwards)
            except Unavailable:
                applied = False
            if not applied:
                failures += 1
                await asyncio.sleep(_PAUSE_SECONDS)
                break
            replaced += len(batch)
            await asyncio.sleep(_PAUSE_SECONDS)
    return replaced


async def _plan(database: Database, table: Table, project_id: UUID) -> list[tuple[Batch, bool]]:
    """The batches of moves for the first stretch with a long rank, if there is one, each with whether it goes upwards."""
    statements = _STATEMENTS[table]
    low, high, is_needed = await database.fetch_row(statements.bounds, project=project_id)
    if not is_needed:
        return []
    rows: Sequence[Any] = await database.fetch(statements.stretch, project=project_id, low=low, high=high)
    ranks = [row[1] for row in rows]
    moves = await asyncio.to_thread(plan_moves, low, ranks, high)
    batches: list[tuple[Batch, bool]] = []
    for upwards in (True, False):
        same_way = [move for move in moves if (move[1] > ranks[move[0]]) is upwards]
        batches += [
            ([(rows[place][0], rank) for place, rank in places], upwards) for places in _side_by_side(same_way, _BATCHES[table])
        ]
    return batches


def _side_by_side(moves: Sequence[Move], size: int) -> list[list[Move]]:
    """Moves in batches without a gap: between others, something stays where it is."""
    batches: list[list[Move]] = []
    for place, rank in moves:
        if batches and len(batches[-1]) < size and abs(place - batches[-1][-1][0]) == 1:
            batches[-1].append((place, rank))
        else:
            batches.append([(place, rank)])
    return batches
