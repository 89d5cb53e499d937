"""The newest entries are kept within one bound, whichever stream they belong to."""

import tracemalloc
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from realtime.recent_entries import RecentEntries, estimated_size
from tests.support.event_streams import make_entry


def test_pages_follow_a_position_or_there_is_none() -> None:
    place = RecentEntries().new_buffer()
    assert place.after(0, 10) == ()
    for position in range(5, 10):
        place.append(make_entry("a", position), 1)
    assert [each.position for each in place.after(4, 3)] == [5, 6, 7]
    assert [each.position for each in place.after(7, 10)] == [8, 9]
    assert place.after(3, 10) == ()
    assert place.after(9, 10) == ()
    assert place.after(20, 10) == ()


def test_the_oldest_of_all_goes_first_and_what_is_forgotten_makes_room() -> None:
    recent = RecentEntries(max_bytes=10)
    first, second = recent.new_buffer(), recent.new_buffer()
    for position in range(1, 6):
        first.append(make_entry("a", position), 1)
        second.append(make_entry("b", position), 1)
    second.append(make_entry("b", 6), 2)
    assert first.after(0, 9) == ()
    assert [each.position for each in first.after(1, 9)] == [2, 3, 4, 5]
    assert [each.position for each in second.after(1, 9)] == [2, 3, 4, 5, 6]

    second.clear()
    assert second.after(1, 9) == ()
    for position in range(6, 12):
        first.append(make_entry("a", position), 1)
    assert [each.position for each in first.after(1, 9)] == [2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_what_was_read_is_kept_where_it_joins_what_is_there() -> None:
    place = RecentEntries().new_buffer()
    place.prepend_page([make_entry("a", position) for position in range(1, 5)], 9)
    assert place.after(0, 20) == ()
    place.prepend_page([make_entry("a", position) for position in range(6, 12)], 9)
    assert [each.position for each in place.after(5, 20)] == [6, 7, 8, 9]
    place.append(make_entry("a", 10), 1)
    place.prepend_page([make_entry("a", position) for position in range(3, 8)], 10)
    assert [each.position for each in place.after(2, 20)] == [3, 4, 5, 6, 7, 8, 9, 10]

    small = RecentEntries(max_bytes=estimated_size(make_entry("a", 1)) * 6).new_buffer()
    small.prepend_page([make_entry("a", position) for position in range(1, 9)], 8)
    assert [each.position for each in small.after(5, 20)] == [6, 7, 8]
    assert small.after(4, 20) == ()


def test_streams_that_end_leave_nothing_behind() -> None:
    recent = RecentEntries(max_bytes=100)
    lasting = recent.new_buffer()
    for position in range(1, 51):
        lasting.append(make_entry("a", position), 1)
        passing = recent.new_buffer()
        for other in range(1, 21):
            passing.append(make_entry("b", other), 1)
        passing.clear()
    assert len(recent._append_order) <= 2 * 50 + 1
    assert recent._total_bytes == len(lasting._entries) <= 50
    assert lasting.after(49, 9) == [make_entry("a", 50)]


def test_weighing_never_fails() -> None:
    assert estimated_size(make_entry("a", 1)) == 1024 + len("{}")
    assert estimated_size(make_entry("a", 1, text="x" * 1000)) == 1024 + 1000 + len('{"text":""}')
    assert estimated_size(make_entry("a", 1, odd={1, 2}, huge=2**80)) == 1024 + 64 * 1024


@pytest.mark.parametrize(
    "values",
    [
        {f"field{nr}": "01a226b0-c690-751f-acee-a7689c04861e" for nr in range(20)},
        {f"field{nr}": None for nr in range(30)},
        {"text": "x" * 5_000, "changes": [{"field": "text", "before": "y" * 5_000, "after": "x" * 5_000}]},
        {"numbers": [nr + 0.5 for nr in range(1_000, 1_200)], "words": [f"word {nr}" for nr in range(200)]},
        {"tree": {f"a{nr}": {"b": {"c": nr + 1_000}} for nr in range(40)}},
        {},
    ],
    ids=["ids", "nothing", "texts", "lists", "tree", "empty"],
)
def test_what_is_weighed_takes_no_more_memory_than_that(values: dict[str, Any]) -> None:
    encoded = [orjson.dumps(values | {"nr": nr}) for nr in range(200)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [
            replace(make_entry(f"team:{nr}", nr, **orjson.loads(each)), id=UUID(int=2**100 + nr), about_id=UUID(int=2**101 + nr))
            for nr, each in enumerate(encoded)
        ]
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken <= sum(map(estimated_size, kept)) <= 3 * taken
