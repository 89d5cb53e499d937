"""No edit parts the two halves of a character beyond U+FFFF: yjs and yrs would read it differently from then on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Text

from content import crdt, guard
from content.errors import InvalidUpdate
from content.structure_check import StructureCheck
from tests.support.yjs_encoding import encode_item, encode_number, encode_text, encode_update

STRING, EMBED = 4, 5
TEXT = encode_update([encode_item(STRING, encode_text("a😃b😃"))], client=5)
"""Clocks of client 5: a 0, 😃 1 and 2, b 3, 😃 4 and 5."""


def holding(*updates: bytes) -> StructureCheck:
    structure = StructureCheck()
    for update in updates:
        structure.admit(guard.read(update))
    return structure


def behind(clock: int) -> bytes:
    return encode_update([encode_item(STRING, encode_text("S"), after=(5, clock))])


def before(clock: int) -> bytes:
    place = bytes([STRING | 0xC0]) + encode_number(5) + encode_number(clock - 1) + encode_number(5) + encode_number(clock)
    return encode_update([place + encode_text("S")])


def deleting(clock: int, length: int) -> bytes:
    return encode_update([], deletes=b"\1\5\1" + encode_number(clock) + encode_number(length))


CUTTING = {
    "behind a first half": behind(1),
    "behind the last first half": behind(4),
    "before a second half": before(2),
    "deleting a first half": deleting(1, 1),
    "deleting a second half": deleting(2, 1),
    "deleting up to a first half": deleting(0, 2),
    "deleting from a second half on": deleting(2, 3),
    "deleting from one half to another": deleting(2, 3),
}


@pytest.mark.parametrize("how", CUTTING)
def test_an_edit_that_parts_a_pair_is_refused_and_nothing_has_changed(how: str) -> None:
    structure = holding(TEXT)
    for _ in range(2):
        with pytest.raises(InvalidUpdate, match="surrogate"):
            structure.admit(guard.read(CUTTING[how]))
    with pytest.raises(InvalidUpdate, match="surrogate"):
        crdt.require_applicable(TEXT, CUTTING[how])
    structure.admit(guard.read(behind(2)))


@pytest.mark.parametrize(
    "edit", [behind(0), behind(2), behind(3), before(3), before(1), deleting(1, 2), deleting(0, 3), deleting(3, 3)]
)
def test_an_edit_beside_a_pair_is_let_through(edit: bytes) -> None:
    holding(TEXT).admit(guard.read(edit))
    crdt.require_applicable(TEXT, edit)


def test_a_pair_is_parted_by_no_struct_of_its_own_update() -> None:
    whole = [encode_item(STRING, encode_text("a😃b")), encode_item(EMBED, encode_text("{}"), after=(9, 1))]
    with pytest.raises(InvalidUpdate, match="surrogate"):
        holding().admit(guard.read(encode_update(whole)))
    late = encode_update([encode_item(STRING, encode_text("a😃b"))], deletes=b"\1\x09\1\1\1")
    with pytest.raises(InvalidUpdate, match="surrogate"):
        holding().admit(guard.read(late))


def test_what_is_known_half_way_is_not_taken_up_between_the_halves() -> None:
    structure = holding(encode_update([encode_item(STRING, encode_text("ab"))]))
    with pytest.raises(InvalidUpdate, match="surrogate"):
        structure.admit(guard.read(encode_update([encode_item(STRING, encode_text("a😃b"))])))
    structure.admit(guard.read(encode_update([encode_item(STRING, encode_text("ab😃"))])))


def test_a_deletion_that_a_stored_log_has_already_may_come_again() -> None:
    structure = StructureCheck()
    structure.admit(guard.read(TEXT), stored=True)
    structure.admit(guard.read(deleting(1, 1)), stored=True)
    structure.admit(guard.read(deleting(1, 1)))
    with pytest.raises(InvalidUpdate, match="surrogate"):
        structure.admit(guard.read(deleting(4, 1)))


@given(st.lists(st.tuples(st.integers(0, 12), st.text("a😃é𝒳", max_size=3), st.integers(0, 3)), min_size=1, max_size=12))
def test_whoever_counts_in_characters_is_never_refused(edits: list[tuple[int, str, int]]) -> None:
    document = crdt.Doc(client_id=5)
    structure = StructureCheck()
    updates: list[bytes] = []
    subscription = document.observe(lambda event: updates.append(event.update))
    text = document.get("t", type=Text)
    for at, words, gone in edits:
        said = str(text)
        start = len(said[:at].encode())
        del text[start : start + len(said[at : at + gone].encode())]
        text.insert(start, words)
    document.unobserve(subscription)
    for update in updates:
        structure.admit(guard.check(update))
    holding(document.get_update())
