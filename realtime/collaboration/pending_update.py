"""What waits in a room to be committed."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.document.update import Update
from realtime.collaboration.commit import CommitResult

OnDone = Callable[[CommitResult], None]


@dataclass(slots=True)
class PendingUpdate:
    """An edit on its way to the log; without one it changes nothing, and is answered when those before it are durable."""

    update: Update | None
    on_done: OnDone | None
