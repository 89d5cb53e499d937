"""A thin layer over asyncpg's pool that leases idle connections without asking the pool.

asyncpg's pool opens, checks and closes connections well, but acquiring one from it and releasing it costs 44 µs, three times the
statement in between. Here connections are acquired from the pool once and leased again as long as nothing goes wrong on them.
After an error, a timeout or a cancellation they go back to asyncpg's pool, which resets or closes them, in the background: the
caller whose statement has failed does not wait for a server that does not answer. A connection that the server has closed while
it was idle is dropped when it is found, and makes place for another.

When no connection is idle, callers wait in FIFO order up to a timeout. That also holds where Postgres allows fewer connections
than the pool may have: a refused connection lowers the pool's limit for a while, and its caller waits with the others.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg

_REFUSED_RETRY_SECONDS: Final = 1.0
_REFUSED_RETRY_SECONDS_WITHOUT_CONNECTIONS: Final = 0.05
logger = logging.getLogger(__name__)


class LeasedPool:
    """Leases connections of one pool, at most `size` at once."""

    def __init__(self, pool: "asyncpg.Pool[Any]", size: int, *, timeout_seconds: float) -> None:
        self._pool = pool
        self._size = size
        self._limit = size
        """How many connections Postgres grants at the moment, as far as is known."""
        self._timeout_seconds = timeout_seconds
        self._acquired = 0
        self._idle: list[Any] = []
        self._waiters: deque[asyncio.Future[Any]] = deque()
        self._returning: set[asyncio.Task[None]] = set()
        self._limit_timer: asyncio.TimerHandle | None = None
        self.refused = 0
        """How many connections Postgres refused because it has too many."""

    @property
    def in_use(self) -> int:
        """How many connections are leased, or on their way back to asyncpg's pool."""
        return self._acquired - len(self._idle)

    @property
    def waiting(self) -> int:
        """How many callers wait for a connection."""
        return len(self._waiters)

    async def acquire(self) -> Any:
        """A connection for one statement or one transaction; raises TimeoutError when none comes free in time."""
        while self._idle:
            connection = self._idle.pop()
            try:
                if not connection.is_closed():
                    return connection
            except asyncpg.InterfaceError:  # closed by the server: asyncpg's pool has let go of it already
                pass
            self.discard(connection)
        if self._acquired < self._limit and (connection := await self._open()) is not None:
            return connection
        return await self._wait()

    def release(self, connection: Any) -> None:
        """Return a connection on which nothing went wrong."""
        self._hand_over(connection)

    def discard(self, connection: Any, *, roll_back: Callable[[], Awaitable[object]] | None = None) -> None:
        """Return a connection on which something went wrong to asyncpg's pool, in the background, after rolling back what it
        began."""
        task = asyncio.get_running_loop().create_task(self._return_to_pool(connection, roll_back))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def close(self) -> None:
        """Return everything idle to asyncpg's pool."""
        if self._limit_timer is not None:
            self._limit_timer.cancel()
        while self._idle:
            self.discard(self._idle.pop())
        while self._returning:
            await asyncio.wait(tuple(self._returning))

    async def _open(self) -> Any:
        """A connection from asyncpg's pool; None when Postgres refuses one more."""
        self._acquired += 1
        try:
            connection = await self._pool.acquire(timeout=self._timeout_seconds)
        except asyncpg.TooManyConnectionsError:
            self._acquired -= 1
            self._on_refused()
            return None
        except BaseException:
            self._acquired -= 1
            self._hand_over(None)
            raise
        if self._waiters and self._acquired < self._limit:
            self._hand_over(None)
        return connection

    async def _wait(self) -> Any:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_seconds
        enqueue = self._waiters.append
        while True:
            turn: asyncio.Future[Any] = loop.create_future()
            enqueue(turn)
            try:
                async with asyncio.timeout_at(deadline):
                    connection = await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._hand_over(turn.result())
                raise
            if connection is None:
                if self._acquired < self._limit:
                    connection = await self._open()
            elif _is_closed(connection):
                self.discard(connection)
                connection = None
            if connection is not None:
                return connection
            enqueue = self._waiters.appendleft  # it was this caller's turn

    def _hand_over(self, connection: Any) -> None:
        """Give a connection, or None for a place that came free, to whoever waits longest."""
        while self._waiters:
            turn = self._waiters.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is not None:
            self._idle.append(connection)

    def _on_refused(self) -> None:
        """Lower the limit to the connections that there are, and raise it again after a pause."""
        if not self.refused:
            logger.warning("Postgres refuses more than %d connections of this process: requests wait for one.", self._acquired)
        self.refused += 1
        self._limit = min(self._limit, self._acquired)
        if self._limit_timer is not None:
            if self._acquired:
                return
            self._limit_timer.cancel()
        pause = _REFUSED_RETRY_SECONDS if self._acquired else _REFUSED_RETRY_SECONDS_WITHOUT_CONNECTIONS
        self._limit_timer = asyncio.get_running_loop().call_later(pause, self._raise_limit)

    def _raise_limit(self) -> None:
        self._limit_timer = None
        self._limit = self._size
        self._hand_over(None)  # one caller tries; when it succeeds, the next one does

    async def _return_to_pool(self, connection: Any, roll_back: Callable[[], Awaitable[object]] | None) -> None:
        try:
            if roll_back is not None:
                try:
                    async with asyncio.timeout(self._timeout_seconds):
                        await roll_back()
                except Exception:  # noqa: BLE001 (whatever a broken connection raises: it is of no use any more)
                    connection.terminate()
            await self._pool.release(connection)
        except Exception as error:  # noqa: BLE001 (the same; asyncpg's pool has closed it)
            logger.debug("A connection was closed: %s", error)
        finally:
            self._acquired -= 1
            self._hand_over(None)


def _is_closed(connection: Any) -> bool:
    try:
        closed: bool = connection.is_closed()
    except asyncpg.InterfaceError:
        return True
    return closed
