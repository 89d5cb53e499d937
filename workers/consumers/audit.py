"""Records what happens in teams, and sign-ins and refusals of their people, in audit logs (`domain.audit`).

A log may leave nothing out: an event that cannot be recorded is tried again until it can be, and its stream waits.
"""

from typing import Final

from domain.audit import record
from workers.consumer import Batch, consumer

_MAX_TRIES: Final = 2**31 - 1


@consumer(name="audit", streams=("team", "user", "audit"), max_tries=_MAX_TRIES)
async def audit(batch: Batch) -> None:
    """Append to the logs in the transaction that moves the cursor."""
    await record(batch.uow, batch.entries, batch.services.audit_seal)
