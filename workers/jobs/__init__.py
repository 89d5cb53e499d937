"""The table of kinds of jobs, a line for each (see `workers.job`)."""

from typing import Final

from workers.job import JobKind
from workers.jobs.export import export
from workers.jobs.import_ import import_
from workers.jobs.notification_mail import notification_mail
from workers.jobs.notification_push import notification_push
from workers.jobs.push import push, push_again
from workers.jobs.recurrence import recurrence
from workers.jobs.report import report

JOBS: Final[tuple[JobKind, ...]] = (
    export,
    import_,
    notification_mail,
    notification_push,
    push,
    push_again,
    recurrence,
    report,
)
