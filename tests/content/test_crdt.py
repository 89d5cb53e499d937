"""Documents load, tell what they have, and never leave out what is pending."""

import pytest
from pycrdt import Text

from content import crdt
from content.errors import InvalidUpdate, UpdatePending
from tests.support.yjs_encoding import encode_item, encode_text, encode_update


def word_updates(*words: str) -> list[bytes]:
    document = crdt.Doc(client_id=5)
    updates: list[bytes] = []
    received = document.observe(lambda event: updates.append(event.update))
    written = document.get("text", type=Text)
    for word in words:
        written += word
    document.unobserve(received)
    return updates


def document_text(document: crdt.Doc) -> str:
    return str(document.get("text", type=Text))


def test_a_snapshot_and_the_updates_after_it_make_the_document() -> None:
    one, two, three = word_updates("one ", "two ", "three")
    snapshot = crdt.state(crdt.load(None, [one]))
    document = crdt.load(snapshot, [two, three])
    assert document_text(document) == "one two three"
    assert document.vector() == {5: 13}


def test_updates_may_come_twice_and_out_of_order() -> None:
    one, two, three = word_updates("one ", "two ", "three")
    document = crdt.load(None, [three, one, one, two, three])
    assert (document_text(document), document.is_pending) == ("one two three", False)


def test_no_snapshot_is_made_while_edits_are_pending() -> None:
    one, two, three = word_updates("one ", "two ", "three")
    document = crdt.load(None, [one, three])
    assert (document_text(document), document.is_pending) == ("one ", True)
    with pytest.raises(UpdatePending):
        crdt.state(document)
    document.apply(two)
    assert document_text(crdt.load(crdt.state(document))) == "one two three"


def test_no_snapshot_is_made_while_a_deletion_is_pending() -> None:
    (one,) = word_updates("one")
    document = crdt.load(None, [encode_update([], deletes=b"\1\5\1\1\1")])
    with pytest.raises(UpdatePending):
        crdt.state(document)
    document.apply(one)
    assert document_text(crdt.load(crdt.state(document))) == "oe"


def test_the_difference_is_what_the_other_is_missing() -> None:
    one, two, three = word_updates("one ", "two ", "three")
    here, there = crdt.load(None, [one, two, three]), crdt.load(None, [one])
    there.apply(crdt.difference(here, crdt.state_vector(there)))
    assert document_text(there) == "one two three"
    assert crdt.includes(there, here.vector())
    for bad in (b"", b"\1", b"\xff\xff\xff\xff\x7f\0", b"\0\0"):
        with pytest.raises(InvalidUpdate):
            crdt.difference(here, bad)


def test_merged_updates_say_the_same_whatever_they_build_on() -> None:
    one, two, three = word_updates("one ", "two ", "three")
    assert document_text(crdt.load(one, [crdt.merge([two, three])])) == "one two three"
    assert document_text(crdt.load(crdt.merge([one]), [crdt.merge([]), crdt.merge([two])])) == "one two "
    with pytest.raises(InvalidUpdate):
        crdt.merge([one, b"\xff"])


def test_a_refused_update_leaves_the_document_as_it_was() -> None:
    (one,) = word_updates("one")
    document = crdt.load(one)
    before = crdt.state(document)
    with pytest.raises(InvalidUpdate):
        document.apply(one + b"\0")
    assert crdt.state(document) == before


def test_a_document_that_an_update_broke_says_so() -> None:
    document = crdt.load(encode_update([encode_item(4, encode_text("a"))]))
    with pytest.raises(InvalidUpdate, match="does not apply"):
        document.apply(encode_update([encode_item(4, encode_text("b"), within=(9, 0))], client=8))
    assert document.is_broken
    with pytest.raises(InvalidUpdate, match="broken"):
        crdt.state(document)
