"""Tasks: what is to be done, by whom, until when, and where on the board it stands."""

from domain.task.bulk import TaskResult, create_many, update_many
from domain.task.compact_ranks import compact_ranks
from domain.task.counts import CountChange, count_changes
from domain.task.create import create
from domain.task.delete import delete, restore
from domain.task.edit import update
from domain.task.entity import CLOSED, Task, TaskPriority, TaskStatus
from domain.task.events import (
    TaskCreated,
    TaskDeleted,
    TaskEvent,
    TaskFilesChanged,
    TaskMoved,
    TaskMovedAway,
    TaskRankCompacted,
    TaskRestored,
    TaskUpdated,
)
from domain.task.move import move
from domain.task.recur import make_due
from domain.task.store import TaskStore, open_task

__all__ = [
    "CLOSED",
    "CountChange",
    "Task",
    "TaskCreated",
    "TaskDeleted",
    "TaskEvent",
    "TaskFilesChanged",
    "TaskMoved",
    "TaskMovedAway",
    "TaskPriority",
    "TaskRankCompacted",
    "TaskRestored",
    "TaskResult",
    "TaskStatus",
    "TaskStore",
    "TaskUpdated",
    "compact_ranks",
    "count_changes",
    "create",
    "create_many",
    "delete",
    "make_due",
    "move",
    "open_task",
    "restore",
    "update",
    "update_many",
]
