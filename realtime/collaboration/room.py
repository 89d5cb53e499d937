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
from domain.document.update import LoggedUpdate, Placed, Update, document_stream, logged
from domain.errors import DomainError, NotFound, Unavailable
from realtime.collaboration.access import Right, Standing
from realtime.collaboration.commit import Answer
from realtime.collaboration.document_state import AT_ONCE, State, TooMuchAtOnce
from realtime.collaboration.participant import News, Visitor
from realtime.collaboration.pending_update import Done, Pending
from realtime.collaboration.presence import Peers
from realtime.collaboration.room_host import Outside
from realtime.collaboration.update_batch import Edits

PENDING_UPDATES: Final = 4_096
PENDING_BYTES: Final = 8 * 1024 * 1024

Author = tuple[UUID, str | None]  # a user and his session


class Room:
    """One document's visitors, edits and peers."""

    def __init__(self, document_id: UUID, outside: Outside, *, now: float) -> None:
        self.document_id = document_id
        self.stream = document_stream(document_id)
        self.visitors: set[Visitor] = set()
        self.peers = Peers()
        self.position = 0
        self.standing: Standing | None = None
        self.holds = 0
        self.idle_since = now
        self.is_doubtful = False  # whether rights may have changed since they were looked up
        self.close: Callable[[], object] = lambda: None
        self.edited_at: float | None = None  # when the newest edit came that has not been settled
        self._outside = outside
        self._state: State | None = None
        self._loading = asyncio.Lock()
        self._meanwhile: list[bytes] = []  # what was committed while the document was loaded
        self._pending: deque[Pending] = deque()
        self._under_way: list[Pending] = []
        self._pending_bytes = 0
        self._space = asyncio.Event()
        self._space.set()
        self._early: dict[int, LoggedUpdate] = {}
        self._known_clients: set[int] = set()

    # The document.

    async def state(self) -> State:
        """The document, loaded when nobody needed it before. Raises `Unavailable`."""
        async with self._loading:
            if self._state is None:
                self._meanwhile.clear()
                state = await self._outside.load(self.document_id)
                # No pause from here on. What is on its way to the log was judged when it came.
                on_its_way = [each.update.data for each in (*self._under_way, *self._pending) if each.update]
                for data in (*self._meanwhile, *on_its_way):
                    state.absorb(data)
                self._meanwhile.clear()
                self._state = state
            return self._state

    def forget_state(self) -> None:
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
        done: Done | None = None,
    ) -> None:
        """
        Take an edit; `done` is called when it is durable, or could not be made so. Waits while too much is under way.

        Raises InvalidUpdate, UpdateTooLarge, UpdatePending (it builds on edits that are not here: let the client sync),
        Unavailable.
        """
        await self._space.wait()
        if len(data) <= AT_ONCE:
            while self._state is None:
                await self.state()
            try:
                self._take(self._state, data, (author_id, session_id), client_mutation_id, done, parted=False)
                return
            except TooMuchAtOnce:
                pass
        await self._take_parted(data, (author_id, session_id), client_mutation_id, done)

    async def _take_parted(self, data: bytes, by: Author, key: str | None, done: Done | None) -> None:
        """An edit as many: each is kept by itself, and the last one's fate is told, as it cannot be kept without the others."""
        state = await self.state()
        state.require_room(len(data))
        *several, last = await self._outside.parted(data, state.loose_at_once) or [EMPTY]
        for piece in several:
            await self._space.wait()
            state, began = await self.state(), thread_time()
            self._take(state, piece, by, None, None, parted=True)
            await asyncio.sleep(min(thread_time() - began, 1.0))  # as long for the others
        self._take(await self.state(), last, by, key, done, parted=True)

    def _take(self, state: State, data: bytes, by: Author, key: str | None, done: Done | None, *, parted: bool) -> None:
        try:
            effect, clients = state.take(data, parted=parted)
        except DomainError:
            if state.is_broken:
                self.forget_state()
            raise
        update = None
        if effect or key is not None:
            shown = tuple(each for each in clients if each not in self._known_clients)
            self._known_clients.update(shown)
            update = Update(
                document_id=self.document_id,
                # What a client sends again, such as all its deletions, need not be kept again.
                data=effect if key is None and len(effect) < len(data) else data,
                author_id=by[0],
                session_id=by[1],
                client_ids=shown,
                client_mutation_id=key,
            )
        elif done is None or not (self._pending or self._under_way):
            if done:
                done(Placed(self.position, repeated=True))
            return
        self._pending.append(Pending(update, done))
        self._pending_bytes += len(data)
        if len(self._pending) >= PENDING_UPDATES or self._pending_bytes >= PENDING_BYTES:
            self._space.clear()
        self._outside.submit(self)

    def collect(self, count: int, size: int) -> Sequence[Update]:
        """For the committer."""
        updates: list[Update] = []
        while self._pending and len(updates) < count and size > 0:
            item = self._pending.popleft()
            self._under_way.append(item)
            if item.update is None:
                continue
            size -= len(item.update.data)
            self._pending_bytes -= len(item.update.data)
            updates.append(item.update)
        self._make_space()
        return updates

    @property
    def is_busy(self) -> bool:
        """Whether edits are on their way to the log."""
        return bool(self._pending or self._under_way)

    @property
    def has_more(self) -> bool:
        """For the committer."""
        return bool(self._pending)

    def committed(self, answers: Sequence[Answer]) -> None:
        """From the committer: acknowledge, hand on, announce."""
        with self._outside.burst:
            self._committed(answers)

    def _committed(self, answers: Sequence[Answer]) -> None:
        under_way, self._under_way = self._under_way, []
        kept: list[LoggedUpdate] = []
        refused: DomainError | None = None
        given = iter(answers)
        last: Answer = Placed(self.position, repeated=True)
        at = datetime.now(UTC)
        for item in under_way:
            if item.update is not None:
                last = next(given)
                if isinstance(last, DomainError):
                    refused = last
                elif not last.repeated:
                    kept.append(logged(item.update, last.position, at))
            if item.done:
                item.done(last)
        if kept:
            if self._loading.locked():
                self._meanwhile += [each.data for each in kept]
            self._outside.announce(self, kept)
            self.arrived(kept)
        if refused:
            self._refuse_the_rest()

    def _refuse_the_rest(self) -> None:
        """An edit was not kept: what came behind it may build on it."""
        rest, self._pending = self._pending, deque()
        self.forget_state()
        for item in rest:
            if item.done:
                item.done(Unavailable("The edit could not be kept now; try again."))
        self._make_space()

    def _make_space(self) -> None:
        if not self._pending:
            self._pending_bytes = 0
        if len(self._pending) < PENDING_UPDATES // 2 and self._pending_bytes < PENDING_BYTES // 2:
            self._space.set()

    # Edits, from the log to visitors.

    def heard(self, updates: Sequence[LoggedUpdate]) -> None:
        """Edits that were committed elsewhere, or that this process has committed itself."""
        news = [each.data for each in updates if each.position > self.position and each.position not in self._early]
        if self._state is not None:
            if any(len(data) > AT_ONCE for data in news):
                self.forget_state()  # loading takes it in in pieces
            else:
                for data in news:
                    self._state.absorb(data)
        elif self._loading.locked():
            self._meanwhile += news
        with self._outside.burst:
            self.arrived(updates)

    def arrived(self, updates: Sequence[LoggedUpdate]) -> None:
        """Hand on what is next; keep what is early."""
        following: list[LoggedUpdate] = []
        for update in updates:
            if update.position > self.position:
                self._early[update.position] = update
        while next_ := self._early.pop(self.position + 1, None):
            following.append(next_)
            self.position += 1
        if self._early:
            self._outside.urge(self.stream, max(self._early))
        if following:
            self.edited_at = asyncio.get_running_loop().time()
            edits = Edits(following)
            for visitor in tuple(self.visitors):
                if visitor.right is not None:
                    visitor.edited(edits)

    def saved(self, version_id: UUID) -> None:
        """A version was saved."""
        for visitor in tuple(self.visitors):
            if visitor.right is not None:
                visitor.saved(version_id)

    # Peers.

    def meet(self, news: News) -> None:
        """Tell everybody here of peers."""
        if news.peers:
            with self._outside.burst:
                for visitor in tuple(self.visitors):
                    if visitor.right is not None:
                        visitor.met(news)

    # Rights.

    def right_of(self, user_id: UUID) -> Right | None:
        """What a user may do who is here; None for who is not, whatever he may do."""
        return max((each.right for each in self.visitors if each.user_id == user_id and each.right), default=None)

    def judge(self, standing: Standing | None) -> None:
        """Rights were looked up again: tell those whose have changed, and send away who has none."""
        if standing is not None:
            self.standing = standing
        for visitor in tuple(self.visitors):
            right = standing.rights.get(visitor.user_id) if standing else None
            if right is None:
                self.visitors.discard(visitor)
                self.meet(News(self.peers.leave(visitor)))
                visitor.leave(NotFound())
            elif visitor.right is not None:
                visitor.allowed(right)

    def send_away(self, error: DomainError | None) -> None:
        """Everybody must leave."""
        visitors, self.visitors = self.visitors, set()
        for visitor in visitors:
            visitor.leave(error)
