"""What an update costs is estimated from its bytes before anything is done, and what costs too much is refused."""

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import crdt, guard, split_update
from content.errors import TooExpensive, UpdateTooLarge
from content.structs import Range, decode_update
from content.structure_check import StructureCheck
from content.update_cost import MAX_UPDATE_SECONDS, MAX_VALUES_IN_RUN, UpdateCost
from tests.support.yjs_encoding import encode_item, encode_number, encode_text, encode_update

ANY, STRING = 8, 4


def values(count: int, *, after: int | None = None) -> bytes:
    """A run of values of client 9."""
    place = None if after is None else (9, after)
    content = encode_number(count) + b"\x7e" * count
    return encode_update([encode_item(ANY, content, after=place)], clock=0 if after is None else after + 1)


def deletions(count: int, *, every: int = 2, client: int = 9) -> bytes:
    ranges = b"".join(encode_number(every * at) + b"\1" for at in range(count))
    return encode_update([], deletes=encode_number(1) + encode_number(client) + encode_number(count) + ranges)


def holding(*updates: bytes) -> StructureCheck:
    structure = StructureCheck()
    for update in updates:
        structure.admit(guard.read(update))
    return structure


def test_deletions_in_a_run_of_values_are_refused_before_they_are_applied() -> None:
    structure = holding(values(150_000))
    update = guard.read(deletions(75_000))
    with pytest.raises(TooExpensive) as refused:
        structure.admit(update)
    assert (refused.value.code, refused.value.limit) == ("LIMIT_EXCEEDED", MAX_UPDATE_SECONDS)
    with pytest.raises(TooExpensive):
        structure.require_affordable(update)
    structure.admit(guard.read(deletions(100)))


def test_insertions_into_a_run_of_values_are_refused_too() -> None:
    structure = holding(values(150_000))
    inside = encode_update([encode_item(STRING, encode_text("a"), after=(9, 2 * at)) for at in range(10_000)], client=7)
    with pytest.raises(TooExpensive):
        structure.admit(guard.read(inside))


def test_a_run_that_comes_with_its_deletions_is_refused_as_well() -> None:
    deletes = deletions(50_000)[1:]
    content = encode_number(100_000) + b"\x7e" * 100_000
    with pytest.raises(TooExpensive):
        holding().admit(guard.read(encode_update([encode_item(ANY, content)], deletes=deletes)))


def test_a_run_of_values_grows_no_longer_than_a_spreadsheet_has_rows() -> None:
    structure = holding(values(MAX_VALUES_IN_RUN))
    with pytest.raises(UpdateTooLarge):
        structure.admit(guard.read(values(1, after=MAX_VALUES_IN_RUN - 1)))
    with pytest.raises(UpdateTooLarge):
        holding().admit(guard.read(values(MAX_VALUES_IN_RUN + 1)))
    assert StructureCheck().admit(guard.read(values(MAX_VALUES_IN_RUN + 1)), stored=True) == []


def test_deletions_that_are_known_cost_nothing_to_speak_of() -> None:
    structure = StructureCheck()
    structure.admit(guard.read(values(150_000)), stored=True)
    structure.admit(guard.read(deletions(75_000)), stored=True)
    assert structure.require_affordable(guard.read(deletions(75_000))) < 0.1


def test_many_deletions_in_a_document_of_many_short_texts_are_affordable() -> None:
    items = [encode_item(STRING, encode_text("some words"), root=f"r{at}") for at in range(20_000)]
    structure = holding(encode_update(items))
    assert structure.require_affordable(guard.read(deletions(100_000))) < 0.5


def test_no_piece_of_a_split_update_holds_many_deletions() -> None:
    pieces = split_update.split(deletions(1_000), 1)
    assert {len(decode_update(piece).deletes) for piece in pieces} == {split_update.MAX_PIECE_RANGES}
    assert [found for piece in pieces for found in decode_update(piece).deletes] == decode_update(deletions(1_000)).deletes


@pytest.mark.parametrize("kind", ["values", "text"])
def test_the_estimate_is_of_the_order_of_what_it_costs(kind: str) -> None:
    length, count = 100_000, 1_000
    held = values(length) if kind == "values" else encode_update([encode_item(STRING, encode_text("x" * length))])
    update = guard.read(deletions(count))
    cost = UpdateCost()
    cost.add(guard.read(held).structs, ())
    estimated = cost.estimate_seconds(update, (), cost.cuts(update, ()))
    document = crdt.load(held)
    began = thread_time()
    document.apply_update(deletions(count))
    taken = thread_time() - began
    assert 0.05 * taken < estimated < 200 * taken


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=30), st.integers(0, 60), st.integers(1, 8))
def test_what_is_deleted_is_remembered_whatever_the_order(several: list[tuple[int, int]], clock: int, length: int) -> None:
    cost = UpdateCost()
    gone: set[int] = set()
    for start, size in several:
        deleted: list[Range] = [(9, start, size)]
        cost.add((), deleted)
        gone.update(range(start, start + size))
    update = guard.read(encode_update([], deletes=b"\1\x09\1" + encode_number(clock) + encode_number(length)))
    assert bool(cost.cuts(update, ())) == (not gone.issuperset(range(clock, clock + length)))
