"""What waits to be written to a websocket: in order, bounded, and reading goes on when there is room."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway.subscriptions.shared_payload import SharedPayload
from gateway.websocket.send_queue import MAX_QUEUED_BYTES, SendQueue
from tests.support.examples import examples
from transport.rfc6455 import CloseFrame
from transport.write_scheduler import WriteScheduler


class MemoryTransport:
    """A `gateway.websocket.transport.WebSocketTransport` whose client reads when a test says so."""

    def __init__(self) -> None:
        self.is_writable = True
        self.is_reading = True
        self.sent: list[bytes] = []

    def send(self, texts: Sequence[bytes], /) -> None:
        assert self.is_writable
        self.sent += texts

    def ping(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def mark_authenticated(self) -> None:
        """There are never too many of them here."""

    def close(self, frame: CloseFrame | None) -> None:
        self.is_writable = False


class Numbered:
    """A subscription whose messages are its number."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    def encode_next(self, payload: SharedPayload, own_position: int, /) -> bytes:
        return self.name + b" %d" % own_position


STEPS = st.one_of(
    st.tuples(st.just("message"), st.sampled_from([1, 100, 70_000, 600_000, 1_500_000])),
    st.tuples(st.just("event"), st.integers(0, 1)),
    st.tuples(st.just("writable"), st.booleans()),
    st.tuples(st.just("discard"), st.integers(0, 1)),
    st.tuples(st.just("turn"), st.just(0)),
)


@examples(40, many=1_500)
@given(st.lists(STEPS, max_size=60))
def test_messages_leave_in_order_and_reading_goes_on_when_there_is_room(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_check(steps))


async def _check(steps: list[tuple[str, int]]) -> None:
    transport = MemoryTransport()
    queue = SendQueue(WriteScheduler(), transport)
    subscriptions = [Numbered(b"a"), Numbered(b"b")]
    payload = SharedPayload((b"{}",), {})
    expected: list[bytes] = []
    for number, (step, value) in enumerate(steps):
        match step:
            case "message":
                text = b"%d " % number + b"x" * value
                queue.put(text)
                expected.append(text)
                if not queue.has_capacity:  # as a connection does
                    transport.pause_reading()
            case "event":
                queue.put_payload(subscriptions[value], payload, number)
                expected.append(subscriptions[value].name + b" %d" % number)
            case "writable":
                transport.is_writable = bool(value)
                if value:
                    queue.on_writable()
            case "discard":
                queue.discard(subscriptions[value])
                name = subscriptions[value].name + b" "
                expected = [each for each in expected if each in transport.sent or not each.startswith(name)]
            case "turn":
                await asyncio.sleep(0)
        assert queue.queued_bytes == sum(len(each) for each in queue._items if isinstance(each, bytes))
        assert queue.has_capacity == (queue.queued_bytes < MAX_QUEUED_BYTES)
    transport.is_writable = True
    queue.on_writable()
    async with asyncio.timeout(60):
        await queue.drained()
    assert transport.sent == expected
    assert (len(queue), queue.queued_bytes, transport.is_reading) == (0, 0, True)
    queue.put(b"last")
    queue.close()
    assert (len(queue), queue.queued_bytes) == (0, 0)
