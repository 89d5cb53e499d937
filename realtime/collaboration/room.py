"""A room: one document that people edit together, as this process sees it.

What visitors send is judged, collected, made durable by the committer, and only then acknowledged and handed to everybody, in the
order of positions; what other processes commit arrives through the hub and is handed on the same way, neither stored nor
announced again. When this process commits behind an edit of another that it has not heard yet, its own edit waits for that: the
log has it.

Presence goes to everybody at once and is whispered to other processes. Rights are the visitor's; the room asks again whenever the
team's stream tells of something that may have changed them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import thread_time
from typing import Final
from uuid import UUID

from content.crdt import EMPTY
from content.errors import TooExpensive
from content.update_cost import MAX_UPDATE_SECONDS
from domain.document.update import Appended, LoggedUpdate, Update, document_stream, to_logged
from domain.errors import DomainError, NotFound, Unavailable
from realtime.collaboration.access import DocumentAccess, DocumentRight
from realtime.collaboration.commit import CommitResult
from realtime.collaboration.document_state import MAX_INLINE_BYTES, DocumentState, NeedsSplitting
from realtime.collaboration.participant import AwarenessUpdate, Participant
from realtime.collaboration.pending_update import OnDone, PendingUpdate
from realtime.collaboration.presence import AwarenessTable
from realtime.collaboration.room_host import RoomHost
from realtime.collaboration.update_batch import UpdateBatch

MAX_PENDING_UPDATES: Final = 4_096
MAX_PENDING_BYTES: Final = 8 * 1024 * 1024
_PIECES_PER_YIELD: Final = 16

Author = tuple[UUID, str | None]  # a user and his session


class Room:
    """One document's visitors, edits and peers."""

    def __init__(self, document_id: UUID, host: RoomHost, *, now: float) -> None:
        self.document_id = document_id
        self.stream = document_stream(document_id)
        self.participants: set[Participant] = set()
        self.awareness = AwarenessTable()
        self.position = 0
        self.access: DocumentAccess | None = None
        self.reference_count = 0
        self.idle_since = now
        self.needs_recheck = False  # whether rights may have changed since they were looked up
        self.close: Callable[[], object] = lambda: None
        self.edited_at: float | None = None  # when the newest edit came that has not been settled
        self._host = host
        self._state: DocumentState | None = None
        self._loading = asyncio.Lock()
        self._committed_while_loading: list[bytes] = []  # what was committed while the document was loaded
        self._pending: deque[PendingUpdate] = deque()
        self._in_flight: list[PendingUpdate] = []
        self._pending_bytes = 0
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()
        self._out_of_order: dict[int, LoggedUpdate] = {}
        self._known_clients: set[int] = set()

    # The document.

    async def state(self) -> DocumentState:
        """The document, loaded when nobody needed it before. Raises `Unavailable`."""
        async with self._loading:
            if self._state is None:
                self._committed_while_loading.clear()
                state = await self._host.load(self.document_id)
                # No pause from here on. What is on its way to the log was judged when it came.
                on_its_way = [each.update.data for each in (*self._in_flight, *self._pending) if each.update]
                for data in (*self._committed_while_loading, *on_its_way):
                    state.apply_stored(data)
                self._committed_while_loading.clear()
                self._state = state
            return self._state

    def discard_state(self) -> None:
        """The document in memory is not what the log will have: it is loaded anew for the next who needs it."""
        self._state = None

    # Edits, from visitors to the log.

    async def submit(
        self,
        data: bytes,
        author_id: UUID,
        *,
        session_id: str | None = None,
        client_mutation_id: str | None = None,
        on_done: OnDone | None = None,
    ) -> None:
        """
        Take an edit; `done` is called when it is durable, or could not be made so. Waits while too much is under way.

        Raises InvalidUpdate, UpdateTooLarge, UpdatePending (it builds on edits that are not here: let the client sync),
        Unavailable.
        """
        await self._has_capacity.wait()
        if len(data) <= MAX_INLINE_BYTES:
            while self._state is None:
                await self.state()
            try:
                self._apply_and_queue(self._state, data, (author_id, session_id), client_mutation_id, on_done, is_split=False)
                return
            except NeedsSplitting:
                pass
        await self._submit_split(data, (author_id, session_id), client_mutation_id, on_done)

    async def _submit_split(self, data: bytes, author: Author, key: str | None, on_done: OnDone | None) -> None:
        """An edit as many: each is kept by itself, and the last one's fate is told, as it cannot be kept without the others."""
        state = await self.state()
        state.require_capacity(len(data))
        *several, last = pieces = await self._host.split_update(data, state.max_unanchored) or [EMPTY]
        await self._require_affordable(pieces)
        for piece in several:
            await self._has_capacity.wait()
            state, began = await self.state(), thread_time()
            self._apply_and_queue(state, piece, author, None, None, is_split=True)
            await asyncio.sleep(min(thread_time() - began, 1.0))  # as long for the others
        self._apply_and_queue(await self.state(), last, author, key, on_done, is_split=True)

    async def _require_affordable(self, pieces: Sequence[bytes]) -> None:
        """Raise TooExpensive where all pieces together would take too long, before any of them is applied."""
        seconds = 0.0
        for count, piece in enumerate(pieces):
            seconds += (await self.state()).estimate_seconds(piece)
            if seconds > MAX_UPDATE_SECONDS:
                raise TooExpensive(MAX_UPDATE_SECONDS)
            if count % _PIECES_PER_YIELD == 0:
                await asyncio.sleep(0)

    def _apply_and_queue(
        self, state: DocumentState, data: bytes, author: Author, key: str | None, on_done: OnDone | None, *, is_split: bool
    ) -> None:
        try:
            effect, clients = state.apply_client_update(data, is_split=is_split)
        except DomainError:
            if state.is_broken:
                self.discard_state()
            raise
        update = None
        if effect or key is not None:
            shown = tuple(each for each in clients if each not in self._known_clients)
            self._known_clients.update(shown)
            update = Update(
                document_id=self.document_id,
                # What a client sends again, such as all its deletions, need not be kept again.
                data=effect if key is None and len(effect) < len(data) else data,
                author_id=author[0],
                session_id=author[1],
                client_ids=shown,
                client_mutation_id=key,
            )
        elif on_done is None or not (self._pending or self._in_flight):
            if on_done:
                on_done(Appended(self.position, repeated=True))
            return
        self._pending.append(PendingUpdate(update, on_done))
        self._pending_bytes += len(data)
        if len(self._pending) >= MAX_PENDING_UPDATES or self._pending_bytes >= MAX_PENDING_BYTES:
            self._has_capacity.clear()
        self._host.submit(self)

    def drain(self, max_updates: int, max_bytes: int) -> Sequence[Update]:
        """For the committer."""
        updates: list[Update] = []
        while self._pending and len(updates) < max_updates and max_bytes > 0:
            item = self._pending.popleft()
            self._in_flight.append(item)
            if item.update is None:
                continue
            max_bytes -= len(item.update.data)
            self._pending_bytes -= len(item.update.data)
            updates.append(item.update)
        self._signal_capacity()
        return updates

    @property
    def is_busy(self) -> bool:
        """Whether edits are on their way to the log."""
        return bool(self._pending or self._in_flight)

    @property
    def has_more(self) -> bool:
        """For the committer."""
        return bool(self._pending)

    def on_committed(self, results: Sequence[CommitResult]) -> None:
        """From the committer: acknowledge, hand on, announce."""
        with self._host.write_batch:
            self._apply_commit(results)

    def _apply_commit(self, results: Sequence[CommitResult]) -> None:
        under_way, self._in_flight = self._in_flight, []
        kept: list[LoggedUpdate] = []
        refused: DomainError | None = None
        given = iter(results)
        last: CommitResult = Appended(self.position, repeated=True)
        at = datetime.now(UTC)
        for item in under_way:
            if item.update is not None:
                last = next(given)
                if isinstance(last, DomainError):
                    refused = last
                elif not last.repeated:
                    kept.append(to_logged(item.update, last.position, at))
            if item.on_done:
                item.on_done(last)
        if kept:
            if self._loading.locked():
                self._committed_while_loading += [each.data for each in kept]
            self._host.announce(self, kept)
            self.deliver_in_order(kept)
        if refused:
            self._fail_pending()

    def _fail_pending(self) -> None:
        """An edit was not kept: what came behind it may build on it."""
        rest, self._pending = self._pending, deque()
        self.discard_state()
        for item in rest:
            if item.on_done:
                item.on_done(Unavailable("The edit could not be kept now; try again."))
        self._signal_capacity()

    def _signal_capacity(self) -> None:
        if not self._pending:
            self._pending_bytes = 0
        if len(self._pending) < MAX_PENDING_UPDATES // 2 and self._pending_bytes < MAX_PENDING_BYTES // 2:
            self._has_capacity.set()

    # Edits, from the log to visitors.

    def receive_committed(self, updates: Sequence[LoggedUpdate]) -> None:
        """Edits that were committed elsewhere, or that this process has committed itself."""
        news = [each.data for each in updates if each.position > self.position and each.position not in self._out_of_order]
        if self._state is not None:
            if any(len(data) > MAX_INLINE_BYTES for data in news):
                self.discard_state()  # loading takes it in in pieces
            else:
                for data in news:
                    self._state.apply_stored(data)
        elif self._loading.locked():
            self._committed_while_loading += news
        with self._host.write_batch:
            self.deliver_in_order(updates)

    def deliver_in_order(self, updates: Sequence[LoggedUpdate]) -> None:
        """Hand on what is next; keep what is early."""
        following: list[LoggedUpdate] = []
        for update in updates:
            if update.position > self.position:
                self._out_of_order[update.position] = update
        while next_ := self._out_of_order.pop(self.position + 1, None):
            following.append(next_)
            self.position += 1
        if self._out_of_order:
            self._host.notify_head(self.stream, max(self._out_of_order))
        if following:
            self.edited_at = asyncio.get_running_loop().time()
            edits = UpdateBatch(following)
            for visitor in tuple(self.participants):
                if visitor.right is not None:
                    visitor.on_updates(edits)

    def on_version_saved(self, version_id: UUID) -> None:
        """A version was saved."""
        for visitor in tuple(self.participants):
            if visitor.right is not None:
                visitor.on_version_saved(version_id)

    # Peers.

    def broadcast_awareness(self, update: AwarenessUpdate) -> None:
        """Tell everybody here of peers."""
        if update.states:
            with self._host.write_batch:
                for visitor in tuple(self.participants):
                    if visitor.right is not None:
                        visitor.on_awareness(update)

    # Rights.

    def user_right(self, user_id: UUID) -> DocumentRight | None:
        """What a user may do who is here; None for who is not, whatever he may do."""
        return max((each.right for each in self.participants if each.user_id == user_id and each.right), default=None)

    def apply_rights(self, access: DocumentAccess | None) -> None:
        """Rights were looked up again: tell those whose have changed, and send away who has none."""
        if access is not None:
            self.access = access
        for visitor in tuple(self.participants):
            right = access.rights.get(visitor.user_id) if access else None
            if right is None:
                self.participants.discard(visitor)
                self.broadcast_awareness(AwarenessUpdate(self.awareness.remove_participant(visitor)))
                visitor.on_removed(NotFound())
            elif visitor.right is not None:
                visitor.on_access_changed(right)

    def disconnect_all(self, error: DomainError | None) -> None:
        """Everybody must leave."""
        visitors, self.participants = self.participants, set()
        for visitor in visitors:
            visitor.on_removed(error)
