"""From a story to plans: when each task is written down, and when it wanders from column to column."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from domain.task import CLOSED, TaskStatus
from seed.fixtures import Told

_AT_MOST = 0.97  # of the time that there is; the rest keeps what follows in order
_BREATH = timedelta(minutes=20)


@dataclass(slots=True, kw_only=True)
class Plan:
    """A task's life: written down in `first`, then moved. Times are those of a `Chronicle`."""

    told: Told
    parent: "Plan | None"
    created_at: datetime
    first: TaskStatus
    moves: list[tuple[datetime, TaskStatus]]

    @property
    def begun_at(self) -> datetime:
        """When somebody began with it, or else when it was written down."""
        return next((at for at, status in self.moves if status is TaskStatus.IN_PROGRESS), self.created_at)

    @property
    def settled_at(self) -> datetime:
        """When it came to where it is."""
        return self.moves[-1][0] if self.moves else self.created_at


def plans(story: list[Told], began: datetime, until: datetime, chance: Random) -> list[Plan]:
    """Plans for all tasks of a story, in its order: what stands first tends to be older."""
    found: list[Plan] = []
    youngest: dict[int, datetime] = {}
    tops = sum(told.parent is None for told in story)
    top = 0
    for told in story:
        if told.parent is None:
            share = 0.9 * top / tops + chance.uniform(-0.08, 0.07)
            created = began + (until - began) * min(max(share, 0.002 * (1 + top)), 0.95)
            parent = None
            top += 1
        else:
            parent = found[told.parent]
            created = _after(youngest.get(told.parent, parent.created_at), until, chance)
            youngest[told.parent] = created
        first, moves = _life(told.status, created, until, chance)
        found.append(Plan(told=told, parent=parent, created_at=created, first=first, moves=moves))
    for plan in reversed(found):
        _close_parent_later(plan, until)
    return found


def _after(at: datetime, until: datetime, chance: Random) -> datetime:
    """A little later; or some days, where there are that many."""
    gap = timedelta(minutes=chance.uniform(1, 15)) if chance.random() < 0.7 else timedelta(days=chance.uniform(0.3, 4))
    return at + min(gap, (until - at) * 0.4)


def _life(
    status: TaskStatus, created: datetime, until: datetime, chance: Random
) -> tuple[TaskStatus, list[tuple[datetime, TaskStatus]]]:
    """The column a task is written down in, and its way to the one where the story finds it."""
    room = until - created
    waits = chance.random() < 0.45
    first = TaskStatus.BACKLOG if waits and status is not TaskStatus.TODO else TaskStatus.TODO
    moves: list[tuple[datetime, TaskStatus]]
    match status:
        case TaskStatus.BACKLOG:
            return status, []
        case TaskStatus.TODO:
            return (TaskStatus.BACKLOG, [(created + room * chance.uniform(0.1, 0.9), status)]) if waits else (status, [])
        case TaskStatus.CANCELED:
            return first, [(created + room * chance.uniform(0.2, 0.9), status)]
        case TaskStatus.IN_PROGRESS:
            begun = max(created + room * 0.3, until - timedelta(days=chance.uniform(0.3, 8)))
            moves = [(begun, status)]
        case TaskStatus.IN_REVIEW:
            ready = max(created + room * 0.6, until - timedelta(days=chance.uniform(0.1, 3)))
            begun = created + (ready - created) * chance.uniform(0.4, 0.8)
            moves = [(begun, TaskStatus.IN_PROGRESS), (ready, status)]
        case TaskStatus.DONE:
            moves = _done(created, room, chance)
    if first is TaskStatus.BACKLOG:
        moves.insert(0, (created + (moves[0][0] - created) * chance.uniform(0.3, 0.95), TaskStatus.TODO))
    return first, moves


def _done(created: datetime, room: timedelta, chance: Random) -> list[tuple[datetime, TaskStatus]]:
    """Days of waiting, of work, and of review, shorter where time is short."""
    waiting = (0.2, 7) if chance.random() < 0.4 else (7, 45)
    spans = [timedelta(days=chance.uniform(*days)) for days in (waiting, (0.3, 5), (0.1, 2))]
    shrunk = min(1.0, _AT_MOST * (room / sum(spans, timedelta())))
    begun = created + spans[0] * shrunk
    ready = begun + spans[1] * shrunk
    moves = [(begun, TaskStatus.IN_PROGRESS), (ready, TaskStatus.IN_REVIEW), (ready + spans[2] * shrunk, TaskStatus.DONE)]
    if chance.random() < 0.3:
        del moves[1]
    return moves


def _close_parent_later(plan: Plan, until: datetime) -> None:
    """What has sub-tasks is closed after they are."""
    parent = plan.parent
    if parent is not None and parent.told.status in CLOSED and parent.settled_at <= plan.settled_at:
        closing = min(plan.settled_at + _BREATH, plan.settled_at + (until - plan.settled_at) / 2)
        parent.moves[-1] = (closing, parent.told.status)
