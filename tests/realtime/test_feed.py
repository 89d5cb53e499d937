"""A feed hands on what it hears in order, whatever the order it hears it in."""

from realtime.feed import EARLY, Feed
from realtime.recent_entries import Recent
from tests.realtime.world import entry


async def test_what_is_heard_before_the_head_is_known_is_sorted_out_afterwards() -> None:
    feed = Feed("a", Recent(), now=0.0)
    for position in (3, 5, 4, 6, 9):
        feed.take(entry("a", position))
    assert (feed.open, feed.behind, feed.position) == (False, False, -1)
    feed.begin(4)
    assert (feed.open, feed.behind, feed.position) == (True, True, 6)
    assert list(feed._early) == [9]
    feed.take(entry("a", 8))
    feed.take(entry("a", 7), filling=True)
    assert (feed.behind, feed.position, feed._early) == (False, 9, {})
    assert [each.position for each in feed.recent.after(4, 9)] == [5, 6, 7, 8, 9]


async def test_what_comes_too_early_waits_within_a_bound_and_the_rest_is_left_to_the_log() -> None:
    feed = Feed("a", Recent(), now=0.0)
    feed.begin(0)
    for position in range(2, 1_000):
        feed.take(entry("a", position))
    assert len(feed._early) == EARLY
    feed.take(entry("a", 1), filling=True)
    assert (feed.position, feed.behind) == (EARLY + 1, True)
    for position in range(EARLY + 2, 1_000):
        feed.take(entry("a", position), filling=True)
    assert (feed.position, feed.behind, feed._early) == (999, False, {})
