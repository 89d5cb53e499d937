"""Counts tasks by status."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusCount:
    """The number of tasks with one status."""

    status: str
    count: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a set of tasks; canceled ones count only in the total and in their own status."""

    total: int
    done: int
    overdue: int
    by_status: tuple[StatusCount, ...]

    @classmethod
    def of(cls, counts: Iterable[tuple[str, int, int]]) -> "Progress":
        """The progress from rows of (status, tasks, overdue tasks), in board order."""
        rows = list(counts)
        return cls(
            total=sum(count for _, count, _ in rows),
            done=sum(count for status, count, _ in rows if status == "DONE"),
            overdue=sum(overdue for _, _, overdue in rows),
            by_status=tuple(StatusCount(status, count) for status, count, _ in rows),
        )
