"""The table of schedules: what the leading worker does at certain times, a line for each (see `workers.schedule`)."""

from typing import Final

from workers.schedule import Schedule

SCHEDULES: Final[tuple[Schedule, ...]] = ()
