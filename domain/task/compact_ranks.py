"""Applies moves of a compaction of ranks (`domain.rank_compaction`) to tasks of a project."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from domain.ports import UnitOfWork
from domain.task.events import TaskRankCompacted


async def compact_ranks(uow: UnitOfWork, project_id: UUID, moves: Sequence[tuple[UUID, str]], *, upwards: bool) -> bool:
    """
    Give tasks new ranks, in the order of the plan; all of them go up, or all down. Whether it could be done.

    False, and nothing has changed, where another task stands between their old and new places by now, or one of them is gone:
    then a new plan is needed.
    """
    first, last = moves[0], moves[-1]
    if not await uow.projects.lock_for_server(project_id):
        return False
    farthest = await uow.tasks.rank_of(project_id, last[0])
    if farthest is None:
        return False
    low, high = (farthest, first[1]) if upwards else (first[1], farthest)
    found = await uow.tasks.lock_between(project_id, low, high, len(moves) + 1)
    if [each.id for each in found] != [id_ for id_, _ in (reversed(moves) if upwards else moves)]:
        return False
    by_id = {each.id: each for each in found}
    for id_, rank in moves:
        task = replace(by_id[id_], rank=rank)
        await uow.tasks.save_rank(task, by_id[id_].rank)
        uow.record(TaskRankCompacted(actor_id=None, task=task))
    return True
