"""The table of kinds of jobs, a line for each (see `workers.job`)."""

from typing import Final

from workers.job import JobKind
from workers.jobs.export import export
from workers.jobs.notification_mail import notification_mail

JOBS: Final[tuple[JobKind, ...]] = (export, notification_mail)
