"""Runs scheduled steps in the order of time, and only in working hours."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec

P = ParamSpec("P")

_OFFICE_OPENS, _OFFICE_CLOSES = timedelta(hours=7, minutes=30), timedelta(hours=18)
_OVERTIME = timedelta(minutes=45)
_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(slots=True)
class Timeline:
    """Scheduled steps, each at an instant of a time without nights and weekends."""

    _steps: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)

    def schedule(self, at: datetime, step: Callable[Concatenate[datetime, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Schedule a step; it is called with its instant, moved into working hours."""
        self._steps.append((at, lambda: step(to_office_hours(at), *args, **kwargs)))

    def run(self) -> None:
        """Run all steps; those of one instant in the order in which they were scheduled."""
        for _, step in sorted(self._steps, key=lambda step: step[0]):
            step()


def to_office_hours(at: datetime) -> datetime:
    """Map any instant to one in working hours. It preserves the order: later stays later."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    share = (at - midnight) / _DAY
    weekend = at.weekday() - _SATURDAY
    if weekend < 0:
        return midnight + _OFFICE_OPENS + share * (_OFFICE_CLOSES - _OFFICE_OPENS)
    friday = midnight - (weekend + 1) * _DAY
    return friday + _OFFICE_CLOSES + (weekend + share) * _OVERTIME
