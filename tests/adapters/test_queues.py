"""Every queue carries names to workers; what it loses, repeats or reorders is nobody's loss."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from app.settings import Settings
from domain.errors import Unavailable
from persistence.queue.port import MAX_NAME_CHARS, Received
from persistence.queue.sender import INTERVAL_SECONDS, MAX_MARKED_NAMES, WakeUpSender
from persistence.queue.sqs import SqsQueue
from tests.conftest import migrate_template
from tests.support.backing_services import database_from_template, free_port
from tests.support.queues import QUEUES, VISIBILITY_SECONDS, OpenQueue, collect, receive_one, sqs_queue

pytestmark = pytest.mark.slow


@pytest.fixture(params=QUEUES)
async def opened(request: pytest.FixtureRequest, postgres_server: str, tmp_path: Path) -> AsyncIterator[OpenQueue]:
    """A queue into which nobody else sends: a notification is received in its whole database."""
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        QUEUES[request.param](url, tmp_path) as queue,
    ):
        yield queue


@pytest.fixture
async def sqs(database_url: str, tmp_path: Path) -> AsyncIterator[OpenQueue]:
    async with sqs_queue(database_url, tmp_path) as queue:
        yield queue


async def test_what_is_sent_is_received(opened: OpenQueue) -> None:
    names = {f"team:{uuid4()}" for _ in range(90)} | {"jobs:postcard", "user:" + "é" * (MAX_NAME_CHARS - 5)}
    async with opened.queue.receive() as received:
        first, *rest = sorted(names)
        # Until the receiver listens, names may be lost: the first is sent until it arrives.
        sending = asyncio.get_running_loop().create_task(_send_over_and_over(opened, first))
        assert set(await collect(received, {first})) == {first}
        sending.cancel()
        await asyncio.wait([sending])
        await opened.queue.send(rest)
        assert set(await collect(received, set(rest))) | {first} == names


async def _send_over_and_over(opened: OpenQueue, name: str) -> None:
    while True:
        await opened.queue.send([name])
        await asyncio.sleep(0.1)


async def test_a_name_comes_again_when_its_worker_dies_before_it_is_done(sqs: OpenQueue) -> None:
    await sqs.queue.send(["team:1"])
    assert await receive_one(sqs.queue, acknowledge=False) == ["team:1"]
    assert await receive_one(sqs.queue) == ["team:1"]
    await asyncio.sleep(VISIBILITY_SECONDS + 0.2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await receive_one(sqs.queue)


UNREADABLE = (
    *(" ", "nonsense", "[]", "1", "null", "{}", '{"names": 1}', '{"names": [1]}', '{"Message": 1}', '{"Message": "nonsense"}'),
    '{"names": ["' + "x" * (MAX_NAME_CHARS + 1) + '"]}',
)


async def test_a_message_that_cannot_be_read_is_deleted_and_holds_up_no_other(sqs: OpenQueue) -> None:
    for body in UNREADABLE:
        await sqs.sqs.send_message(QueueUrl=sqs.sqs_url, MessageBody=body)
    await sqs.queue.send(["team:1"])

    async def is_empty() -> bool:
        found = await sqs.sqs.get_queue_attributes(QueueUrl=sqs.sqs_url, AttributeNames=["All"])
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return all(found["Attributes"][each] == "0" for each in counts)

    names: list[str] = []
    async with asyncio.timeout(60), sqs.queue.receive() as received:
        async for message in received:
            names += message.names
            await message.done()
            if names and await is_empty():
                break
    assert names == ["team:1"]


async def test_repeated_and_reordered_messages_are_handed_on_as_they_come(sqs: OpenQueue) -> None:
    for name in ("team:2", "team:1", "team:2"):
        await sqs.sqs.send_message(QueueUrl=sqs.sqs_url, MessageBody=orjson.dumps({"names": [name]}).decode())
    async with sqs.queue.receive() as received:
        assert set(await collect(received, {"team:1", "team:2"})) == {"team:1", "team:2"}


async def test_a_queue_that_is_away_is_said_to_be_and_read_when_it_is_back() -> None:
    url = f"sqs://key:secret@work?region=eu-west-1&endpoint=http://127.0.0.1:{free_port()}"
    async with SqsQueue.open(url, poll_seconds=1) as queue:
        with pytest.raises(Unavailable):
            await queue.send(["team:1"])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0), queue.receive() as received:
                await collect(received, {"team:1"})


class FlakyQueue:
    """A queue that is away for a while. Records what was sent."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.sent: list[str] = []
        self.calls = 0

    def receive(self) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        raise NotImplementedError  # nobody works here

    async def send(self, names: Sequence[str]) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise Unavailable("It is away.")
        self.sent += names


async def test_marked_names_are_sent_together_and_after_an_outage() -> None:
    queue = FlakyQueue(failures=2)
    async with WakeUpSender.open(queue) as sender:
        for _ in range(3):
            for number in range(150):
                sender.mark(f"team:{number}")
        async with asyncio.timeout(30):
            while len(queue.sent) < 150:
                await asyncio.sleep(0.01)
    assert sorted(queue.sent) == sorted(f"team:{number}" for number in range(150))
    assert queue.calls <= 2 + 2 + 2


async def test_a_name_that_is_marked_all_the_time_is_sent_at_intervals() -> None:
    queue = FlakyQueue(failures=0)
    loop = asyncio.get_running_loop()
    async with WakeUpSender.open(queue) as sender:
        began = loop.time()
        for _ in range(200):
            sender.mark("team:1")
            await asyncio.sleep(0.0005)
        assert 2 <= queue.calls <= (loop.time() - began) / INTERVAL_SECONDS + 2
    assert queue.sent == ["team:1"] * queue.calls


async def test_the_sender_holds_no_more_than_its_bound() -> None:
    queue = FlakyQueue(failures=10**9)
    async with WakeUpSender.open(queue) as sender:
        for number in range(MAX_MARKED_NAMES + 500):
            sender.mark(f"team:{number}")
        assert len(sender._marked) == MAX_MARKED_NAMES


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/1/work", "must begin with sqs://"),
        ("sqs://", "must name a standard queue"),
        ("sqs://work.fifo", "must name a standard queue"),
        ("sqs://work?zone=a", "not zone"),
        ("sqs://work?topic=committed", "is no topic"),
        ("sqs://work?endpoint=localhost:1", "must begin with https://"),
    ],
)
def test_an_address_of_a_queue_that_cannot_be_used_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Settings(queue_url=url)
