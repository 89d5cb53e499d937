"""Queues for tests: NOTIFY, and SQS and SNS of ministack."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aioboto3

from persistence.queue.port import Received, WorkQueue
from persistence.queue.postgres import PostgresQueue
from persistence.queue.sqs import SqsQueue
from tests.support.ministack import KEY, SECRET, shared_ministack

VISIBILITY_SECONDS = 1


@dataclass(frozen=True)
class OpenQueue:
    """An open queue, its URL where it has one, and the client of SQS that belongs to it."""

    queue: WorkQueue
    url: str = ""
    sqs: Any = None
    sqs_url: str = ""


async def receive_one(queue: WorkQueue, *, acknowledge: bool = True) -> list[str]:
    """The names of the next message."""
    async with asyncio.timeout(60), queue.receive() as received:
        async for message in received:
            if acknowledge:
                await message.done()
            return list(message.names)
    raise AssertionError


async def collect(received: AsyncIterator[Received], wanted: set[str]) -> list[str]:
    """All names until those that are wanted have come."""
    found: list[str] = []
    async with asyncio.timeout(60):
        async for names, done in received:
            found += names
            await done()
            if wanted <= set(found):
                break
    return found


@asynccontextmanager
async def notify_queue(database_url: str, _: Path) -> AsyncIterator[OpenQueue]:
    """NOTIFY in a database."""
    async with PostgresQueue.open(database_url) as queue:
        yield OpenQueue(queue)


@asynccontextmanager
async def _ministack_queue(*, topic: bool, raw: bool) -> AsyncIterator[OpenQueue]:
    endpoint = await asyncio.to_thread(shared_ministack)
    name = uuid4().hex[:12]
    session = aioboto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="eu-west-1")
    async with session.client("sqs", endpoint_url=endpoint) as sqs, session.client("sns", endpoint_url=endpoint) as sns:
        made = await sqs.create_queue(QueueName=f"work-{name}", Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})
        url = f"sqs://{KEY}:{SECRET}@work-{name}?region=eu-west-1&endpoint={endpoint}"
        if topic:
            arn = (await sns.create_topic(Name=f"committed-{name}"))["TopicArn"]
            asked = await sqs.get_queue_attributes(QueueUrl=made["QueueUrl"], AttributeNames=["QueueArn"])
            attributes = {"RawMessageDelivery": "true"} if raw else {}
            target = asked["Attributes"]["QueueArn"]
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": target,
                "Condition": {"ArnEquals": {"aws:SourceArn": arn}},
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            await sqs.set_queue_attributes(QueueUrl=made["QueueUrl"], Attributes={"Policy": policy})
            await sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=target, Attributes=attributes)
            url += f"&topic={arn}"
        async with SqsQueue.open(url, poll_seconds=1) as queue:
            yield OpenQueue(queue, url, sqs, made["QueueUrl"])


@asynccontextmanager
async def sqs_queue(_: str, __: Path) -> AsyncIterator[OpenQueue]:
    """A queue of ministack."""
    async with _ministack_queue(topic=False, raw=False) as opened:
        yield opened


@asynccontextmanager
async def sns_queue(_: str, __: Path) -> AsyncIterator[OpenQueue]:
    """A queue of ministack that is subscribed to a topic."""
    async with _ministack_queue(topic=True, raw=True) as opened:
        yield opened


@asynccontextmanager
async def enveloped_sns_queue(_: str, __: Path) -> AsyncIterator[OpenQueue]:
    """The same, with the topic's own envelope around each message."""
    async with _ministack_queue(topic=True, raw=False) as opened:
        yield opened


QUEUES: dict[str, Callable[[str, Path], AbstractAsyncContextManager[OpenQueue]]] = {
    "notify": notify_queue,
    "sqs": sqs_queue,
    "sns": sns_queue,
    "sns with envelopes": enveloped_sns_queue,
}
