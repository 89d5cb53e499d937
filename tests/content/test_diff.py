"""Differences name what changed and who wrote it, with work that is bounded however unlike the texts are."""

import random
import time

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Text, XmlElement, XmlFragment, XmlText

from content import attribution, crdt, document_types
from content.alignment import matches
from content.diff import DiffOp, diff
from content.item_order import order_items
from content.structs import decode_update
from domain.document.kind import ContentFormat, DocumentType

EQUAL, INSERT, DELETE = DiffOp.EQUAL, DiffOp.INSERT, DiffOp.DELETE
TEXTS = st.text(st.sampled_from("ab \n."), max_size=40)


def hunks(old: str, new: str) -> list[tuple[DiffOp, str]]:
    return [(hunk.op, hunk.text) for hunk in diff(old, new).hunks]


def test_changed_words_stand_between_equal_ones() -> None:
    assert hunks("One two three.\n\nSame.\n", "One 2 three.\n\nSame.\n") == [
        (EQUAL, "One "),
        (DELETE, "two"),
        (INSERT, "2"),
        (EQUAL, " three.\n\nSame.\n"),
    ]
    assert hunks("A\n\nB\n\nC", "A\n\nC") == [(EQUAL, "A\n\n"), (DELETE, "B\n\n"), (EQUAL, "C")]
    assert hunks("", "") == []


def test_counts_are_of_characters() -> None:
    results = diff("one two", "one three four")
    assert (results.added, results.removed) == (10, 3)


@given(TEXTS, TEXTS)
def test_hunks_make_up_both_texts(old: str, new: str) -> None:
    results = diff(old, new).hunks
    assert "".join(hunk.text for hunk in results if hunk.op is not INSERT) == old
    assert "".join(hunk.text for hunk in results if hunk.op is not DELETE) == new
    assert all(hunk.text for hunk in results)


@given(st.lists(st.integers(0, 4), max_size=14), st.lists(st.integers(0, 4), max_size=14))
def test_matches_are_equal_and_in_order(left: list[int], right: list[int]) -> None:
    at = to = 0
    for here, there, length in matches(left, right):
        assert here >= at
        assert there >= to
        assert left[here : here + length] == right[there : there + length]
        at, to = here + length, there + length


def test_large_texts_with_nothing_in_common_are_quick() -> None:
    chance = random.Random(1)
    words = [f"w{chance.randrange(3000)}" for _ in range(100_000)]
    began = time.process_time()
    diff(" ".join(words), " ".join(reversed(words)))
    diff("a " * 200_000, "b a " * 100_000)
    assert time.process_time() - began < 5


def test_who_wrote_which_words_is_notified() -> None:
    document = crdt.load(document_types.parse(DocumentType.TEXT, "# Hé😀ad\n\n- one *two*\n- [@Ann](mention:u1) x\n"))
    (first,) = document.vector()
    other = crdt.load(crdt.state(document), client_id=7)
    heading = other.get("default", type=XmlFragment).children[0]
    assert isinstance(heading, XmlElement)
    written = heading.children[0]
    assert isinstance(written, XmlText)
    written.insert(1, "ZZ")
    before = document_types.render(DocumentType.TEXT, document, ContentFormat.MARKDOWN)
    document.apply(crdt.state(other))
    text = document_types.render(DocumentType.TEXT, document, ContentFormat.TEXT)
    spans = attribution.spans(DocumentType.TEXT, document)
    assert [(text[span.start : span.end], span.client) for span in spans] == [
        ("H", first),
        ("ZZ", 7),
        ("é😀ad", first),
        ("one two", first),
        ("@Ann x", first),
    ]
    after = document_types.render(DocumentType.TEXT, document, ContentFormat.MARKDOWN)
    carried = attribution.remap_spans(spans, text, after)
    results = diff(before, after, carried).hunks
    assert [(hunk.op, hunk.text, hunk.client) for hunk in results][:5] == [
        (EQUAL, "# ", None),
        (DELETE, "Hé", None),
        (INSERT, "H", first),
        (INSERT, "ZZ", 7),
        (INSERT, "é", first),
    ]


def test_the_order_of_items_is_that_of_yjs() -> None:
    for seed in range(25):
        chance = random.Random(seed)
        people = [crdt.Doc(client_id=client) for client in (3, 1, 2)]
        for _ in range(50):
            person = chance.choice(people)
            text = person.get("text", type=Text)
            length = len(text)
            if length and chance.random() < 0.3:
                at = chance.randrange(length)
                del text[at : min(length, at + 2)]
            else:
                text.insert(chance.randint(0, length), chance.choice(["x", "ab"]) + str(person.client_id))
            if chance.random() < 0.25:
                one, other = chance.sample(people, 2)
                other.apply(crdt.difference(one, crdt.state_vector(other)))
        for other in people[1:]:
            people[0].apply(crdt.state(other))
        whole = order_items(decode_update(crdt.state(people[0])))
        assert "".join(str(found.struct.content) for found in whole.within("text")) == str(people[0].get("text", type=Text))
