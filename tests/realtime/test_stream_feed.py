"""A feed hands on what it hears in order, whatever the order it hears it in."""

from realtime.feed import MAX_OUT_OF_ORDER_BYTES, MAX_OUT_OF_ORDER_ENTRIES, StreamFeed
from realtime.recent_entries import RecentEntries
from tests.support.event_streams import make_entry


async def test_what_is_received_before_the_head_is_known_is_sorted_out_afterwards() -> None:
    feed = StreamFeed("a", RecentEntries(), now=0.0)
    for position in (3, 5, 4, 6, 9):
        feed.receive(make_entry("a", position))
    assert (feed.is_open, feed.has_gap, feed.position) == (False, False, -1)
    feed.start_at(4)
    assert (feed.is_open, feed.has_gap, feed.position) == (True, True, 6)
    assert list(feed._out_of_order) == [9]
    feed.receive(make_entry("a", 8))
    feed.receive(make_entry("a", 7), is_backfill=True)
    assert (feed.has_gap, feed.position, feed._out_of_order) == (False, 9, {})
    assert [each.position for each in feed.buffer.after(4, 9)] == [5, 6, 7, 8, 9]


async def test_what_comes_too_early_waits_within_a_bound_and_the_rest_is_left_to_the_log() -> None:
    feed = StreamFeed("a", RecentEntries(), now=0.0)
    feed.start_at(0)
    for position in range(2, 1_000):
        feed.receive(make_entry("a", position))
    assert len(feed._out_of_order) == MAX_OUT_OF_ORDER_ENTRIES
    feed.receive(make_entry("a", 1), is_backfill=True)
    assert (feed.position, feed.has_gap) == (MAX_OUT_OF_ORDER_ENTRIES + 1, True)
    for position in range(MAX_OUT_OF_ORDER_ENTRIES + 2, 1_000):
        feed.receive(make_entry("a", position), is_backfill=True)
    assert (feed.position, feed.has_gap, feed._out_of_order) == (999, False, {})


async def test_large_entries_that_come_too_early_wait_within_a_bound_of_bytes() -> None:
    feed = StreamFeed("a", RecentEntries(), now=0.0)
    feed.start_at(0)
    for position in range(2, 102):
        feed.receive(make_entry("a", position, text="x" * 100_000))
        feed.receive(make_entry("a", position, text="x" * 100_000))
    assert feed._out_of_order_bytes == sum(size for _, size in feed._out_of_order.values()) <= MAX_OUT_OF_ORDER_BYTES
    for position in range(1, 102):
        feed.receive(make_entry("a", position), is_backfill=True)
    assert (feed.position, feed.has_gap, feed._out_of_order, feed._out_of_order_bytes) == (101, False, {}, 0)
