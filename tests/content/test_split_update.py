"""A large update in pieces says what it said whole, and each piece can be applied by itself."""

import random
from typing import Any

import pycrdt
import pytest

from content import crdt, split_update
from content.errors import InvalidUpdate, UpdateTooLarge
from content.structs import decode_update
from tests.support.yjs_encoding import encode_item, encode_number, encode_text, encode_update


def concurrent_updates(seed: int) -> pycrdt.Doc[Any]:
    """What four people wrote and deleted, now and then beside each other."""
    chance = random.Random(seed)
    docs: list[pycrdt.Doc[Any]] = [pycrdt.Doc(client_id=1 + each) for each in range(4)]
    for _ in range(60):
        doc = chance.choice(docs)
        words = doc.get("t", type=pycrdt.Text)
        for _ in range(4):
            said = str(words)
            at = chance.randrange(len(said) + 1)
            words.insert(len(said[:at].encode()), chance.choice(["a", "bc", "é😀", "word " * 40]))
            said = str(words)
            if chance.random() < 0.4:
                at = chance.randrange(len(said))
                start = len(said[:at].encode())
                del words[start : start + len(said[at : at + 5].encode())]
        one, other = chance.sample(docs, 2)
        one.apply_update(other.get_update(one.get_state()))
    for doc in docs[1:]:
        docs[0].apply_update(doc.get_update(docs[0].get_state()))
    return docs[0]


@pytest.mark.parametrize("loose", [1, 7, 1_000_000])
@pytest.mark.parametrize("seed", range(4))
def test_pieces_build_only_on_those_before_them_and_come_to_the_same(seed: int, loose: int) -> None:
    whole = concurrent_updates(seed)
    parted = split_update.split(whole.get_update(), loose)
    copy = crdt.Doc()
    for piece in parted:
        copy.apply(piece)
        assert not copy.is_pending
        assert sum(map(split_update.is_unanchored, decode_update(piece).structs)) <= loose
    assert copy.get_state() == whole.get_state()
    assert str(copy.get("t", type=pycrdt.Text)) == str(whole.get("t", type=pycrdt.Text))


def test_a_long_text_is_cut_between_characters() -> None:
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=5)
    doc.get("t", type=pycrdt.Text).insert(0, "é😀x" * 30_000)
    parted = split_update.split(doc.get_update(), 1)
    assert max(map(len, parted)) < 3 * split_update.MAX_PIECE_BYTES
    copy = crdt.load(None, parted)
    assert str(copy.get("t", type=pycrdt.Text)) == "é😀x" * 30_000


def test_deletions_come_last_and_in_parts() -> None:
    ranges = b"".join(encode_number(2 * at) + encode_number(1) for at in range(2_500))
    data = encode_update(
        [encode_item(4, encode_text("a" * 5_000))], deletes=encode_number(1) + encode_number(9) + encode_number(2_500) + ranges
    )
    parted = split_update.split(data, 1)
    assert [len(decode_update(each).deletes) for each in parted] == [0, *[50] * 50]
    assert str(crdt.load(None, parted).get("t", type=pycrdt.Text)) == "a" * 2_500


def test_what_no_document_may_be_is_refused() -> None:
    with pytest.raises(UpdateTooLarge):
        split_update.split(bytes(100), 1, 99)
    with pytest.raises(InvalidUpdate):
        split_update.split(b"\x01\x01\x01", 1)
