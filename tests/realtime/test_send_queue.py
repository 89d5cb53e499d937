"""What waits for a slow reader is bounded: many small messages, and one large one."""

from typing import Final

from domain.errors import DomainError, SubscriptionLagged
from realtime.collaboration.send_queue import MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES, BoundedQueue

LARGE: Final = 10 * MAX_QUEUED_BYTES


def queue() -> tuple[BoundedQueue[str], list[DomainError]]:
    overflows: list[DomainError] = []
    return BoundedQueue(overflows.append), overflows


async def test_one_large_message_waits_among_small_ones_wherever_it_comes() -> None:
    for before in (0, 1, 2):
        waiting, overflows = queue()
        items = [("small", 100)] * before + [("large", LARGE)] + [("small", 100)] * 3
        assert all(waiting.put(*each) for each in items)
        assert [await waiting.get() for _ in items] == [item for item, _ in items]
        assert waiting.put("large", LARGE)
        assert overflows == []


async def test_a_second_large_message_is_too_much_until_the_first_was_taken() -> None:
    waiting, overflows = queue()
    assert waiting.put("large", LARGE)
    assert await waiting.get() == "large"
    assert waiting.put("large", LARGE)
    assert not waiting.put("large", LARGE)
    assert [type(each) for each in overflows] == [SubscriptionLagged]
    assert waiting.closed


async def test_small_messages_are_bounded_in_bytes_and_in_number_behind_a_large_one_too() -> None:
    for size, most in ((MAX_QUEUED_BYTES // 4, 4), (1, MAX_QUEUED_MESSAGES - 1)):
        waiting, overflows = queue()
        assert waiting.put("large", LARGE)
        assert [waiting.put("small", size) for _ in range(most + 1)] == [True] * most + [False]
        assert len(overflows) == 1
