"""Tells cleanups that a backup is running, so that no blob goes which its rows name.

The backup holds a shared advisory lock from before its snapshot to its end, on a connection of its own, so that the lock ends
with its process. A cleanup asks after it has read which blobs nothing names: where no backup held the lock by then, a later
snapshot does not name these blobs either.
"""

from typing import Final

from sqlalchemy import Boolean, literal_column, select

from domain.errors import Unavailable
from persistence.engine.database import Connection, Database
from persistence.engine.session import Session
from persistence.engine.statement import Statement

_LOCK: Final = (1214871141, 1)  # "Hive"; migrations lock a number of 64 bits, which is another lock
_IS_HELD: Final = Statement(
    select(
        literal_column(
            "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1214871141 AND objid = 1 "
            "AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            Boolean,
        )
    )
)


class BackupRunning(Unavailable):
    """Nothing may be deleted from storage now."""

    def __init__(self) -> None:
        super().__init__("A backup is running: blobs are deleted when it has ended.")


async def hold_off_cleanups(session: Session) -> None:
    """Keep cleanups away until the session ends."""
    await session.fetch_value("SELECT pg_advisory_lock_shared($1::int, $2::int)", *_LOCK)


async def require_no_backup(source: Database | Connection) -> None:
    """Raises BackupRunning while one is running. To be called between reading which blobs nothing names and deleting them."""
    if await source.fetch_value(_IS_HELD):
        raise BackupRunning
