"""Carries names between processes by SQS, or by an SNS topic that a queue of each region is subscribed to.

For deployments where NOTIFY does not reach the workers: behind a proxy that shares connections (RDS Proxy, pgbouncer), or in
several regions. The URL: `sqs://queue-name?region=eu-west-1`, with `topic=arn:aws:sns:…` to publish to a topic instead, and
`endpoint=https://…` for other stores. Credentials are found as AWS's tools find them, or are in the URL.

A standard queue, not FIFO: names may be lost, repeated and reordered (`persistence.queue.port`), so its guarantees would buy
nothing, while a FIFO queue holds back a group of messages behind one that is under way, and takes fewer of them.

A message is deleted once its names are handed on. One that this version cannot read is logged and deleted, since the work does
not stand in it. Each call takes 5.5 s at most, but for the long poll; every failure is Unavailable.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import aioboto3
import orjson
from aiobotocore.config import AioConfig
from aiohttp import ClientError as ConnectionLost
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from domain.errors import Unavailable
from persistence.queue.port import MAX_NAME_CHARS, Received
from persistence.workers.backoff import full_jitter

T = TypeVar("T")
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, TIMEOUT_SECONDS = 2.0, 5.0, 5.5
POLL_SECONDS: Final = 20
MAX_MESSAGES: Final = 10
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.2, 10.0
logger = logging.getLogger(__name__)


class SqsQueue:
    """Implements `persistence.queue.port.WorkQueue`."""

    def __init__(self, sqs: Any, sns: Any, name: str, topic: str | None, *, poll_seconds: int) -> None:
        self._sqs, self._sns = sqs, sns
        self._name, self._topic = name, topic
        self._poll_seconds = poll_seconds
        self._queue_url: str | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, poll_seconds: int = POLL_SECONDS) -> AsyncIterator["SqsQueue"]:
        """The queue at a URL; no request is sent yet. `poll_seconds`: how long a poll waits for a message."""
        parts = urlsplit(url)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        session = aioboto3.Session(
            aws_access_key_id=parts.username and unquote(parts.username),
            aws_secret_access_key=parts.password and unquote(parts.password),
            region_name=asked.get("region"),
        )
        async with AsyncExitStack() as stack:

            async def client(service: str, read_timeout_seconds: float) -> Any:
                config = AioConfig(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    read_timeout=read_timeout_seconds,
                    retries={"total_max_attempts": 2, "mode": "standard"},
                )
                return await stack.enter_async_context(session.client(service, endpoint_url=asked.get("endpoint"), config=config))

            sqs = await client("sqs", poll_seconds + READ_TIMEOUT_SECONDS)
            topic = asked.get("topic")
            sns = None if topic is None else await client("sns", READ_TIMEOUT_SECONDS)
            yield cls(sqs, sns, parts.netloc.rpartition("@")[2], topic, poll_seconds=poll_seconds)

    async def send(self, names: Sequence[str]) -> None:
        """Send all names as one message. 100 at most, by the sender's bound, are far below the limit of 256 KiB."""
        body = orjson.dumps({"names": list(names)}).decode()
        if self._topic is not None:
            await _with_timeout(self._sns.publish(TopicArn=self._topic, Message=body))
        else:
            await _with_timeout(self._sqs.send_message(QueueUrl=await self._url(), MessageBody=body))

    @asynccontextmanager
    async def receive(self) -> AsyncIterator[AsyncIterator[Received]]:
        """Poll during the block."""
        polling = self._poll()
        try:
            yield polling
        finally:
            await polling.aclose()

    async def _poll(self) -> AsyncGenerator[Received, None]:
        failures = 0
        while True:
            try:
                messages = await self._receive_messages()
            except Unavailable as error:
                failures += 1
                if failures == 1:
                    logger.warning("The queue %s cannot be read for now: %s", self._name, error.__cause__ or error)
                await asyncio.sleep(full_jitter(failures, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS))
                continue
            failures = 0
            if messages:
                names = dict.fromkeys(name for each in messages for name in _names(each["Body"]))
                yield Received(list(names), partial(self._delete, messages))

    async def _receive_messages(self) -> Sequence[Mapping[str, Any]]:
        url = await self._url()
        answer = await _with_timeout(
            self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=MAX_MESSAGES, WaitTimeSeconds=self._poll_seconds),
            seconds=self._poll_seconds + TIMEOUT_SECONDS,
        )
        messages: Sequence[Mapping[str, Any]] = answer.get("Messages", ())
        return messages

    async def _delete(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Delete messages; those that cannot be deleted are delivered again, which is harmless."""
        entries = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)]
        try:
            await _with_timeout(self._sqs.delete_message_batch(QueueUrl=await self._url(), Entries=entries))
        except Unavailable as error:
            logger.warning("Messages of the queue %s cannot be deleted: %s", self._name, error.__cause__ or error)

    async def _url(self) -> str:
        if self._queue_url is None:
            self._queue_url = (await _with_timeout(self._sqs.get_queue_url(QueueName=self._name)))["QueueUrl"]
        return self._queue_url


def _names(body: str) -> list[str]:
    """The names in a message, sent to the queue or through a topic; none where this version cannot read it."""
    try:
        message = orjson.loads(body)
        if "Message" in message:  # a topic's own envelope, unless its subscription delivers raw messages
            message = orjson.loads(message["Message"])
        names = message["names"]
        if isinstance(names, list) and all(isinstance(name, str) and len(name) <= MAX_NAME_CHARS for name in names):
            return names
    except (orjson.JSONDecodeError, TypeError, KeyError):
        pass
    logger.error("A message of the queue cannot be read, and is deleted: %.200s", body)
    return []


async def _with_timeout(call: Awaitable[T], *, seconds: float = TIMEOUT_SECONDS) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await call
    except (BotoCoreError, HTTPClientError, ClientError, ConnectionLost, OSError) as error:  # TimeoutError is an OSError
        raise Unavailable("The queue is unavailable.") from error
