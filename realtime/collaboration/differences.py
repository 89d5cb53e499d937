"""What clients of one document are missing; of a large one, computed once for all who come with the same state vector.

When many open a large document at once, such as at the beginning of a lesson, each of them lacks the same: what the first of them
is missing is sent to all who come within `SHARED_SECONDS` after it was computed, followed by the edits since, which are noted
here. Their bytes are the same objects, so a hundred who wait for them hold them once.

Rejected: a difference for everybody (150 who open a document of 10 MB waited for the worker processes until 126 of them were sent
away); holding the newest state ready (it changes with each edit, and to encode 10 MB takes some 50 ms).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from domain.document.update import LoggedUpdate
from domain.errors import DomainError, Unavailable
from realtime.collaboration import messages
from realtime.collaboration.document_state import DocumentState
from realtime.collaboration.room_host import RoomHost
from realtime.collaboration.update_batch import UpdateBatch

MAX_UNSHARED_BYTES: Final = 64 * 1024
"""Of a document whose differences are quick to compute, and shared by nobody."""
MAX_INLINE_BYTES: Final = 1024 * 1024
"""Of a document whose differences are computed on the event loop."""
MAX_INLINE_CLOCKS: Final = 64 * 1024
"""That are missing, in the difference of a larger document."""
SHARED_SECONDS: Final = 2.0
MAX_SHARED: Final = 4
"""Differences of one document that are held after they were computed: for clients with different state vectors."""
MAX_SINCE_UPDATES: Final = 256
MAX_SINCE_BYTES: Final = 256 * 1024
"""Edits since a difference, beyond which whoever comes needs a new one."""
_MAX_ATTEMPTS: Final = 4


class _Shared:
    """What clients with one state vector are missing: a difference, and the edits since."""

    def __init__(self) -> None:
        self.is_stale = False
        """Whether nobody may be sent it: edits since are not known."""
        self.computed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._since: list[LoggedUpdate] = []
        self._since_bytes = 0
        self._prefix: bytes | None = None
        self._message = b""

    def note(self, updates: Sequence[LoggedUpdate]) -> None:
        """Edits were committed since the difference was asked for."""
        self._since += updates
        self._since_bytes += sum(len(each.data) for each in updates)
        if len(self._since) > MAX_SINCE_UPDATES or self._since_bytes > MAX_SINCE_BYTES:
            self.is_stale = True

    def frames(self, prefix: bytes) -> list[bytes]:
        """The difference and the edits since as websocket messages, behind a prefix."""
        if prefix != self._prefix:  # most clients have the same
            self._prefix = prefix
            self._message = messages.sync_message(messages.SyncStep.STEP_2, self.computed.result(), prefix=prefix)
        return [self._message, *(UpdateBatch(self._since).frames(prefix) if self._since else ())]


class Differences:
    """The differences of one room. Those that are being computed are as many as clients wait for them."""

    def __init__(self, document_id: UUID, host: RoomHost, state: Callable[[], Awaitable[DocumentState]]) -> None:
        """`state`: the document, no large edit of which is half applied."""
        self._document_id = document_id
        self._host = host
        self._state = state
        self._shared: dict[bytes, _Shared] = {}

    async def compute(self, vector: bytes, *, owner: UUID) -> bytes:
        """
        What a client with this state vector is missing; that of a large document is computed in a worker.

        Raises InvalidUpdate, Overloaded, `Unavailable`.
        """
        state = await self._state()
        if state.byte_size <= MAX_INLINE_BYTES or state.missing_clocks(vector) <= MAX_INLINE_CLOCKS:
            return state.update_since(vector)
        return await self._host.difference(self._document_id, vector, owner=owner)

    async def frames(self, vector: bytes, prefix: bytes, *, owner: UUID) -> list[bytes]:
        """
        The same as websocket messages, behind a prefix: step 2 of the synchronization, and edits since. Nothing else may be sent
        before them. Raises what `compute` raises.
        """
        state = await self._state()
        if state.byte_size <= MAX_UNSHARED_BYTES:
            return [messages.sync_message(messages.SyncStep.STEP_2, state.update_since(vector), prefix=prefix)]
        for _ in range(_MAX_ATTEMPTS):
            shared = self._shared.get(vector) or self._begin(vector, owner)
            await asyncio.shield(shared.computed)
            if not shared.is_stale:
                return shared.frames(prefix)
        raise Unavailable("The document changes faster than it can be sent; try again.")

    def note(self, updates: Sequence[LoggedUpdate]) -> None:
        """The room's next edits were committed."""
        for vector, each in tuple(self._shared.items()):
            each.note(updates)
            if each.is_stale:
                del self._shared[vector]

    def discard(self) -> None:
        """What was computed may hold an edit that was not committed."""
        for vector, each in tuple(self._shared.items()):
            self._forget(vector, each)

    def _begin(self, vector: bytes, owner: UUID) -> _Shared:
        shared = self._shared[vector] = _Shared()
        self._host.start(self._compute(vector, shared, owner), "rooms: difference")
        return shared

    async def _compute(self, vector: bytes, shared: _Shared, owner: UUID) -> None:
        try:
            result = await self.compute(vector, owner=owner)
        except asyncio.CancelledError:
            self._forget(vector, shared)
            shared.computed.cancel()
            raise
        except DomainError as error:
            self._forget(vector, shared)
            shared.computed.set_exception(error)
            shared.computed.exception()  # counts as seen, also when nobody waits any more
            return
        except BaseException:
            self._forget(vector, shared)
            shared.computed.set_exception(Unavailable())
            shared.computed.exception()
            raise
        shared.computed.set_result(result)
        asyncio.get_running_loop().call_later(SHARED_SECONDS, self._forget, vector, shared)
        done = [(vector, each) for vector, each in self._shared.items() if each.computed.done()]
        for each in done[:-MAX_SHARED]:
            self._forget(*each)

    def _forget(self, vector: bytes, shared: _Shared) -> None:
        shared.is_stale = True
        if self._shared.get(vector) is shared:
            del self._shared[vector]
