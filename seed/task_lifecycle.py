"""Plans the lifecycles of a story's tasks: when each is created, and when it moves from status to status."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from domain.task import CLOSED, TaskStatus
from seed.fixtures import StoryTask

_MAX_TIME_SHARE = 0.97  # of the available time; the rest is for what follows
_CLOSE_GAP = timedelta(minutes=20)


@dataclass(slots=True, kw_only=True)
class TaskLifecycle:
    """A task's lifecycle: created in `first_status`, then moved. Times are those of a `Timeline`."""

    task: StoryTask
    parent: "TaskLifecycle | None"
    created_at: datetime
    first_status: TaskStatus
    moves: list[tuple[datetime, TaskStatus]]

    @property
    def begun_at(self) -> datetime:
        """When work on it began, or else when it was created."""
        return next((at for at, status in self.moves if status is TaskStatus.IN_PROGRESS), self.created_at)

    @property
    def last_moved_at(self) -> datetime:
        """When it got its present status."""
        return self.moves[-1][0] if self.moves else self.created_at


def plan_lifecycles(tasks: list[StoryTask], began: datetime, until: datetime, rng: Random) -> list[TaskLifecycle]:
    """The lifecycles of all tasks of a story, in its order: earlier ones tend to be older."""
    found: list[TaskLifecycle] = []
    youngest: dict[int, datetime] = {}
    top_count = sum(story_task.parent is None for story_task in tasks)
    top = 0
    for story_task in tasks:
        if story_task.parent is None:
            share = 0.9 * top / top_count + rng.uniform(-0.08, 0.07)
            created = began + (until - began) * min(max(share, 0.002 * (1 + top)), 0.95)
            parent = None
            top += 1
        else:
            parent = found[story_task.parent]
            created = _created_after(youngest.get(story_task.parent, parent.created_at), until, rng)
            youngest[story_task.parent] = created
        first, moves = _status_moves(story_task.status, created, until, rng)
        found.append(TaskLifecycle(task=story_task, parent=parent, created_at=created, first_status=first, moves=moves))
    for plan in reversed(found):
        _close_parent_later(plan, until)
    return found


def _created_after(at: datetime, until: datetime, rng: Random) -> datetime:
    """A little later, or some days later where there is time."""
    gap = timedelta(minutes=rng.uniform(1, 15)) if rng.random() < 0.7 else timedelta(days=rng.uniform(0.3, 4))
    return at + min(gap, (until - at) * 0.4)


def _status_moves(
    status: TaskStatus, created: datetime, until: datetime, rng: Random
) -> tuple[TaskStatus, list[tuple[datetime, TaskStatus]]]:
    """The status in which a task is created, and its moves to the one that the story names."""
    available = until - created
    waits = rng.random() < 0.45
    first = TaskStatus.BACKLOG if waits and status is not TaskStatus.TODO else TaskStatus.TODO
    moves: list[tuple[datetime, TaskStatus]]
    match status:
        case TaskStatus.BACKLOG:
            return status, []
        case TaskStatus.TODO:
            return (TaskStatus.BACKLOG, [(created + available * rng.uniform(0.1, 0.9), status)]) if waits else (status, [])
        case TaskStatus.CANCELED:
            return first, [(created + available * rng.uniform(0.2, 0.9), status)]
        case TaskStatus.IN_PROGRESS:
            begun = max(created + available * 0.3, until - timedelta(days=rng.uniform(0.3, 8)))
            moves = [(begun, status)]
        case TaskStatus.IN_REVIEW:
            ready = max(created + available * 0.6, until - timedelta(days=rng.uniform(0.1, 3)))
            begun = created + (ready - created) * rng.uniform(0.4, 0.8)
            moves = [(begun, TaskStatus.IN_PROGRESS), (ready, status)]
        case TaskStatus.DONE:
            moves = _moves_to_done(created, available, rng)
    if first is TaskStatus.BACKLOG:
        moves.insert(0, (created + (moves[0][0] - created) * rng.uniform(0.3, 0.95), TaskStatus.TODO))
    return first, moves


def _moves_to_done(created: datetime, available: timedelta, rng: Random) -> list[tuple[datetime, TaskStatus]]:
    """The moves after days of waiting, work and review, which are shorter where time is short."""
    waiting = (0.2, 7) if rng.random() < 0.4 else (7, 45)
    spans = [timedelta(days=rng.uniform(*days)) for days in (waiting, (0.3, 5), (0.1, 2))]
    scale = min(1.0, _MAX_TIME_SHARE * (available / sum(spans, timedelta())))
    begun = created + spans[0] * scale
    ready = begun + spans[1] * scale
    moves = [(begun, TaskStatus.IN_PROGRESS), (ready, TaskStatus.IN_REVIEW), (ready + spans[2] * scale, TaskStatus.DONE)]
    if rng.random() < 0.3:
        del moves[1]
    return moves


def _close_parent_later(lifecycle: TaskLifecycle, until: datetime) -> None:
    """Close a task after its sub-tasks."""
    parent = lifecycle.parent
    if parent is not None and parent.task.status in CLOSED and parent.last_moved_at <= lifecycle.last_moved_at:
        closing = min(lifecycle.last_moved_at + _CLOSE_GAP, lifecycle.last_moved_at + (until - lifecycle.last_moved_at) / 2)
        parent.moves[-1] = (closing, parent.task.status)
