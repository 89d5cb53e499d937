"""Compacts the ranks of a project's tasks (`domain.rank_compaction`)."""

from dataclasses import replace
from uuid import UUID

from domain.ports import UnitOfWork
from domain.rank_compaction import Planner, split_at_collisions
from domain.task.events import TaskRankCompacted


async def compact_ranks(uow: UnitOfWork, project_id: UUID, *, max_moves: int, plan: Planner) -> int:
    """
    Replace the first ranks of a project that are too long, at most `max_moves`; how many.

    The project is locked, as by every move and creation, so that the list stays as it is planned. Raises Unavailable at once
    where somebody else has locked one of the tasks.
    """
    if not await uow.projects.lock_for_server(project_id):
        return 0
    stretch = await uow.tasks.long_stretch(project_id)
    if stretch is None:
        return 0
    moves = [(stretch.ids[place], rank) for place, rank in (await plan(stretch.low, stretch.ranks, stretch.high))[:max_moves]]
    before = {each.id: each for each in await uow.tasks.lock_in(project_id, [id_ for id_, _ in moves])}
    if len(before) < len(moves):
        return 0  # one has just left for another project: the next turn sees the list without it
    moved = [replace(before[id_], rank=rank) for id_, rank in moves]
    for together in split_at_collisions(moved, lambda task: before[task.id].rank):
        await uow.tasks.save_ranks(together)
    for task in moved:
        uow.record(TaskRankCompacted(actor_id=None, task=task))
    return len(moved)
