"""Gives rooms what they need of their process: loading, committing, announcing, and fair shares of the event loop for large
edits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from time import thread_time
from typing import Any, Final, TypeVar
from uuid import UUID

from domain.document.update import LoggedUpdate, to_entry
from domain.errors import Overloaded
from realtime.announcements import PubSub
from realtime.background_tasks import BackgroundTasks
from realtime.collaboration.commit import GroupCommitter, UpdateSource
from realtime.collaboration.document_state import DocumentState
from realtime.collaboration.snapshots import DifferenceSource, DocumentLog, SnapshotSource, UpdateSplitter, load
from realtime.hub import StreamHub
from transport.fair_scheduler import QueueFull
from transport.fair_semaphore import FairSemaphore
from transport.write_batch import WriteBatch

T = TypeVar("T")

_MAX_LARGE_UPDATES: Final = 8  # that are applied at once, by all persons together
_MAX_LARGE_UPDATES_PER_USER: Final = 2
_PIECE_SECONDS: Final = 0.005  # of the event loop, which a piece is thought to take
_LARGE_UPDATE_SECONDS_PER_BYTE: Final = 1e-6
_MAX_PAUSE_SECONDS: Final = 1.0


class RoomHost:
    """What all rooms of a process share."""

    def __init__(
        self,
        *,
        hub: StreamHub,
        pubsub: PubSub,
        log: DocumentLog,
        snapshots: SnapshotSource,
        splitter: UpdateSplitter,
        differences: DifferenceSource,
        committer: GroupCommitter,
        tasks: BackgroundTasks,
    ) -> None:
        self._hub = hub
        self._pubsub = pubsub
        self._log = log
        self._snapshots = snapshots
        self._splitter = splitter
        self._differences = differences
        self._committer = committer
        self._tasks = tasks
        self._large_updates = FairSemaphore(slots=_MAX_LARGE_UPDATES, max_per_owner=_MAX_LARGE_UPDATES_PER_USER)
        self._piece_lane = FairSemaphore(slots=1)
        self.write_batch = WriteBatch()
        """In which everything that a room sends is written."""

    async def load(self, document_id: UUID) -> DocumentState:
        """The document as the log has it now. Raises `Unavailable`."""
        return await load(self._snapshots, self._log, self._splitter, document_id)

    async def split_update(self, update: bytes, max_unanchored: int, *, owner: UUID) -> list[bytes]:
        """A large update as small ones. Raises InvalidUpdate, UpdateTooLarge, TooExpensive, Overloaded."""
        return await self._splitter.split_update(update, max_unanchored, owner=owner)

    async def difference(self, document_id: UUID, vector: bytes, *, owner: UUID) -> bytes:
        """What a client of a large document is missing. Raises InvalidUpdate, Overloaded, `Unavailable`."""
        return await self._differences.difference(document_id, vector, owner=owner)

    def start(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Run a coroutine for as long as the rooms are open, whoever waits for it."""
        self._tasks.start(coroutine, name)

    def submit(self, source: UpdateSource) -> None:
        """Commit what the room has collected, at the next tick."""
        self._committer.submit(source)

    def announce(self, stream: str, updates: Sequence[LoggedUpdate]) -> None:
        """Announce what was committed here: the hub need not deliver it to the room, and other processes get it."""
        self._hub.mark_delivered(stream, updates[0].position, updates[-1].position)
        if not self._pubsub.is_single_process:
            for update in updates:
                self._pubsub.publish(to_entry(update))

    def notify_head(self, stream: str, position: int) -> None:
        """The log has come this far, and the room does not have it."""
        self._hub.notify_head(stream, position)

    async def run_large_update(self, owner: UUID, size: int, apply: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """
        Apply a large update to its end once it has begun, also when the caller is cancelled: it is applied whole or not at all.

        Few are applied at once, and few of one person. Raises what `apply` raises, and Overloaded where too many wait.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        has_begun = False

        async def run() -> None:
            nonlocal has_begun
            try:
                async with self._large_updates.slot(owner, cost_seconds=size * _LARGE_UPDATE_SECONDS_PER_BYTE):
                    has_begun = True
                    result = await apply()
            except QueueFull:
                _set_exception(done, Overloaded("Too many large edits are applied; try again."))
            except asyncio.CancelledError:
                done.cancel()
                raise
            except Exception as error:  # noqa: BLE001 (the caller's)
                _set_exception(done, error)
            else:
                if not done.done():
                    done.set_result(result)

        cancel = self._tasks.start(run(), "rooms: large update")
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if not has_begun:
                cancel()
            raise

    @asynccontextmanager
    async def piece_slot(self, owner: UUID) -> AsyncIterator[None]:
        """Apply one piece of a large update in the block: one at a time in the process, in fair turns, with as long a pause after
        it."""
        async with self._piece_lane.slot(owner, cost_seconds=_PIECE_SECONDS):
            began = thread_time()
            yield
            await asyncio.sleep(min(thread_time() - began, _MAX_PAUSE_SECONDS))


def _set_exception(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # counts as seen, also when the caller has gone
