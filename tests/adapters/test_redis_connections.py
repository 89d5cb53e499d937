"""Whatever becomes of a socket to Redis, what is asked over it fails as redis-py says, on uvloop too."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

from tests.support.backing_services import Valkey
from transport.redis_connections import blocking_connection_pool, connection_pool


@pytest.mark.parametrize("open_pool", [connection_pool, blocking_connection_pool])
def test_writing_to_a_socket_that_was_closed_is_an_error_of_redis(valkey_server: Valkey, open_pool: object) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def write_after_the_end() -> None:
        pool = open_pool(valkey_server.url, protocol=2, socket_timeout=5)  # type: ignore[operator]
        connection = pool.make_connection()
        try:
            await connection.connect()
            connection._writer.transport.abort()
            await asyncio.sleep(0.01)
            with pytest.raises(ConnectionLost):
                await connection.send_packed_command(connection.pack_command("PING"), check_health=False)
            await connection.connect()
            await connection.send_packed_command(connection.pack_command("PING"), check_health=False)
            assert await connection.read_response() == b"PONG"
        finally:
            await connection.disconnect()

    assert issubclass(ConnectionLost, RedisError)
    uvloop.run(write_after_the_end())
