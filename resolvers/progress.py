"""Counts of tasks by status."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many tasks stand in one column."""

    status: str
    count: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a set of tasks is; canceled ones count in the total and in no other figure but their own."""

    total: int
    done: int
    overdue: int
    by_status: tuple[StatusCount, ...]

    @classmethod
    def of(cls, counts: Iterable[tuple[str, int, int]]) -> "Progress":
        """From (status, tasks, overdue tasks), in the order of the columns."""
        rows = list(counts)
        return cls(
            total=sum(count for _, count, _ in rows),
            done=sum(count for status, count, _ in rows if status == "DONE"),
            overdue=sum(overdue for _, _, overdue in rows),
            by_status=tuple(StatusCount(status, count) for status, count, _ in rows),
        )
