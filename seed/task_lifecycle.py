"""From a story to plans: when each task is written down, and when it wanders from column to column."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from domain.task import CLOSED, TaskStatus
from seed.fixtures import StoryTask

_MAX_TIME_SHARE = 0.97  # of the time that there is; the rest keeps what follows in order
_CLOSE_GAP = timedelta(minutes=20)


@dataclass(slots=True, kw_only=True)
class TaskLifecycle:
    """A task's life: written down in `first`, then moved. Times are those of a `Chronicle`."""

    task: StoryTask
    parent: "TaskLifecycle | None"
    created_at: datetime
    first_status: TaskStatus
    moves: list[tuple[datetime, TaskStatus]]

    @property
    def begun_at(self) -> datetime:
        """When somebody began with it, or else when it was written down."""
        return next((at for at, status in self.moves if status is TaskStatus.IN_PROGRESS), self.created_at)

    @property
    def last_moved_at(self) -> datetime:
        """When it came to where it is."""
        return self.moves[-1][0] if self.moves else self.created_at


def plan_lifecycles(tasks: list[StoryTask], began: datetime, until: datetime, rng: Random) -> list[TaskLifecycle]:
    """Plans for all tasks of a story, in its order: what stands first tends to be older."""
    found: list[TaskLifecycle] = []
    youngest: dict[int, datetime] = {}
    tops = sum(told.parent is None for told in tasks)
    top = 0
    for told in tasks:
        if told.parent is None:
            share = 0.9 * top / tops + rng.uniform(-0.08, 0.07)
            created = began + (until - began) * min(max(share, 0.002 * (1 + top)), 0.95)
            parent = None
            top += 1
        else:
            parent = found[told.parent]
            created = _created_after(youngest.get(told.parent, parent.created_at), until, rng)
            youngest[told.parent] = created
        first, moves = _status_moves(told.status, created, until, rng)
        found.append(TaskLifecycle(task=told, parent=parent, created_at=created, first_status=first, moves=moves))
    for plan in reversed(found):
        _close_parent_later(plan, until)
    return found


def _created_after(at: datetime, until: datetime, rng: Random) -> datetime:
    """A little later; or some days, where there are that many."""
    gap = timedelta(minutes=rng.uniform(1, 15)) if rng.random() < 0.7 else timedelta(days=rng.uniform(0.3, 4))
    return at + min(gap, (until - at) * 0.4)


def _status_moves(
    status: TaskStatus, created: datetime, until: datetime, rng: Random
) -> tuple[TaskStatus, list[tuple[datetime, TaskStatus]]]:
    """The column a task is written down in, and its way to the one where the story finds it."""
    room = until - created
    waits = rng.random() < 0.45
    first = TaskStatus.BACKLOG if waits and status is not TaskStatus.TODO else TaskStatus.TODO
    moves: list[tuple[datetime, TaskStatus]]
    match status:
        case TaskStatus.BACKLOG:
            return status, []
        case TaskStatus.TODO:
            return (TaskStatus.BACKLOG, [(created + room * rng.uniform(0.1, 0.9), status)]) if waits else (status, [])
        case TaskStatus.CANCELED:
            return first, [(created + room * rng.uniform(0.2, 0.9), status)]
        case TaskStatus.IN_PROGRESS:
            begun = max(created + room * 0.3, until - timedelta(days=rng.uniform(0.3, 8)))
            moves = [(begun, status)]
        case TaskStatus.IN_REVIEW:
            ready = max(created + room * 0.6, until - timedelta(days=rng.uniform(0.1, 3)))
            begun = created + (ready - created) * rng.uniform(0.4, 0.8)
            moves = [(begun, TaskStatus.IN_PROGRESS), (ready, status)]
        case TaskStatus.DONE:
            moves = _moves_to_done(created, room, rng)
    if first is TaskStatus.BACKLOG:
        moves.insert(0, (created + (moves[0][0] - created) * rng.uniform(0.3, 0.95), TaskStatus.TODO))
    return first, moves


def _moves_to_done(created: datetime, available: timedelta, rng: Random) -> list[tuple[datetime, TaskStatus]]:
    """Days of waiting, of work, and of review, shorter where time is short."""
    waiting = (0.2, 7) if rng.random() < 0.4 else (7, 45)
    spans = [timedelta(days=rng.uniform(*days)) for days in (waiting, (0.3, 5), (0.1, 2))]
    shrunk = min(1.0, _MAX_TIME_SHARE * (available / sum(spans, timedelta())))
    begun = created + spans[0] * shrunk
    ready = begun + spans[1] * shrunk
    moves = [(begun, TaskStatus.IN_PROGRESS), (ready, TaskStatus.IN_REVIEW), (ready + spans[2] * shrunk, TaskStatus.DONE)]
    if rng.random() < 0.3:
        del moves[1]
    return moves


def _close_parent_later(lifecycle: TaskLifecycle, until: datetime) -> None:
    """What has sub-tasks is closed after they are."""
    parent = lifecycle.parent
    if parent is not None and parent.task.status in CLOSED and parent.last_moved_at <= lifecycle.last_moved_at:
        closing = min(lifecycle.last_moved_at + _CLOSE_GAP, lifecycle.last_moved_at + (until - lifecycle.last_moved_at) / 2)
        parent.moves[-1] = (closing, parent.task.status)
