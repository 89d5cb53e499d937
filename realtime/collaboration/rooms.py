"""Live editing in one process: composes the rooms, their participants' rights and awareness, group commit, and the sweeper."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self
from uuid import UUID

from realtime.announcements import PubSub
from realtime.background_tasks import BackgroundTasks
from realtime.collaboration.access import AccessLookup
from realtime.collaboration.commit import GroupCommitter
from realtime.collaboration.membership import Membership
from realtime.collaboration.message_limits import PersonBudgets
from realtime.collaboration.presence import Presence
from realtime.collaboration.presence_channel import PresenceChannel
from realtime.collaboration.registry import RoomRegistry
from realtime.collaboration.room import Room
from realtime.collaboration.room_host import RoomHost
from realtime.collaboration.snapshots import Compactor, DifferenceSource, DocumentLog, SnapshotSource, UpdateSplitter
from realtime.collaboration.sweeper import RoomSweeper
from realtime.collaboration.timings import RoomTimings
from realtime.hub import StreamHub
from transport.message_gate import MessageGate
from transport.write_batch import WriteBatch


class Rooms:
    """The rooms of one process. `membership` lets participants in and out, `presence` shares where their cursors are."""

    def __init__(
        self,
        registry: RoomRegistry,
        membership: Membership,
        presence: PresenceChannel,
        tasks: BackgroundTasks,
        write_batch: WriteBatch,
        message_gate: MessageGate,
    ) -> None:
        self._registry = registry
        self._tasks = tasks
        self.membership = membership
        self.presence = presence
        self.write_batch = write_batch
        self.message_gate = message_gate
        self.budgets = PersonBudgets()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        hub: StreamHub,
        pubsub: PubSub,
        log: DocumentLog,
        snapshots: SnapshotSource,
        splitter: UpdateSplitter,
        differences: DifferenceSource,
        compactor: Compactor,
        access: AccessLookup,
        timings: RoomTimings | None = None,
    ) -> AsyncIterator[Self]:
        """Rooms over open services; at the end everybody is removed, and what was accepted is committed first."""
        timings = timings or RoomTimings()
        tasks = BackgroundTasks()
        gate = MessageGate()
        committer = GroupCommitter(log, interval_seconds=timings.commit_interval_seconds, gate=gate)
        host = RoomHost(
            hub=hub,
            pubsub=pubsub,
            log=log,
            snapshots=snapshots,
            splitter=splitter,
            differences=differences,
            committer=committer,
            tasks=tasks,
        )
        presence = PresenceChannel(pubsub, wait_seconds=timings.presence_wait_seconds)
        membership = Membership(access, presence, hub, tasks, retry_seconds=timings.retry_seconds)
        registry = RoomRegistry(hub, host, membership, presence, tasks, retry_seconds=timings.retry_seconds)
        sweeper = RoomSweeper(registry, membership, compactor, tasks, timings)
        tasks.supervise(committer.run(), "rooms: commit")
        tasks.supervise(sweeper.run(), "rooms: sweep")
        if not pubsub.is_single_process:
            tasks.supervise(sweeper.check_rights(), "rooms: rights")
        try:
            yield cls(registry, membership, presence, tasks, host.write_batch, gate)
        finally:
            registry.close_all()
            await tasks.cancel_all()
            await committer.finish()

    def start(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Run a coroutine for as long as the rooms are open."""
        self._tasks.start(coroutine, name)

    def room(self, document_id: UUID) -> AbstractAsyncContextManager[Room]:
        """The room of a document, which stays open for the length of the block. Raises `Unavailable`, `NotFound`."""
        return self._registry.room(document_id)

    async def presences(self, document_ids: Sequence[UUID]) -> list[Sequence[Presence]]:
        """Who is in each document, as far as this process knows, and other processes answer in time."""
        return await self.presence.presences(document_ids, self._registry.rooms, self._registry.get_or_open)
