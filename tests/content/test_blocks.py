"""Among the blocks of a text stand elements and texts only; what an old log holds besides is passed over, and nothing behind it is lost."""

import pytest
from pycrdt import XmlElement, XmlFragment, XmlText

from content import crdt, edit, guard, kind
from content.errors import InvalidUpdate, Unreadable
from content.nesting import Nesting
from domain.document.kind import ContentFormat, DocumentType
from realtime.collaboration.document_state import DocumentState
from tests.content.encoding import item, number, text, update


def made() -> bytes:
    """A paragraph of client 5: the element is its clock 0, an attribute 1, the text within 2."""
    document = crdt.Doc(client_id=5)
    fragment = document.get("default", type=XmlFragment)
    fragment.children.append(XmlElement("paragraph", {"level": "2"}, [XmlText("words")]))
    return document.get_update()


FOREIGN = {
    "values": item(8, b"\1\x7e"),
    "a string": item(4, text("abc")),
    "an embed": item(5, text('{"a":1}')),
    "a mark": item(6, text("bold") + text("{}")),
    "an array": item(7, number(0)),
    "a map": item(7, number(1)),
    "a text that is not XML": item(7, number(2)),
    "a fragment": item(7, number(4)),
}


def standing(what: bytes, place: bytes) -> bytes:
    """An item of `FOREIGN`, put elsewhere: its place in the encoding is that of the root `t`."""
    number_, rest = what[0], what[1 + len(b"\1" + text("t")) :]
    return bytes([number_ | place[0]]) + place[1:] + rest


IN_ROOT, IN_SLIDE = b"\0\1" + text("default"), b"\0\1" + text("slide:a")
IN_ELEMENT, IN_TEXT = b"\0\0\5\0", b"\0\0\5\2"
BEHIND, BEFORE = b"\x80\5\0", b"\x40\5\0"


@pytest.mark.parametrize("place", [IN_ROOT, IN_SLIDE, IN_ELEMENT, BEHIND, BEFORE])
@pytest.mark.parametrize("what", FOREIGN)
def test_only_elements_and_texts_stand_among_blocks(what: str, place: bytes) -> None:
    nesting = Nesting()
    nesting.admit(guard.check(made()))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        nesting.admit(guard.check(update([standing(FOREIGN[what], place)])))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        guard.applies(made(), update([standing(FOREIGN[what], place)]))
    nesting.admit(guard.check(update([standing(item(7, number(6)), place)])))


def test_words_marks_and_embeds_stand_in_a_text_and_anything_in_other_roots_and_attributes() -> None:
    nesting = Nesting()
    nesting.admit(guard.check(made()))
    for client, what in enumerate(FOREIGN.values(), 10):
        nesting.admit(guard.check(update([standing(what, IN_TEXT)], client=client)))
        nesting.admit(guard.check(update([what], client=100 + client)))
        attribute = bytes([what[0] | 0x20]) + IN_ELEMENT[1:] + text("key") + what[1 + len(b"\1" + text("t")) :]
        nesting.admit(guard.check(update([attribute], client=200 + client)))
        again = item(8, b"\1\x7e", after=(200 + client, 2 if what[0] == 4 else 0))
        nesting.admit(guard.check(update([again], client=300 + client)))


def test_what_hangs_on_others_of_its_update_or_of_another_client_is_known_to_stand_among_blocks() -> None:
    element = item(7, number(3) + text("p"), root="default")
    behind = item(7, number(6), after=(9, 0))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        guard.check(update([element, behind, item(4, text("a"), after=(9, 1))]))
    nesting = Nesting()
    nesting.admit(guard.check(update([element, behind])))
    nesting.admit(guard.check(update([item(7, number(6), after=(9, 1))], client=8)))
    late = guard.check(update([item(4, text("a"), after=(8, 0))], client=7))
    for _ in range(2):
        with pytest.raises(InvalidUpdate, match="among the blocks"):
            nesting.admit(late)


def test_what_is_known_stays_what_it_is_whatever_is_said_of_it_again() -> None:
    nesting = Nesting()
    nesting.admit(guard.check(update([item(7, number(3) + text("p"), root="default")])))
    forged = update([item(7, number(0)), item(4, text("a"), within=(9, 0))])
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        nesting.admit(guard.check(forged))
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        nesting.admit(guard.check(update([item(4, text("abc"))])))


def test_what_was_deleted_may_have_been_anything() -> None:
    nesting = Nesting()
    gone = [item(1, number(3), root="default"), b"\0\2", item(4, text("a"), after=(9, 4))]
    assert nesting.admit(guard.check(update(gone))) == []


def old_log() -> list[bytes]:
    """A document with something between its paragraphs that is none, as a log may hold it from before that was refused."""
    writer = crdt.Doc(client_id=5)
    updates: list[bytes] = []
    heard = writer.observe(lambda event: updates.append(event.update))
    fragment = writer.get("default", type=XmlFragment)
    fragment.children.append(XmlElement("paragraph", {}, [XmlText("before")]))
    foreign = update([item(7, number(1), after=(5, 0)), item(4, text("ab"), after=(9, 0))])
    writer.apply_update(foreign)
    late = update([item(7, number(3) + text("paragraph"), after=(9, 2)), item(7, number(6), within=(8, 0))], client=8)
    writer.apply_update(late)
    writer.apply_update(update([item(4, text("behind"), within=(8, 1))], client=7))
    writer.unobserve(heard)
    return updates


def test_an_old_log_is_read_past_what_is_no_block() -> None:
    document = crdt.load(None, old_log())
    assert kind.render(DocumentType.TEXT, document, ContentFormat.MARKDOWN) == "before\n\nbehind\n"
    whole = crdt.state(document)
    assert kind.render(DocumentType.TEXT, crdt.load(whole), ContentFormat.MARKDOWN) == "before\n\nbehind\n"


def test_an_edit_of_an_old_log_reaches_what_is_behind_it_and_deletes_nothing_that_people_see() -> None:
    live = crdt.Doc()
    for each in old_log():
        live.apply_update(each)
    state = live.get_update()
    edits = [
        (edit.find_and_replace(DocumentType.TEXT, state, "behind", "beyond"), "before\n\nbeyond\n"),
        (edit.append(DocumentType.TEXT, state, "last"), "before\n\nbehind\n\nlast\n"),
        (edit.replace_all(DocumentType.TEXT, state, "before\n\nmore\n\nbehind"), "before\n\nmore\n\nbehind\n"),
    ]
    for made, wanted in edits:
        assert kind.render(DocumentType.TEXT, crdt.load(state, [made]), ContentFormat.MARKDOWN) == wanted
        assert made != crdt.EMPTY


def test_a_document_that_cannot_be_read_to_its_end_is_not_read_at_all() -> None:
    unread = crdt.Doc()
    for each in old_log():
        unread.apply_update(each)
    with pytest.raises(Unreadable) as refused:
        kind.render(DocumentType.TEXT, unread, ContentFormat.MARKDOWN)
    assert (refused.value.code, refused.value.path) == ("INVALID", ("input", "id"))


def test_a_room_refuses_it_and_stays_as_it_was_but_keeps_all_that_an_old_log_holds() -> None:
    state = DocumentState()
    for each in old_log():
        state.apply_stored(each)
    before = state.update_since(b"")
    with pytest.raises(InvalidUpdate, match="among the blocks"):
        state.apply_client_update(update([item(7, number(1), after=(8, 0))], client=3))
    assert (state.update_since(b""), state.is_broken) == (before, False)
    assert state.apply_client_update(before, is_split=True) == (b"", ())
    effect, clients = state.apply_client_update(update([item(7, number(3) + text("paragraph"), after=(8, 0))], client=3))
    assert (bool(effect), clients) == (True, (3,))
