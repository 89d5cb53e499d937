"""Deletes entries of audit logs that are older than `HIVE_AUDIT_RETENTION_DAYS`."""

from datetime import timedelta
from typing import Final

from persistence.stores.audit import trim
from workers.schedule import ScheduledRun, schedule

_MAX_DELETED: Final = 5_000
"""In a run; the next run goes on."""


@schedule(name="audit retention", every=timedelta(minutes=10))
async def audit_retention(run: ScheduledRun) -> None:
    """Delete the oldest."""
    days = run.services.audit_retention_days
    if days:
        before = run.uow.now - timedelta(days=days)
        await trim(run.uow.connection, run.services.audit_seal, before=before, max_entries=_MAX_DELETED)
