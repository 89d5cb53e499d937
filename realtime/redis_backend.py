"""Carries announcements between processes over the publish/subscribe of Redis or Valkey.

There are two connections: one subscribes, one publishes. The reader that waits in `next_published` reads the first one itself:
there is no queue and no task here, so a slow reader is held back by TCP, and Redis drops it at worst, which is a reconnect like
any other. `LOST` is returned when the connection breaks, and again when there is a new one on which all channels are subscribed
and confirmed: a reader of the log then sees everything.

Rejected: broadcaster's `RedisBackend` (with redis-py 8 it delivers nothing, and a restart of Redis ends its listener while
publishing still "succeeds"); redis-py's `PubSub` (it reconnects and subscribes again without saying so, and `subscribe` returns
before the server has confirmed: what is committed in between would be missed until the slow timer).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from broadcaster._base import Event
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from realtime.announcements import LOST, PubSubBackend
from realtime.backoff import Backoff
from transport.redis_connections import connection_pool

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS: Final = 0.5
RESPONSE_TIMEOUT_SECONDS: Final = 1.0
PING_AFTER_SECONDS: Final = 2.0
"""Of silence, after which Redis is pinged."""
_INITIAL_BACKOFF_SECONDS: Final = 0.05
_MAX_BACKOFF_SECONDS: Final = 0.5
_MAX_BATCH_CHANNELS: Final = 500


class RedisBackend(PubSubBackend):
    """Publishes and subscribes at the Redis at `url`. Channels carry `prefix`, since databases do not separate them."""

    def __init__(self, url: str, *, prefix: str = "hive:") -> None:
        # RESP2, on which Redis of every age agrees; no retries within redis-py, so that no reconnect goes unnoticed.
        self._pool = connection_pool(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            socket_timeout=RESPONSE_TIMEOUT_SECONDS,
            socket_keepalive=True,
            health_check_interval=0,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._prefix = prefix
        self._channels: set[str] = set()
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._subscriber_connection: AbstractConnection | None = None
        self._publisher_connection: AbstractConnection | None = None
        self._write_lock = asyncio.Lock()
        self._publish_lock = asyncio.Lock()

    @property
    def connected(self) -> bool:
        return self._subscriber_connection is not None

    async def connect(self) -> None:
        """Try once, for half a second; if Redis is unavailable, `next_published` goes on trying."""
        try:
            self._subscriber_connection = await self._connect_subscriber()
        except OSError as error:
            logger.warning("Redis is unavailable; changes of other processes will arrive late: %s", error)

    async def disconnect(self) -> None:
        self._channels.clear()
        await self._drop_connection(self._subscriber_connection)
        if self._publisher_connection:
            await self._publisher_connection.disconnect(nowait=True)
            self._publisher_connection = None

    async def subscribe(self, group: str) -> None:
        self._channels.add(group)
        if not (connection := self._subscriber_connection):
            return
        confirmation = self._confirmations.setdefault(group, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                await self._send(connection, "SUBSCRIBE", group)
                await asyncio.shield(confirmation)
        except (OSError, RedisError):
            await self._drop_connection(connection)

    async def unsubscribe(self, group: str) -> None:
        self._channels.discard(group)
        if not (connection := self._subscriber_connection):
            return
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                await self._send(connection, "UNSUBSCRIBE", group)
        except (OSError, RedisError):
            await self._drop_connection(connection)

    async def publish(self, channel: str, message: Any) -> None:
        await self.publish_many([Event(channel, message)])

    async def publish_many(self, events: Sequence[Event]) -> None:
        """One write, and one reply for each; what was sent before an error may have arrived."""
        async with self._publish_lock:
            connection = self._publisher_connection = self._publisher_connection or self._new_connection()
            try:
                async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                    await connection.connect()  # type: ignore[no-untyped-call]
                    commands = [("PUBLISH", self._prefix + event.channel, event.message) for event in events]
                    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                    for _ in events:
                        await connection.read_response()
            except BaseException as error:
                # Replies may be outstanding: this connection cannot be used again.
                self._publisher_connection = None
                await connection.disconnect(nowait=True)
                if isinstance(error, RedisError):
                    raise ConnectionError(str(error)) from error
                raise

    async def next_published(self) -> Event:
        while True:
            if not (connection := self._subscriber_connection):
                await self._reconnect()
                return LOST
            try:
                reply = await self._next_reply(connection)
            except (OSError, RedisError) as error:
                logger.warning("Lost the connection to Redis: %s", error)
                await self._drop_connection(connection)
                return LOST
            except Exception:  # whatever else redis-py makes of a broken connection
                await self._drop_connection(connection)
                raise
            match reply:
                case [b"message", bytes(channel), bytes(message)]:
                    return Event(channel.decode().removeprefix(self._prefix), message.decode(errors="replace"))
                case [b"subscribe", bytes(channel), _]:
                    self._confirm(channel.decode().removeprefix(self._prefix))

    async def _next_reply(self, connection: AbstractConnection) -> Any:
        """The next message of the server, which is pinged when it is silent. Raises ConnectionError when it does not answer."""
        for pinged in (False, True):
            timeout = RESPONSE_TIMEOUT_SECONDS if pinged else PING_AFTER_SECONDS
            reply = await connection.read_response(timeout=timeout, disconnect_on_error=False)
            if reply is not None:
                return reply
            if not pinged:
                await self._send(connection, "PING")
        raise ConnectionError("no answer")

    def _new_connection(self) -> AbstractConnection:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        return connection

    async def _reconnect(self) -> None:
        backoff = Backoff(_INITIAL_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS)
        while not self._subscriber_connection:
            try:
                self._subscriber_connection = await self._connect_subscriber()
            except OSError:
                await backoff.wait()
        logger.info("Reconnected to Redis.")

    async def _connect_subscriber(self) -> AbstractConnection:
        """A new connection on which all channels are subscribed and confirmed. Raises OSError."""
        connection = self._new_connection()
        subscribed: set[str] = set()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS + RESPONSE_TIMEOUT_SECONDS):
                await connection.connect()  # type: ignore[no-untyped-call]
            # The channels may change while confirmations are awaited.
            while self._channels != subscribed:
                missing = sorted(self._channels - subscribed)
                for start in range(0, len(missing), _MAX_BATCH_CHANNELS):
                    await self._subscribe_batch(connection, missing[start : start + _MAX_BATCH_CHANNELS])
                subscribed.update(missing)
                for group in sorted(subscribed - self._channels):
                    await self._send(connection, "UNSUBSCRIBE", group)
                subscribed &= self._channels
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, RedisError):
                raise ConnectionError(str(error)) from error
            raise
        return connection

    async def _subscribe_batch(self, connection: AbstractConnection, groups: Sequence[str]) -> None:
        await self._send(connection, "SUBSCRIBE", *groups)
        confirmed = 0
        while confirmed < len(groups):
            async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                reply = await connection.read_response()
            # Messages that arrive in between are left to the log, which is read after this.
            confirmed += isinstance(reply, list) and reply[0] == b"subscribe"

    async def _send(self, connection: AbstractConnection, command: str, *groups: str) -> None:
        async with self._write_lock:
            if not connection.is_connected:
                raise ConnectionError("closed")
            await connection.send_command(command, *(self._prefix + group for group in groups), check_health=False)

    async def _drop_connection(self, connection: AbstractConnection | None) -> None:
        """Give up the connection. Whoever waits for a confirmation is released, since all channels are subscribed again later."""
        if connection and connection is self._subscriber_connection:
            self._subscriber_connection = None
            for group in list(self._confirmations):
                self._confirm(group)
        if connection:
            await connection.disconnect(nowait=True)

    def _confirm(self, group: str) -> None:
        confirmation = self._confirmations.pop(group, None)
        if confirmation and not confirmation.done():
            confirmation.set_result(None)
