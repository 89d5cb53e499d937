"""Breaks updates and gives them to the guard and to scratch copies: run as a program by the fuzz tests, in a process with little memory.

Usage: python -m tests.support.corrupt_updates SEED COUNT [print]. Prints how many were taken and how many refused; anything else that happens ends
it. With `print` each that was taken is printed before, as JSON: its bytes on those of the state, and what the server reads then.
"""

import base64
import json
import random
import sys
from typing import Any

from pycrdt import Array, Map, Text, XmlElement, XmlFragment, XmlText

from content import attribution, crdt, document_types, guard
from content.structs import decode_update
from content.structure_check import StructureCheck
from domain.document.kind import ContentFormat, DocumentType
from domain.errors import DomainError
from tests.support.yjs_encoding import encode_item, encode_number, encode_text, encode_update, nested_arrays_update

SEED_COUNT = 60


def sample_documents(rng: random.Random) -> list[tuple[bytes, list[bytes]]]:
    """States with updates that several people made from them."""
    found = []
    for _ in range(SEED_COUNT):
        base = document_types.parse(
            DocumentType.TEXT, "# Title\n\nSome *words* é😀\n\n- one\n- two\n\n| a | b |\n| - | - |\n| c | d |\n"
        )
        found.append((base, [change for client in (1, 2) for change in _random_updates(base, client, rng)]))
    return found


def _random_updates(base: bytes, client: int, rng: random.Random) -> list[bytes]:
    document = crdt.load(base, client_id=client)
    updates: list[bytes] = []
    subscription = document.observe(lambda event: updates.append(event.update))
    for _ in range(4):
        _random_edit(document, rng)
    document.unobserve(subscription)
    return updates


def _random_edit(document: crdt.Doc, rng: random.Random) -> None:
    fragment = document.get("default", type=XmlFragment)
    match rng.randrange(6):
        case 0:
            written = fragment.children[0].children[0]
            assert isinstance(written, XmlText)
            written.insert(rng.randrange(len(written) + 1), "né", {"bold": {"a": [1, {"b": None}]}})
        case 1:
            fragment.children.insert(0, XmlElement("paragraph", {"level": "1"}, [XmlText("new")]))
        case 2:
            if len(fragment.children) > 1:
                del fragment.children[rng.randrange(1, len(fragment.children))]
        case 3:
            document.get("map", type=Map)["key"] = Map({"list": Array([1, "two", b"3", None, {"four": 4.5}])})
        case 4:
            document.get("text", type=Text).insert_embed(0, {"image": "x"})
        case _:
            written = fragment.children[0].children[0]
            assert isinstance(written, XmlText)
            written.format(0, 2, {"italic": {}})


def corrupt_update(rng: random.Random, valid_updates: list[bytes]) -> bytes:
    """An update with a few bytes changed, spliced with another, or made up from structs that may refer anywhere."""
    data = bytearray(rng.choice(valid_updates))
    match rng.randrange(5):
        case 0 | 1:
            for _ in range(rng.randint(1, 3)):
                data[rng.randrange(len(data))] = rng.choice([0, 1, 2, 3, 4, 7, 8, 9, 127, 128, 255, rng.randrange(256)])
        case 2:
            other = rng.choice(valid_updates)
            at = rng.randrange(len(data))
            data = data[:at] + other[rng.randrange(len(other)) :]
        case 3:
            at = rng.randrange(len(data))
            data = data[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(4))) + data[at + rng.randrange(3) :]
        case _:
            return _fabricated_update(rng)
    return bytes(data)


def _fabricated_update(rng: random.Random) -> bytes:
    if rng.random() < 0.02:
        return nested_arrays_update(rng.choice([10, 64, 65, 500, 20_000]))
    contents = [
        (4, encode_text("abc")),
        (6, encode_text("bold") + encode_text("{}")),
        (6, encode_text("bold") + encode_text("null")),
        (7, encode_number(3) + encode_text("p")),
        (7, encode_number(6)),
        (7, encode_number(rng.randrange(8))),
        (8, b"\1" + b"\x75\1" * rng.choice([1, 5, 60, 70]) + b"\x7e"),
        (1, encode_number(rng.randint(1, 9))),
        (5, encode_text('{"a":1}')),
        (2, encode_number(1) + encode_text("1")),
        (3, encode_number(2) + b"ab"),
    ]
    structs = []
    for _ in range(rng.randint(1, 5)):
        content, data = rng.choice(contents)
        somewhere = (rng.choice([1, 2, 9]), rng.randrange(12))
        place = rng.randrange(3)
        roots = ["default", "text", "map", "new"]
        structs.append(
            encode_item(
                content,
                data,
                root=rng.choice(roots),
                after=somewhere if place == 0 else None,
                within=somewhere if place == 1 else None,
            )
        )
    deletes = (
        b"\0"
        if rng.random() < 0.7
        else b"\1" + encode_number(rng.choice([1, 2, 9])) + b"\1" + encode_number(rng.randrange(9)) + b"\3"
    )
    return encode_update(structs, client=rng.choice([9, 1, 7]), clock=rng.choice([0, 0, 3]), deletes=deletes)


def apply_as_server(state: bytes, update: bytes) -> None:
    """What a room does with an update, and what a reader does with the document. Raises DomainError where it is refused."""
    said = guard.check(update)
    nesting = StructureCheck()
    nesting.admit(decode_update(state))
    nesting.admit(said)
    crdt.require_applicable(state, update)
    document = crdt.load(state, [update])
    whole = crdt.state(document)
    again = crdt.load(whole)
    for form in (ContentFormat.MARKDOWN, ContentFormat.HTML, ContentFormat.TEXT, ContentFormat.JSON):
        assert document_types.render(DocumentType.TEXT, again, form) == document_types.render(DocumentType.TEXT, document, form)
    assert again.vector() == document.vector()
    attribution.spans(DocumentType.TEXT, again)


def fragment_shape(node: Any) -> Any:
    """Elements and letters of a fragment."""
    if isinstance(node, XmlText):
        return "".join(run for run, _ in node.diff() if isinstance(run, str))
    inside = [fragment_shape(child) for child in node.children if isinstance(child, XmlElement | XmlText)]
    return [node.tag, *inside] if isinstance(node, XmlElement) else inside


def oracle_question(state: bytes, update: bytes) -> str:
    """A question to yjs with the answer that is expected."""
    document = crdt.load(state, [update])
    updates = [base64.b64encode(each).decode() for each in (state, update)]
    read = {"shape": fragment_shape(document.get("default", type=XmlFragment)), "text": text_content(document)}
    return json.dumps({"updates": updates, "shape": True, "expected": read})


def text_content(document: crdt.Doc) -> str:
    """The letters of the root `text`."""
    return "".join(run for run, _ in document.get("text", type=Text).diff() if isinstance(run, str))


def main(seed: int, count: int, print_accepted: bool = False) -> None:
    chance = random.Random(seed)
    several = sample_documents(chance)
    taken = refused = 0
    for _ in range(count):
        state, sound = chance.choice(several)
        try:
            data = corrupt_update(chance, sound)
            apply_as_server(state, data)
            taken += 1
            if print_accepted:
                sys.stdout.write(oracle_question(state, data) + "\n")
        except DomainError:
            refused += 1
    sys.stdout.write(f"{taken} {refused}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), "print" in sys.argv)
