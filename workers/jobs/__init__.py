"""The table of kinds of jobs, a line for each (see `workers.job`)."""

from typing import Final

from workers.job import JobKind

JOBS: Final[tuple[JobKind, ...]] = ()
