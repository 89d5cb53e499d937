"""Opens connections to Redis that fail in one way, `RedisError` or `OSError`, whatever becomes of their sockets.

uvloop raises `RuntimeError` when something is written to a socket that the other side has closed, which redis-py passes on as it
is: a loop that only knew errors of Redis ended with it, and the process with the loop.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool, ConnectionPool
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as ConnectionLost


class _OneError:
    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        try:
            await super().send_packed_command(command, check_health)  # type: ignore[misc]
        except RuntimeError as error:
            raise ConnectionLost(f"The connection was closed while it was written to: {error}") from error


class _Tcp(_OneError, Connection):
    pass


class _Tls(_OneError, SSLConnection):
    pass


class _Unix(_OneError, UnixDomainSocketConnection):
    pass


_Pool = TypeVar("_Pool", bound=ConnectionPool)
_CLASSES: Final[dict[Any, Any]] = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}


def connection_pool(url: str, **options: Any) -> ConnectionPool:
    """Connections to the Redis at `url`, with redis-py's options."""
    return _with_one_error(ConnectionPool.from_url(url, **options))


def blocking_connection_pool(url: str, **options: Any) -> BlockingConnectionPool:
    """The same, where whoever wants one waits for it when all are in use."""
    return _with_one_error(BlockingConnectionPool.from_url(url, **options))


def _with_one_error(pool: _Pool) -> _Pool:
    pool.connection_class = _CLASSES[pool.connection_class]
    return pool
