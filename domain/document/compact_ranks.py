"""Compacts the ranks of a project's documents (`domain.rank_compaction`)."""

from dataclasses import replace
from uuid import UUID

from domain.document.events import DocumentRankCompacted
from domain.ports import UnitOfWork
from domain.rank_compaction import Planner, split_at_collisions


async def compact_ranks(uow: UnitOfWork, project_id: UUID, *, max_moves: int, plan: Planner) -> int:
    """
    Replace the first ranks of a project that are too long, at most `max_moves`; how many.

    The project is locked, as by every move and creation, so that the list stays as it is planned. Raises Unavailable at once
    where somebody else has locked one of the documents.
    """
    if not await uow.projects.lock_for_server(project_id):
        return 0
    stretch = await uow.documents.long_stretch(project_id)
    if stretch is None:
        return 0
    moves = [(stretch.ids[place], rank) for place, rank in (await plan(stretch.low, stretch.ranks, stretch.high))[:max_moves]]
    before = {each.id: each for each in await uow.documents.lock_in(project_id, [id_ for id_, _ in moves])}
    if len(before) < len(moves):
        return 0  # one has just left for another project: the next turn sees the list without it
    moved = [replace(before[id_], rank=rank) for id_, rank in moves]
    for together in split_at_collisions(moved, lambda document: before[document.id].rank):
        await uow.documents.save_ranks(together)
    for document in moved:
        uow.record(DocumentRankCompacted(actor_id=None, document=document))
    return len(moved)
