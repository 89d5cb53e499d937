"""A room: one document that people edit together, as this process sees it.

What participants send is validated, collected, made durable by the committer, and only then acknowledged and sent to everybody,
in the order of positions. What other processes commit arrives through the hub and is sent on the same way, neither stored nor
announced again. When this process commits behind an edit of another that it does not have yet, its own edit waits for that: the
log has it.

An edit is applied and logged whole or not at all, however large it is and whatever becomes of its connection. A large one is
applied in pieces, between which others have their turn; clients that synchronize meanwhile wait until it is done, so nobody is
sent half of it.

Awareness goes to everybody, what changed close together in one message. Rights are the participants'; they are looked up again
whenever the team's stream announces something that may have changed them, and nothing is sent on until that is done.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import methodcaller
from typing import Final
from uuid import UUID

from content.crdt import EMPTY, merge
from content.errors import TooExpensive
from content.update_cost import MAX_UPDATE_SECONDS
from domain.document.update import Appended, LoggedUpdate, Update, document_stream, to_logged
from domain.errors import DomainError, NotFound, Unavailable
from realtime.collaboration.access import DocumentAccess, DocumentRight
from realtime.collaboration.awareness_broadcast import AwarenessBroadcast
from realtime.collaboration.broadcast import Broadcast
from realtime.collaboration.commit import CommitResult, OnDone, PendingUpdate
from realtime.collaboration.differences import Differences
from realtime.collaboration.document_state import MAX_INLINE_BYTES, DocumentState, NeedsSplitting
from realtime.collaboration.edit_broadcast import EditBroadcast
from realtime.collaboration.edit_queue import EditQueue
from realtime.collaboration.participant import Participant
from realtime.collaboration.presence import AwarenessTable
from realtime.collaboration.room_host import RoomHost

_MAX_APPLY_ATTEMPTS: Final = 4
_COMMIT_POLL_SECONDS: Final = 0.01
_MAX_COMMIT_POLLS: Final = 3_000
_PIECES_PER_YIELD: Final = 16

Author = tuple[UUID, str | None]  # a user and their session


class Room:
    """One document's participants, edits and awareness."""

    def __init__(self, document_id: UUID, host: RoomHost, *, now: float) -> None:
        self.document_id = document_id
        self.stream = document_stream(document_id)
        self.broadcast = Broadcast()
        self.participants = self.broadcast.participants
        self.awareness = AwarenessTable()
        self.committed_edits = EditBroadcast(self.broadcast, host.write_batch)
        self.changed_awareness = AwarenessBroadcast(self.broadcast, host.write_batch)
        self.position = self.compacted_to = 0
        self.differences = Differences(document_id, host, self._whole_state)
        self.access: DocumentAccess | None = None
        self.reference_count = 0
        self.idle_since = now
        self.needs_recheck = False  # whether rights may have changed since they were looked up
        self.close: Callable[[], object] = lambda: None
        self.edited_at: float | None = None  # when the newest edit came that has not been compacted
        self._host = host
        self._state: DocumentState | None = None
        self._names: frozenset[str] = frozenset()  # that participants know of
        self._loading = asyncio.Lock()
        self._committed_while_loading: list[bytes] = []
        self._measuring = asyncio.Lock()
        self._large_update = asyncio.Lock()
        self._large_update_author: UUID | None = None
        self._edits = EditQueue()
        self._out_of_order: dict[int, LoggedUpdate] = {}
        self._known_clients: set[int] = set()

    async def state(self) -> DocumentState:
        """The document, loaded when it is first needed. Raises `Unavailable`."""
        async with self._loading:
            for _ in range(_MAX_APPLY_ATTEMPTS):
                if self._state is not None:
                    return self._state
                await self._wait_for_large_commits()
                self._committed_while_loading.clear()
                state = await self._host.load(self.document_id)
                # No pause from here on. What is on its way to the log was validated when it came.
                missing = (*self._committed_while_loading, *self._edits.updates())
                if any(len(data) > MAX_INLINE_BYTES for data in missing):
                    continue  # loading applies it in pieces
                for data in missing:
                    state.apply_stored(data)
                self._committed_while_loading.clear()
                self._state = state
                self._on_names_changed(state)
        if self._state is None:
            raise Unavailable("The document changes faster than it can be loaded; try again.")
        return self._state

    async def _whole_state(self) -> DocumentState:
        async with self._large_update:
            return await self.state()

    @property
    def names(self) -> frozenset[str]:
        """The nodes and marks that the document holds, as far as it is loaded."""
        return self._names

    def discard_state(self) -> None:
        """Load the document anew when it is next needed: the one in memory is not what the log will have."""
        self._state = None
        self.differences.discard()

    async def _wait_for_large_commits(self) -> None:
        for _ in range(_MAX_COMMIT_POLLS):
            if not any(len(data) > MAX_INLINE_BYTES for data in self._edits.updates()):
                return
            await asyncio.sleep(_COMMIT_POLL_SECONDS)
        raise Unavailable("The document cannot be loaded now; try again.")

    def _on_names_changed(self, state: DocumentState, source: Participant | None = None) -> None:
        if len(state.names) != len(self._names) or not self._names.issuperset(state.names):
            self._names = frozenset(state.names)
            for participant in tuple(self.participants):
                if participant.right is not None:
                    participant.on_content_changed(is_own=participant is source)

    async def submit(
        self,
        data: bytes,
        author_id: UUID,
        *,
        session_id: str | None = None,
        client_mutation_id: str | None = None,
        source: Participant | None = None,
        on_done: OnDone | None = None,
    ) -> None:
        """
        Apply an edit; `on_done` is called when it is durable, or could not be made so. Waits while too much is pending.

        Raises InvalidUpdate, UpdateTooLarge, UpdatePending (it builds on edits that are not here: the client has to synchronize),
        TooExpensive, Overloaded, Unavailable.
        """
        if not self._edits.has_capacity:
            await self._edits.wait_for_capacity()
        author = (author_id, session_id)
        if self._large_update_author == author_id:
            async with self._large_update:  # it may build on that
                pass
        if len(data) <= MAX_INLINE_BYTES:
            while self._state is None or self._state.needs_measuring(len(data)):
                await self._measure(await self.state(), len(data), author_id)  # and look again: it may be another one now
            try:
                effect, clients = self._apply(self._state, data, source, is_split=False)
            except NeedsSplitting:
                pass
            else:
                # What a client sends again, such as all its deletions, need not be logged again.
                logged = effect if client_mutation_id is None and len(effect) < len(data) else data
                self._queue(logged, effect, clients, author, client_mutation_id, on_done)
                return
        await self._host.run_large_update(
            author_id, len(data), lambda: self._submit_large(data, author, source, client_mutation_id, on_done)
        )

    async def _submit_large(
        self, data: bytes, author: Author, source: Participant | None, key: str | None, on_done: OnDone | None
    ) -> None:
        """Apply an edit in pieces, then queue it whole."""
        async with self._large_update:
            self._large_update_author = author[0]
            try:
                effects, clients = await self._apply_pieces(data, author[0], source)
            finally:
                self._large_update_author = None
            effect_bytes = sum(map(len, effects))
            logged = data
            if key is None and effect_bytes < min(len(data), MAX_INLINE_BYTES):
                logged = merge(effects)
            self._queue(logged, b"".join(effects), tuple(clients), author, key, on_done)

    async def _apply_pieces(
        self, data: bytes, author_id: UUID, source: Participant | None
    ) -> tuple[list[bytes], dict[int, None]]:
        """Apply an update piece by piece: what was new, and the Yjs clients that it adds clocks for. Nothing stays of one that
        fails."""
        for _ in range(_MAX_APPLY_ATTEMPTS):
            state = await self.state()
            await self._measure(state, len(data), author_id)
            state.require_capacity(len(data))
            pieces = await self._host.split_update(data, state.max_unanchored, owner=author_id) or [EMPTY]
            await self._require_affordable(state, pieces)
            effects: list[bytes] = []
            clients: dict[int, None] = {}
            has_begun = False
            try:
                for piece in pieces:
                    async with self._host.piece_slot(author_id):
                        if self._state is not state:
                            break  # discarded, since another edit could not be committed
                        has_begun = True
                        effect, added = self._apply(state, piece, source, is_split=True)
                        if effect:
                            effects.append(effect)
                        clients |= dict.fromkeys(added)
                else:
                    if self._state is state:
                        return effects, clients
            except BaseException:
                if has_begun and self._state is state:
                    self.discard_state()
                raise
        raise Unavailable("The edit could not be applied now; try again.")

    async def _measure(self, state: DocumentState, size: int, author_id: UUID) -> None:
        """
        Measure a document in a worker, where it may be full: what is durable of it, and what is on its way to the log.

        What is committed meanwhile counts twice, so large edits are waited for: others would be refused for want of room that
        there is.
        """
        async with self._measuring:
            if state.needs_measuring(size):
                await self._wait_for_large_commits()
                under_way, before = sum(map(len, self._edits.updates())), state.byte_size
                durable = await self._host.difference(self.document_id, b"", owner=author_id)
                state.set_measured(len(durable) + under_way + state.byte_size - before)

    async def _require_affordable(self, state: DocumentState, pieces: Sequence[bytes]) -> None:
        """Raise TooExpensive where all pieces together would take too long, before any of them is applied."""
        seconds = 0.0
        for count, piece in enumerate(pieces):
            seconds += state.estimate_seconds(piece)
            if seconds > MAX_UPDATE_SECONDS:
                raise TooExpensive(MAX_UPDATE_SECONDS)
            if count % _PIECES_PER_YIELD == 0:
                await asyncio.sleep(0)

    def _apply(
        self, state: DocumentState, data: bytes, source: Participant | None, *, is_split: bool
    ) -> tuple[bytes, tuple[int, ...]]:
        known_names = len(state.names)
        try:
            applied = state.apply_client_update(data, is_split=is_split)
        except DomainError:
            if state.is_broken:
                self.discard_state()
            raise
        if len(state.names) != known_names:
            self._on_names_changed(state, source)
        return applied

    def _queue(
        self,
        data: bytes,
        effect: bytes,
        clients: tuple[int, ...],
        author: Author,
        key: str | None,
        on_done: OnDone | None,
    ) -> None:
        update = None
        if effect or key is not None:
            shown = tuple(each for each in clients if each not in self._known_clients)
            self._known_clients.update(shown)
            update = Update(
                document_id=self.document_id,
                data=data,
                author_id=author[0],
                session_id=author[1],
                client_ids=shown,
                client_mutation_id=key,
            )
        elif on_done is None or self._edits.is_empty:
            if on_done:
                on_done(Appended(self.position, repeated=True))
            return
        self._edits.add(PendingUpdate(update, on_done), len(data))
        self._host.submit(self)

    def drain(self, max_updates: int, max_bytes: int) -> Sequence[Update]:
        """For the committer (`commit.UpdateSource`)."""
        return self._edits.drain(max_updates, max_bytes)

    @property
    def is_busy(self) -> bool:
        """Whether edits are on their way to the log."""
        return not self._edits.is_empty or self._large_update.locked()

    @property
    def has_more(self) -> bool:
        """For the committer."""
        return self._edits.has_pending

    def on_committed(self, results: Sequence[CommitResult]) -> None:
        """From the committer: acknowledge, announce, send on."""
        with self._host.write_batch:
            self._handle_results(results)

    def _handle_results(self, results: Sequence[CommitResult]) -> None:
        committed: list[LoggedUpdate] = []
        refused: DomainError | None = None
        remaining = iter(results)
        last: CommitResult = Appended(self.position, repeated=True)
        at = datetime.now(UTC)
        for item in self._edits.take_in_flight():
            if item.update is not None:
                last = next(remaining)
                if isinstance(last, DomainError):
                    refused = last
                elif not last.repeated:
                    committed.append(to_logged(item.update, last.position, at))
            if item.on_done:
                item.on_done(last)
        if committed:
            if self._loading.locked():
                self._committed_while_loading += [each.data for each in committed]
            self._host.announce(self.stream, committed)
            self.deliver_in_order(committed)
        if refused:
            self._fail_pending()

    def _fail_pending(self) -> None:
        """An edit was not logged: those behind it may build on it."""
        self.discard_state()
        for item in self._edits.take_pending():
            if item.on_done:
                item.on_done(Unavailable("The edit could not be saved now; try again."))

    def receive_committed(self, updates: Sequence[LoggedUpdate]) -> None:
        """Apply and send on edits that were committed elsewhere, or by this process before they came back."""
        news = [each.data for each in updates if each.position > self.position and each.position not in self._out_of_order]
        if self._state is not None:
            if any(len(data) > MAX_INLINE_BYTES for data in news):
                self.discard_state()  # loading applies it in pieces
            else:
                for data in news:
                    self._state.apply_stored(data)
                self._on_names_changed(self._state)
        elif self._loading.locked():
            self._committed_while_loading += news
        with self._host.write_batch:
            self.deliver_in_order(updates)

    def deliver_in_order(self, updates: Sequence[LoggedUpdate]) -> None:
        """Send on what is next, and hold what is early."""
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
            self.differences.note(following)
            self.committed_edits.add(following)

    def on_version_saved(self, version_id: UUID) -> None:
        """A version was saved."""
        self.committed_edits.flush()
        self.broadcast.send(methodcaller("on_version_saved", version_id))

    def user_right(self, user_id: UUID) -> DocumentRight | None:
        """What a user who is here may do; None for who is not here, whatever they may do."""
        return max((each.right for each in self.participants if each.user_id == user_id and each.right), default=None)

    def apply_rights(self, access: DocumentAccess | None) -> None:
        """Apply rights that were looked up again; whoever has none is removed."""
        if access is not None:
            self.access = access
        for participant in tuple(self.participants):
            right = access.rights.get(participant.user_id) if access else None
            if right is None:
                self.participants.discard(participant)
                self.changed_awareness.add(self.awareness.remove_participant(participant))
                participant.on_removed(NotFound())
            elif participant.right is not None:
                participant.on_access_changed(right)

    def disconnect_all(self, error: DomainError | None) -> None:
        """Remove everybody."""
        self.broadcast.remove_all(error)
