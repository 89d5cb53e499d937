"""Compacts the ranks of a project's tasks (`domain.rank_compaction`)."""

from uuid import UUID

from domain.ports import UnitOfWork
from domain.rank_compaction import Planner, replace_long_ranks
from domain.task.events import TaskRankCompacted


async def compact_ranks(uow: UnitOfWork, project_id: UUID, *, max_moves: int, plan: Planner) -> int:
    """
    Replace the first ranks of a project that are too long, at most `max_moves`; how many.

    The project is locked, as by every move and creation, so that the list stays as it is planned. Raises Unavailable at once
    where somebody else has locked one of the tasks.
    """
    if not await uow.projects.lock_for_server(project_id):
        return 0
    moved = await replace_long_ranks(uow.tasks, project_id, max_moves=max_moves, plan=plan)
    for task in moved:
        uow.record(TaskRankCompacted(actor_id=None, task=task))
    return len(moved)
