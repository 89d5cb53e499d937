"""Stores tasks, and is the one way to open one for writing."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.errors import NotFound, Path
from domain.permissions import Access, Action, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.rank_compaction import Stretch
from domain.task.entity import Task


class TaskStore(Protocol):
    """Stores tasks."""

    async def claim(self, task_id: UUID) -> bool:
        """Hold an id that a client brings for a new task; False when it is a document's."""
        ...

    async def add(self, task: Task) -> bool:
        """Store a new task; False when the id is in use."""
        ...

    async def save(self, task: Task) -> None: ...
    async def save_placed(self, task: Task) -> None:
        """Save a task with another rank in its project."""
        ...

    async def lock(self, task_id: UUID, user_id: UUID) -> tuple[Task, Role, bool] | None:
        """A task that the user may see, held until the end of the operation, with their role and whether its project is
        archived."""
        ...

    async def read_unlocked(self, task_id: UUID, user_id: UUID, *, to_change: bool = True) -> tuple[Task, Role, bool] | None:
        """The same, not held: `save`, or a comment on it, is kept only if nobody wrote it meanwhile, else the operation is run
        again. `to_change`: the task itself is going to be changed."""
        ...

    async def lock_recurring(self, task_id: UUID) -> Task | None:
        """A task of a series, held; None unless its day is known, and it and its project are there and not archived."""
        ...

    async def is_in_team(self, team_id: UUID, task_id: UUID) -> bool:
        """Whether there is a task with this id in the team, deleted or not."""
        ...

    async def lock_many(self, task_ids: Sequence[UUID]) -> None:
        """Hold tasks in the order of their ids, so that two calls cannot wait for each other."""
        ...

    async def next_number(self, team_id: UUID) -> int:
        """The next number of a team's task keys. Where the task is not stored after all, there may be none with it."""
        ...

    async def remember_key(self, task: Task) -> None:
        """Let the task still be found under the key that it is about to lose."""
        ...

    async def reclaim_key(self, task: Task) -> None:
        """Let a task have a key again that it had before."""
        ...

    async def was_compacted(self, task_id: UUID, former_rank: str, rank: str) -> bool:
        """Whether the rank is what compaction made of a former rank of the task."""
        ...

    async def lock_of_team(self, team_id: UUID, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Those of the tasks that belong to the team, held, whoever may see them."""
        ...

    async def lock_list(self, project_id: UUID) -> None:
        """Hold the order of a project's tasks, where these are held. For a task that was read unlocked, nothing: what changed
        the project meanwhile makes the operation run again."""
        ...

    async def last_rank(self, project_id: UUID) -> str | None: ...
    async def rank_of(self, project_id: UUID, task_id: UUID) -> str | None:
        """The rank of a task, None unless it lies in the project."""
        ...

    async def is_open_in(self, project_id: UUID, task_id: UUID) -> bool:
        """Whether the task lies in the project and is not deleted."""
        ...

    async def rank_after(self, project_id: UUID, rank: str) -> str | None:
        """The lowest rank above."""
        ...

    async def rank_before(self, project_id: UUID, rank: str) -> str | None:
        """The highest rank below."""
        ...

    async def long_stretch(self, project_id: UUID) -> Stretch | None:
        """The first stretch of the project's list with a rank that is too long; None when there is none."""
        ...

    async def lock_in(self, project_id: UUID, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Those of the tasks that lie in the project, locked. Raises Unavailable at once where somebody else has locked one."""
        ...

    async def save_ranks(self, tasks: Sequence[Task]) -> None:
        """Save other ranks of the same places, at once; cursors that were made with the ranks before still find these."""
        ...

    async def ancestors(self, task_id: UUID) -> Sequence[UUID]:
        """A task's parents from the nearest up, without itself."""
        ...

    async def waiting_for(self, task_id: UUID) -> Sequence[Task]:
        """The tasks that this one blocks while it is open, not held; deleted ones too."""
        ...

    async def refresh_blocked(self, task_ids: Sequence[UUID]) -> None:
        """Store anew whether tasks are blocked, after a task that they wait for was opened or closed; they are held."""
        ...

    async def peek(self, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Those of the tasks that are not deleted, not held."""
        ...

    async def lock_descendants(self, task_id: UUID) -> Sequence[Task]:
        """All below a task, parents before their children, held; deleted ones too."""
        ...


async def open_task(
    uow: UnitOfWork,
    actor: Actor,
    task_id: UUID,
    action: Action,
    path: Path = ("input", "id"),
    *,
    lock: bool = True,
    to_change: bool = True,
) -> tuple[Task, Access]:
    """Fetch, lock and authorise: the task, when the actor may do this to it. It need not be held where it alone is changed, or
    nothing but one comment is added to it."""
    if lock:
        found = await uow.tasks.lock(task_id, actor.user_id)
    else:
        found = await uow.tasks.read_unlocked(task_id, actor.user_id, to_change=to_change)
    if found is None:
        raise NotFound(path)
    task, role, archived = found
    rights = access(actor, role, ResourceKind.TASK, archived=archived)
    rights.require(action, "The project is archived." if archived else "Your role does not allow this.")
    return task, rights
