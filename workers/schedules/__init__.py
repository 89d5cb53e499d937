"""The table of schedules: what the leading worker does at certain times, a line for each (see `workers.schedule`)."""

from typing import Final

from workers.schedule import Schedule
from workers.schedules.audit_retention import audit_retention
from workers.schedules.due_dates import due_dates
from workers.schedules.job_retention import job_retention
from workers.schedules.late_deliveries import late_deliveries
from workers.schedules.notification_retention import notification_retention
from workers.schedules.recurrences import recurrences
from workers.schedules.webhook_retention import webhook_retention

SCHEDULES: Final[tuple[Schedule, ...]] = (
    due_dates,
    recurrences,
    late_deliveries,
    job_retention,
    notification_retention,
    audit_retention,
    webhook_retention,
)
