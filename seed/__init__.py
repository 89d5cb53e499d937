"""Seeds an empty database with generated rows: a team for trying the product (demo), or very many (large).

The rows of a day are always the same: ids, names and texts never differ, and dates are relative to `anchor`, so that a board has
work that is due today.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import func, select

from persistence.engine.connections import ACQUIRE_TIMEOUT_SECONDS
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.search.rebuild import enqueue_all, index_all, work_off_all
from persistence.stores.task_counts import rebuild_projects
from persistence.tables import search_entries, search_terms, users
from persistence.workers.cursors import start_all_at_heads
from seed.batch import Batch
from seed.copy_batch import SEEDED_TABLES, copy_batch
from seed.demo import demo
from seed.demo_people import DEMO_EMAIL, SECOND_EMAIL, SIGN_IN_EMAILS
from seed.large import Scale, large

__all__ = ["DEMO_EMAIL", "SECOND_EMAIL", "Scale", "SeedReport", "SeedSize", "seed"]

SeedSize = Literal["none", "demo", "large"]

_NOT_EMPTY = "there are users already."
_ANY_USER = Statement(select(func.count()).select_from(select(users.c.id).limit(1).subquery()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedReport:
    """How many rows were written into which table; `skipped` says why there were none."""

    size: SeedSize
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    skipped: str | None = None

    def __str__(self) -> str:
        if self.skipped:
            return f"Seed {self.size}: {self.skipped}"
        written = ", ".join(f"{count:,} {name}" for name, count in self.rows.items() if count)
        return f"Seed {self.size}: {written} in {self.seconds:.1f} s."


async def seed(
    database: Database,
    size: SeedSize,
    *,
    password_hash: str,
    anchor: datetime | None = None,
    scale: Scale | None = None,
) -> SeedReport:
    """Seed an empty, migrated database; one that has users is left as it is. Everything is written, or nothing.

    `DEMO_EMAIL` and `SECOND_EMAIL` sign in with the password of `password_hash`; no other user has a password. `anchor` is the
    instant at which the generated history ends, by default the start of today (UTC). `scale` is the size of the large seed.
    """
    if size == "none":
        return SeedReport(size=size, skipped="nothing was asked for.")
    if await database.fetch_value(_ANY_USER):
        return SeedReport(size=size, skipped=_NOT_EMPTY)
    started = time.monotonic()
    until = anchor or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = await _write_batches(database, [demo(until)] if size == "demo" else large(until, scale or Scale()), password_hash)
    if rows is None:
        return SeedReport(size=size, skipped=_NOT_EMPTY)
    await index_all(database)
    if size == "large":  # else a worker learns the words while somebody looks around
        await work_off_all(database)
    # Statistics for the planner, and the visibility map for index-only scans, before anything is measured.
    async with database.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as raw:
        for table in (*SEEDED_TABLES, search_entries, search_terms):
            await raw.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {table.name}")
    return SeedReport(size=size, rows=rows, seconds=time.monotonic() - started)


async def _write_batches(database: Database, batches: Iterable[Batch], password_hash: str) -> dict[str, int] | None:
    """Write all batches or nothing; how many rows went into each table, or None when another process was faster."""
    rows: Counter[str] = Counter()
    async with database.begin() as connection:
        # Until the commit nobody can register, and no other process can seed.
        await connection.raw.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
        if await connection.fetch_value(_ANY_USER):
            return None
        for batch in batches:
            hashes = {user.id: password_hash for user in batch.users if user.email_address in SIGN_IN_EMAILS}
            rows.update(await copy_batch(connection, batch, hashes))
            await rebuild_projects(connection, [project.id for project in batch.projects])
        await enqueue_all(connection)
        await start_all_at_heads(connection)  # nobody is notified of what was generated
    return dict(rows)
