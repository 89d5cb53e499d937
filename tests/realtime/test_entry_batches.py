"""Edits of another process that wait in a room's listener: handed on together, in order, and nothing else is moved or lost."""

from collections import deque

import pytest

from realtime.collaboration.registry import MAX_BATCH_ENTRIES, batch_by_stream
from tests.support.event_streams import make_entry


@pytest.mark.parametrize(
    ("waiting", "runs"),
    [
        (["doc 1"], [["doc 1"]]),
        (["doc 1", "doc 2", "doc 3"], [["doc 1", "doc 2", "doc 3"]]),
        (["doc 1", "team 7", "doc 2", "doc 3"], [["doc 1"], ["team 7"], ["doc 2", "doc 3"]]),
        (["team 7", "team 8", "doc 1"], [["team 7", "team 8"], ["doc 1"]]),
    ],
)
def test_neighbours_of_one_stream_are_one_run(waiting: list[str], runs: list[list[str]]) -> None:
    entries = deque(make_entry(stream, int(position)) for stream, position in map(str.split, waiting))
    found = list(batch_by_stream(entries.popleft(), lambda: entries.popleft() if entries else None))
    assert [[f"{each.stream} {each.position}" for each in run] for run in found] == runs


def test_a_long_run_is_cut_and_loses_nothing() -> None:
    entries = deque(make_entry("doc", position) for position in range(1, 2 * MAX_BATCH_ENTRIES + 2))
    found = list(batch_by_stream(entries.popleft(), lambda: entries.popleft() if entries else None))
    assert [len(run) for run in found] == [MAX_BATCH_ENTRIES, MAX_BATCH_ENTRIES, 1]
    assert [each.position for run in found for each in run] == list(range(1, 2 * MAX_BATCH_ENTRIES + 2))
