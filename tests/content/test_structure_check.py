"""Among the blocks of a text stand elements and texts only; what an old log holds besides is passed over, and nothing behind it
is lost.
"""

import pytest
from pycrdt import XmlElement, XmlFragment, XmlText

from content import crdt, document_types, edit, guard
from content.errors import InvalidUpdate, Unreadable
from content.structure_check import StructureCheck
from domain.document.kind import ContentFormat, DocumentType
from realtime.collaboration.document_state import DocumentState
from tests.support.yjs_encoding import encode_item, encode_number, encode_text, encode_update


def paragraph_update() -> bytes:
    """A paragraph of client 5: the element is its clock 0, an attribute 1, the text within 2."""
    document = crdt.Doc(client_id=5)
    fragment = document.get("default", type=XmlFragment)
    fragment.children.append(XmlElement("paragraph", {"level": "2"}, [XmlText("words")]))
    return document.get_update()


FOREIGN = {
    "values": encode_item(8, b"\1\x7e"),
    "a string": encode_item(4, encode_text("abc")),
    "an embed": encode_item(5, encode_text('{"a":1}')),
    "a mark": encode_item(6, encode_text("bold") + encode_text("{}")),
    "an array": encode_item(7, encode_number(0)),
    "a map": encode_item(7, encode_number(1)),
    "a text that is not XML": encode_item(7, encode_number(2)),
    "a fragment": encode_item(7, encode_number(4)),
}


def item_at(item: bytes, place: bytes) -> bytes:
    """An item of `FOREIGN`, put elsewhere: its place in the encoding is that of the root `t`."""
    number_, rest = item[0], item[1 + len(b"\1" + encode_text("t")) :]
    return bytes([number_ | place[0]]) + place[1:] + rest


IN_ROOT, IN_SLIDE = b"\0\1" + encode_text("default"), b"\0\1" + encode_text("slide:a")
IN_ELEMENT, IN_TEXT = b"\0\0\5\0", b"\0\0\5\2"
AFTER, BEFORE = b"\x80\5\0", b"\x40\5\0"


@pytest.mark.parametrize("place", [IN_ROOT, IN_SLIDE, IN_ELEMENT, AFTER, BEFORE])
@pytest.mark.parametrize("what", FOREIGN)
def test_only_elements_and_texts_stand_among_blocks(what: str, place: bytes) -> None:
    nesting = StructureCheck()
    nesting.admit(guard.check(paragraph_update()))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        nesting.admit(guard.check(encode_update([item_at(FOREIGN[what], place)])))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        crdt.require_applicable(paragraph_update(), encode_update([item_at(FOREIGN[what], place)]))
    nesting.admit(guard.check(encode_update([item_at(encode_item(7, encode_number(6)), place)])))


def test_words_marks_and_embeds_stand_in_a_text_and_anything_in_other_roots_and_attributes() -> None:
    nesting = StructureCheck()
    nesting.admit(guard.check(paragraph_update()))
    for client, what in enumerate(FOREIGN.values(), 10):
        nesting.admit(guard.check(encode_update([item_at(what, IN_TEXT)], client=client)))
        nesting.admit(guard.check(encode_update([what], client=100 + client)))
        attribute = bytes([what[0] | 0x20]) + IN_ELEMENT[1:] + encode_text("key") + what[1 + len(b"\1" + encode_text("t")) :]
        nesting.admit(guard.check(encode_update([attribute], client=200 + client)))
        again = encode_item(8, b"\1\x7e", after=(200 + client, 2 if what[0] == 4 else 0))
        nesting.admit(guard.check(encode_update([again], client=300 + client)))


def test_what_hangs_on_others_of_its_update_or_of_another_client_is_known_to_stand_among_blocks() -> None:
    element = encode_item(7, encode_number(3) + encode_text("p"), root="default")
    behind = encode_item(7, encode_number(6), after=(9, 0))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        guard.check(encode_update([element, behind, encode_item(4, encode_text("a"), after=(9, 1))]))
    nesting = StructureCheck()
    nesting.admit(guard.check(encode_update([element, behind])))
    nesting.admit(guard.check(encode_update([encode_item(7, encode_number(6), after=(9, 1))], client=8)))
    late = guard.check(encode_update([encode_item(4, encode_text("a"), after=(8, 0))], client=7))
    for _ in range(2):
        with pytest.raises(InvalidUpdate, match="among the blocks"):
            nesting.admit(late)


def test_what_is_known_stays_what_it_is_whatever_is_said_of_it_again() -> None:
    nesting = StructureCheck()
    nesting.admit(guard.check(encode_update([encode_item(7, encode_number(3) + encode_text("p"), root="default")])))
    forged = encode_update([encode_item(7, encode_number(0)), encode_item(4, encode_text("a"), within=(9, 0))])
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        nesting.admit(guard.check(forged))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        nesting.admit(guard.check(encode_update([encode_item(4, encode_text("abc"))])))


def test_what_was_deleted_may_have_been_anything() -> None:
    nesting = StructureCheck()
    gone = [encode_item(1, encode_number(3), root="default"), b"\0\2", encode_item(4, encode_text("a"), after=(9, 4))]
    assert nesting.admit(guard.check(encode_update(gone))) == []


def legacy_document() -> list[bytes]:
    """A document with something between its paragraphs that is none, as a log may hold it from before that was refused."""
    writer = crdt.Doc(client_id=5)
    updates: list[bytes] = []
    received = writer.observe(lambda event: updates.append(event.update))
    fragment = writer.get("default", type=XmlFragment)
    fragment.children.append(XmlElement("paragraph", {}, [XmlText("before")]))
    foreign = encode_update([encode_item(7, encode_number(1), after=(5, 0)), encode_item(4, encode_text("ab"), after=(9, 0))])
    writer.apply_update(foreign)
    late = encode_update(
        [
            encode_item(7, encode_number(3) + encode_text("paragraph"), after=(9, 2)),
            encode_item(7, encode_number(6), within=(8, 0)),
        ],
        client=8,
    )
    writer.apply_update(late)
    writer.apply_update(encode_update([encode_item(4, encode_text("behind"), within=(8, 1))], client=7))
    writer.unobserve(received)
    return updates


def test_an_old_log_is_read_past_what_is_no_block() -> None:
    document = crdt.load(None, legacy_document())
    assert document_types.render(DocumentType.TEXT, document, ContentFormat.MARKDOWN) == "before\n\nbehind\n"
    whole = crdt.state(document)
    assert document_types.render(DocumentType.TEXT, crdt.load(whole), ContentFormat.MARKDOWN) == "before\n\nbehind\n"


def test_an_edit_of_an_old_log_reaches_what_is_behind_it_and_deletes_nothing_that_people_see() -> None:
    live = crdt.Doc()
    for each in legacy_document():
        live.apply_update(each)
    state = live.get_update()
    edits = [
        (edit.find_and_replace(DocumentType.TEXT, state, "behind", "beyond"), "before\n\nbeyond\n"),
        (edit.append(DocumentType.TEXT, state, "last"), "before\n\nbehind\n\nlast\n"),
        (edit.replace_all(DocumentType.TEXT, state, "before\n\nmore\n\nbehind"), "before\n\nmore\n\nbehind\n"),
    ]
    for made, wanted in edits:
        assert document_types.render(DocumentType.TEXT, crdt.load(state, [made]), ContentFormat.MARKDOWN) == wanted
        assert made != crdt.EMPTY


def test_a_document_that_cannot_be_read_to_its_end_is_not_read_at_all() -> None:
    unread = crdt.Doc()
    for each in legacy_document():
        unread.apply_update(each)
    with pytest.raises(Unreadable) as refused:
        document_types.render(DocumentType.TEXT, unread, ContentFormat.MARKDOWN)
    assert (refused.value.code, refused.value.path) == ("INVALID", ("input", "id"))


def test_a_room_refuses_it_and_stays_as_it_was_but_keeps_all_that_an_old_log_holds() -> None:
    state = DocumentState()
    for each in legacy_document():
        state.apply_stored(each)
    before = state.update_since(b"")
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        state.apply_client_update(encode_update([encode_item(7, encode_number(1), after=(8, 0))], client=3))
    assert (state.update_since(b""), state.is_broken) == (before, False)
    assert state.apply_client_update(before, is_split=True) == (b"", ())
    effect, clients = state.apply_client_update(
        encode_update([encode_item(7, encode_number(3) + encode_text("paragraph"), after=(8, 0))], client=3)
    )
    assert (bool(effect), clients) == (True, (3,))
