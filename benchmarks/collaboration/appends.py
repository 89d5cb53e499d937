"""How many edits a second become durable, over many documents at once, with positions that have no gaps."""

import time
from typing import Any
from uuid import UUID

from sqlalchemy import text

from benchmarks.collaboration import workload
from domain.document.update import Update
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.events.document_log import UpdateLog
from realtime.collaboration.commit import MAX_TRANSACTION_UPDATES
from resolvers import ids

_GAPS = Statement(
    text("""
  SELECT count(*) AS gaps FROM document_heads h
  WHERE position <> (SELECT count(*) FROM document_updates u WHERE u.document_id = h.document_id)
     OR position <> (SELECT max(position) FROM document_updates u WHERE u.document_id = h.document_id)
""")
)


async def measure_appends(database: Database, documents: list[str], seconds: float) -> dict[str, Any]:
    """Append for so many seconds as a room's committer does, one transaction after the other, each full; `kept` counts what the
    table has.

    `per_second`, `p50_ms` and `p99_ms` of a transaction, and `gaps`: documents whose positions are not 1, 2, 3 …
    """
    _, data = workload.make_edits(1, 2)[1]
    of: list[UUID] = [ids.decode(each, "Document") for each in documents]
    log = UpdateLog(database)
    batch = [
        Update(
            document_id=of[number % len(of)], data=data, author_id=None, session_id=None, client_ids=(), client_mutation_id=None
        )
        for number in range(MAX_TRANSACTION_UPDATES)
    ]
    took: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        start = time.perf_counter()
        placed = await log.append(batch)
        took.append(time.perf_counter() - start)
        assert len(placed) == len(batch)
    passed = time.perf_counter() - began
    gaps = await database.fetch_value(_GAPS)
    took.sort()
    return {
        "documents": len(of),
        "per_second": len(took) * len(batch) / passed,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
        "gaps": gaps,
    }
