"""The guard lets through what Yjs writes and refuses, with a code, whatever else a client may send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Map, Text, XmlElement, XmlFragment, XmlText

from content import crdt, document_types, guard
from content.errors import InvalidUpdate, UpdatePending, UpdateTooLarge
from content.structure_check import StructureCheck
from domain.document.kind import ContentFormat, DocumentType
from tests.support.yjs_encoding import encode_item, encode_number, encode_text, encode_update, nested_arrays_update

ANY_CONTENT = 8


def typed_updates() -> list[bytes]:
    """The updates of somebody who makes a paragraph and writes in it."""
    document = crdt.Doc(client_id=5)
    updates: list[bytes] = []
    received = document.observe(lambda event: updates.append(event.update))
    fragment = document.get("default", type=XmlFragment)
    paragraph = fragment.children.append(XmlElement("paragraph", {"level": "2"}))
    written = paragraph.children.append(XmlText("hé😀"))
    written.insert(7, "!", {"bold": {}})
    del written[0:1]
    document.unobserve(received)
    return updates


def test_says_which_clocks_an_update_adds_and_deletes() -> None:
    said = [guard.check(one) for one in typed_updates()]
    assert [one.adds for one in said] == [{5: (0, 2)}, {5: (2, 7)}, {5: (7, 10)}, {}]
    assert [one.only_deletes for one in said] == [False, False, False, True]
    assert said[-1].deletes == [(5, 3, 1)]


def test_text_is_as_long_as_in_utf_16() -> None:
    struct = guard.check(encode_update([encode_item(4, encode_text("a😀é"))])).structs[0]
    assert (struct.content, struct.length) == ("a😀é", 4)


BAD = {
    "nothing at all": b"",
    "an end too early": encode_update([encode_item(4, encode_text("abc"))])[:-2],
    "bytes behind the end": encode_update([encode_item(4, encode_text("abc"))]) + b"\0",
    "encoding V2": bytes.fromhex("000009818080808008000003056764656661756c7403070174010403686579000000"),
    "more clients than bytes": encode_number(2**40) + b"\0\0",
    "more structs than bytes": encode_number(1) + encode_number(2**40) + encode_number(9) + b"\0\0\0",
    "more values than bytes": encode_update([encode_item(ANY_CONTENT, encode_number(2**40))]),
    "a client for nothing": b"\1\0\x09\0\0",
    "a client twice": b"\2\1\x09\0" + encode_item(4, encode_text("a")) + b"\1\x09\1" + encode_item(4, encode_text("a")) + b"\0",
    "an empty text": encode_update([encode_item(4, encode_text(""))]),
    "an empty run of garbage": encode_update([b"\0\0"]),
    "a clock beyond 31 bits": encode_update([encode_item(4, encode_text("a"))], clock=2**31),
    "a number beyond 53 bits": encode_update([encode_item(4, encode_text("a"))], client=2**53),
    "text that is not UTF-8": encode_update([encode_item(4, b"\2\xc3\x28")]),
    "half a surrogate": encode_update([encode_item(4, b"\3\xed\xa0\x80")]),
    "a mark that is not JSON": encode_update([encode_item(6, encode_text("bold") + encode_text("{"))]),
    "an embed that is not JSON": encode_update([encode_item(5, encode_text("[1,]"))]),
    "a value of no kind": encode_update([encode_item(ANY_CONTENT, b"\1\x10")]),
    "a kind of content that only yrs knows": encode_update([encode_item(11, b"\0\0\0")]),
    "a type that nobody knows": encode_update([encode_item(7, encode_number(15))]),
    "a hook": encode_update([encode_item(7, encode_number(5) + encode_text("x"))]),
    "a subdocument": encode_update([encode_item(9, encode_text("guid") + b"\x7f")]),
    "an item behind itself": encode_update([encode_item(4, encode_text("a"), after=(9, 0))]),
    "an item within itself": encode_update([encode_item(4, encode_text("a"), within=(9, 0))]),
    "a parent of no kind": encode_update([b"\x04\x02" + encode_text("t") + encode_text("a")]),
    "deletion of nothing": encode_update([], deletes=b"\1\x09\1\0\0"),
    "deletion beyond 31 bits": encode_update([], deletes=b"\1\x09\1\0" + encode_number(2**31)),
}


@pytest.mark.parametrize("what", BAD)
def test_refuses(what: str) -> None:
    with pytest.raises(InvalidUpdate) as refused:
        guard.check(BAD[what])
    assert (refused.value.code, refused.value.path) == ("INVALID", ("input", "updates"))


def test_values_nest_64_deep_and_no_deeper() -> None:
    def value(depth: int) -> bytes:
        return encode_update([encode_item(ANY_CONTENT, b"\1" + b"\x75\1" * depth + b"\x7e")])

    assert guard.check(value(64)).adds == {9: (0, 1)}
    with pytest.raises(UpdateTooLarge):
        guard.check(value(65))
    for brackets in ("[" * 65 + "]" * 65, '{"a":' * 65 + "1" + "}" * 65):
        with pytest.raises(UpdateTooLarge):
            guard.check(encode_update([encode_item(6, encode_text("bold") + encode_text(brackets))]))
    many = "[" + "[]," * 200 + '"[[["]'
    assert guard.check(encode_update([encode_item(5, encode_text(many))])).adds == {9: (0, 1)}


def test_types_nest_64_deep_and_no_deeper() -> None:
    assert guard.check(nested_arrays_update(64)).adds == {9: (0, 64)}
    with pytest.raises(UpdateTooLarge):
        guard.check(nested_arrays_update(65))


def test_types_nest_no_deeper_however_many_updates_it_takes() -> None:
    nesting = StructureCheck()
    nesting.admit(guard.check(nested_arrays_update(60)))
    for level in range(60, 64):
        nesting.admit(guard.check(encode_update([encode_item(7, b"\0", within=(9, level - 1))], clock=level)))
    beside = guard.check(encode_update([encode_item(7, b"\0", after=(9, 63))], client=8))
    nesting.admit(beside)
    for _ in range(2):
        with pytest.raises(UpdateTooLarge):
            nesting.admit(guard.check(encode_update([encode_item(7, b"\0", within=(8, 0))], clock=64)))
    nesting.admit(beside)


def test_a_megabyte_is_the_most() -> None:
    fits = encode_update([encode_item(4, encode_text("a" * (guard.MAX_UPDATE_BYTES - 14)))])
    assert len(fits) <= guard.MAX_UPDATE_BYTES
    assert guard.check(fits).adds == {9: (0, guard.MAX_UPDATE_BYTES - 14)}
    with pytest.raises(UpdateTooLarge) as refused:
        guard.check(fits + b"x" * 20)
    assert refused.value.code == "LIMIT_EXCEEDED"


def test_what_builds_on_missing_edits_is_reported() -> None:
    made, filled, marked, deleted = typed_updates()
    vector = {5: 2}
    assert not guard.builds_on_missing(guard.check(filled), vector)
    assert guard.builds_on_missing(guard.check(filled), {})
    assert guard.builds_on_missing(guard.check(deleted), vector)
    assert guard.builds_on_missing(guard.check(encode_update([encode_item(4, encode_text("a"), after=(5, 2))])), vector)
    assert not guard.builds_on_missing(guard.check(encode_update([encode_item(4, encode_text("a"), after=(5, 1))])), vector)
    assert crdt.require_applicable(made, filled).adds == {5: (2, 7)}
    for early in (marked, deleted):
        with pytest.raises(UpdatePending):
            crdt.require_applicable(made, early)


def test_what_does_not_apply_is_reported() -> None:
    with pytest.raises(InvalidUpdate, match="does not apply"):
        crdt.require_applicable(
            encode_update([encode_item(4, encode_text("a"))]),
            encode_update([encode_item(4, encode_text("b"), within=(9, 0))], client=8),
        )


def test_what_reads_differently_when_it_is_loaded_again_is_reported() -> None:
    document = crdt.Doc(client_id=5)
    written = document.get("default", type=XmlFragment).children.append(XmlText("Title"))
    assert str(written) == "Title"
    forged = bytes([0x04 | 0xC0]) + encode_number(5) + encode_number(5) + encode_number(5) + encode_number(2) + encode_text("x")
    update_ = encode_update([forged])
    assert guard.check(update_).adds == {9: (0, 1)}
    with pytest.raises(InvalidUpdate, match="differently"):
        crdt.require_applicable(crdt.state(document), update_)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


WRITES = st.lists(st.tuples(st.sampled_from(["text", "map", "array"]), st.text(min_size=1, max_size=5), VALUES), max_size=6)


def written(writes: list[tuple[str, str, object]]) -> crdt.Doc:
    document = crdt.Doc()
    for kind, name, value in writes:
        if kind == "text":
            document.get("text", type=Text).insert(0, name, {"mark": value})
        elif kind == "map":
            document.get("map", type=Map)[name] = value
        else:
            document.get("array", type=Array).append(Map({name: value}))
    return document


def holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(holds_nul(key) or holds_nul(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return any(map(holds_nul, value))
    return isinstance(value, str) and "\0" in value


@given(WRITES)
def test_all_that_pycrdt_writes_is_let_through_unless_it_holds_nul(writes: list[tuple[str, str, object]]) -> None:
    document = written(writes)
    said = guard.read(document.get_update())
    assert {client: end for client, (_, end) in said.adds.items()} == document.vector()
    if said.has_nul:
        with pytest.raises(InvalidUpdate, match=r"U\+0000"):
            guard.check(document.get_update())
    else:
        assert guard.check(document.get_update()) == said


@given(WRITES)
def test_nul_is_found_wherever_it_stands(writes: list[tuple[str, str, object]]) -> None:
    document = crdt.Doc()
    for place, (kind, name, value) in enumerate(writes):  # each in a root of its own, so that none is merged away
        if kind == "text":
            document.get(f"text{place}", type=Text).insert(0, name, {"mark": value})
        elif kind == "map":
            document.get(f"map{place}", type=Map)[name] = value
        else:
            document.get(f"array{place}", type=Array).append(Map({name: value}))
    assert guard.read(document.get_update()).has_nul == any(holds_nul([name, value]) for _, name, value in writes)


NUL = {
    "text": lambda fragment: fragment.children.append(XmlText("a\0b")),
    "an attribute": lambda fragment: fragment.children.append(XmlElement("p", {"level": "\0"})),
    "the name of an attribute": lambda fragment: fragment.children.append(XmlElement("p", {"\0": "1"})),
    "a tag": lambda fragment: fragment.children.append(XmlElement("p\0")),
    "a mark": lambda fragment: fragment.children.append(XmlText("ab")).format(0, 1, {"link": {"href": "\0"}}),
    "the name of a mark": lambda fragment: fragment.children.append(XmlText("ab")).format(0, 1, {"b\0": {}}),
    "an embed": lambda fragment: fragment.children.append(XmlText("ab")).insert_embed(0, {"src": ["\0"]}),
}


@pytest.mark.parametrize("where", NUL)
def test_a_live_edit_with_nul_is_refused_and_a_stored_one_is_loaded_and_shown_without(where: str) -> None:
    document = crdt.Doc(client_id=5)
    NUL[where](document.get("default", type=XmlFragment))
    update_ = document.get_update()
    structure = StructureCheck()
    with pytest.raises(InvalidUpdate, match=r"U\+0000") as refused:
        structure.admit(guard.read(update_))
    assert refused.value.code == "INVALID"
    assert structure.at((5, 0)) == 0
    with pytest.raises(InvalidUpdate, match=r"U\+0000"):
        crdt.require_applicable(crdt.EMPTY, update_)
    stored = crdt.load(update_)
    for form in (ContentFormat.MARKDOWN, ContentFormat.HTML, ContentFormat.TEXT, ContentFormat.JSON):
        said = document_types.render(DocumentType.TEXT, stored, form)
        assert "\0" not in said
        assert "\\u0000" not in said


def test_what_only_looks_like_nul_is_let_through() -> None:
    document = crdt.Doc()
    document.get("text", type=Text).insert(0, "a\\u0000", {"mark": "\\u0000", "bytes": {"a": 0, "b": [0.0, False]}})
    document.get("map", type=Map)["raw"] = b"\0"
    assert not guard.check(document.get_update()).has_nul
