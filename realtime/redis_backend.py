"""Announcements between processes over the publish/subscribe of Redis or Valkey.

Two connections: one hears, one tells. Whoever waits in `next_published` reads the first itself: there is no queue and
no task here, so a slow reader is held back by TCP, and Redis drops it at worst, which is a reconnect like any other.
`LOST` is given when the connection breaks, and again when there is a new one on which everything wanted is subscribed
and confirmed: who looks into the log then sees all.

Rejected: broadcaster's `RedisBackend` (with redis-py 8 it delivers nothing, and a restart of Redis ends its listener
while publishing still "succeeds"); redis-py's `PubSub` (it reconnects and subscribes again on its own and tells nobody,
and `subscribe` returns before the server has confirmed: what is committed in between would be missed until the slow
timer).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from broadcaster._base import Event
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from realtime.announcements import LOST, LiveBackend
from realtime.backoff import Pauses

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT: Final = 0.5
ANSWER_TIMEOUT: Final = 1.0
QUIET: Final = 2.0
"""Seconds without a word from Redis after which it is asked for one."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.5
_TOGETHER: Final = 500


class RedisBackend(LiveBackend):
    """Tells and hears over the Redis at `url`; channels carry `prefix`, since databases do not separate them."""

    def __init__(self, url: str, *, prefix: str = "hive:") -> None:
        # RESP2, on which Redis of every age agrees; no retries within redis-py, so that no reconnect goes unnoticed.
        self._connections = ConnectionPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=ANSWER_TIMEOUT,
            socket_keepalive=True,
            health_check_interval=0,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._prefix = prefix
        self._wanted: set[str] = set()
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._hearing: AbstractConnection | None = None
        self._telling: AbstractConnection | None = None
        self._one_writes = asyncio.Lock()
        self._one_tells = asyncio.Lock()

    @property
    def connected(self) -> bool:
        return self._hearing is not None

    async def connect(self) -> None:
        """Try once, for half a second; where Redis is away `next_published` goes on trying."""
        try:
            self._hearing = await self._listen()
        except OSError as error:
            logger.warning("Redis is away; changes of other processes will come late: %s", error)

    async def disconnect(self) -> None:
        self._wanted.clear()
        await self._lose(self._hearing)
        if self._telling:
            await self._telling.disconnect(nowait=True)
            self._telling = None

    async def subscribe(self, group: str) -> None:
        self._wanted.add(group)
        if not (connection := self._hearing):
            return
        confirmation = self._confirmations.setdefault(group, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await self._send(connection, "SUBSCRIBE", group)
                await asyncio.shield(confirmation)
        except (OSError, RedisError):
            await self._lose(connection)

    async def unsubscribe(self, group: str) -> None:
        self._wanted.discard(group)
        if not (connection := self._hearing):
            return
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await self._send(connection, "UNSUBSCRIBE", group)
        except (OSError, RedisError):
            await self._lose(connection)

    async def publish(self, channel: str, message: Any) -> None:
        await self.publish_many([Event(channel, message)])

    async def publish_many(self, events: Sequence[Event]) -> None:
        """One write, one answer each; what went out before an error may have arrived."""
        async with self._one_tells:
            connection = self._telling = self._telling or self._new_connection()
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT):
                    await connection.connect()  # type: ignore[no-untyped-call]
                    commands = [("PUBLISH", self._prefix + event.channel, event.message) for event in events]
                    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                    for _ in events:
                        await connection.read_response()
            except BaseException as error:
                # Answers may be outstanding: this connection is of no more use.
                self._telling = None
                await connection.disconnect(nowait=True)
                if isinstance(error, RedisError):
                    raise ConnectionError(str(error)) from error
                raise

    async def next_published(self) -> Event:
        while True:
            if not (connection := self._hearing):
                await self._listen_again()
                return LOST
            try:
                reply = await self._next_reply(connection)
            except (OSError, RedisError) as error:
                logger.warning("Redis is lost: %s", error)
                await self._lose(connection)
                return LOST
            except Exception:  # whatever else redis-py makes of a broken connection
                await self._lose(connection)
                raise
            match reply:
                case [b"message", bytes(channel), bytes(message)]:
                    return Event(channel.decode().removeprefix(self._prefix), message.decode(errors="replace"))
                case [b"subscribe", bytes(channel), _]:
                    self._confirm(channel.decode().removeprefix(self._prefix))

    async def _next_reply(self, connection: AbstractConnection) -> Any:
        """What the server says next; it is asked when it is quiet for long, and given up when it does not answer."""
        for asked in (False, True):
            patience = ANSWER_TIMEOUT if asked else QUIET
            reply = await connection.read_response(timeout=patience, disconnect_on_error=False)
            if reply is not None:
                return reply
            if not asked:
                await self._send(connection, "PING")
        raise ConnectionError("no answer")

    def _new_connection(self) -> AbstractConnection:
        connection: AbstractConnection = self._connections.make_connection()  # type: ignore[no-untyped-call]
        return connection

    async def _listen_again(self) -> None:
        pauses = Pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while not self._hearing:
            try:
                self._hearing = await self._listen()
            except OSError:
                await pauses.rest()
        logger.info("Redis is heard again.")

    async def _listen(self) -> AbstractConnection:
        """A new connection on which everything wanted is subscribed and confirmed; OSError when there is none."""
        connection = self._new_connection()
        subscribed: set[str] = set()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT + ANSWER_TIMEOUT):
                await connection.connect()  # type: ignore[no-untyped-call]
            # What is wanted may change while we wait for confirmations.
            while self._wanted != subscribed:
                missing = sorted(self._wanted - subscribed)
                for start in range(0, len(missing), _TOGETHER):
                    await self._subscribe_together(connection, missing[start : start + _TOGETHER])
                subscribed.update(missing)
                for group in sorted(subscribed - self._wanted):
                    await self._send(connection, "UNSUBSCRIBE", group)
                subscribed &= self._wanted
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, RedisError):
                raise ConnectionError(str(error)) from error
            raise
        return connection

    async def _subscribe_together(self, connection: AbstractConnection, groups: Sequence[str]) -> None:
        await self._send(connection, "SUBSCRIBE", *groups)
        confirmed = 0
        while confirmed < len(groups):
            async with asyncio.timeout(ANSWER_TIMEOUT):
                reply = await connection.read_response()
            # Messages that come in between are left to the log, which is looked into after this.
            confirmed += isinstance(reply, list) and reply[0] == b"subscribe"

    async def _send(self, connection: AbstractConnection, command: str, *groups: str) -> None:
        async with self._one_writes:
            if not connection.is_connected:
                raise ConnectionError("closed")
            await connection.send_command(command, *(self._prefix + group for group in groups), check_health=False)

    async def _lose(self, connection: AbstractConnection | None) -> None:
        """Give the connection up; who waits for a confirmation is released, since all is subscribed again later."""
        if connection and connection is self._hearing:
            self._hearing = None
            for group in list(self._confirmations):
                self._confirm(group)
        if connection:
            await connection.disconnect(nowait=True)

    def _confirm(self, group: str) -> None:
        confirmation = self._confirmations.pop(group, None)
        if confirmation and not confirmation.done():
            confirmation.set_result(None)
