"""Breaks updates and gives them to the guard and to scratch copies: run as a program by the fuzz tests, in a process with little memory.

Usage: python -m tests.content.broken SEED COUNT [tell]. Prints how many were taken and how many refused; anything else that happens ends
it. With `tell` each that was taken is printed before, as JSON: its bytes on those of the state, and what the server reads then.
"""

import base64
import json
import random
import sys
from typing import Any

from pycrdt import Array, Map, Text, XmlElement, XmlFragment, XmlText

from content import attribution, crdt, guard, kind
from content.nesting import Nesting
from content.structs import parse
from domain.document.kind import ContentFormat, DocumentType
from domain.errors import DomainError
from tests.content.encoding import item, nested, number, text, update

SEEDS = 60


def documents(chance: random.Random) -> list[tuple[bytes, list[bytes]]]:
    """States with updates that several people made from them."""
    found = []
    for _ in range(SEEDS):
        base = kind.compose(DocumentType.TEXT, "# Title\n\nSome *words* é😀\n\n- one\n- two\n\n| a | b |\n| - | - |\n| c | d |\n")
        found.append((base, [change for client in (1, 2) for change in _changes(base, client, chance)]))
    return found


def _changes(base: bytes, client: int, chance: random.Random) -> list[bytes]:
    document = crdt.load(base, client_id=client)
    updates: list[bytes] = []
    heard = document.observe(lambda event: updates.append(event.update))
    for _ in range(4):
        _write(document, chance)
    document.unobserve(heard)
    return updates


def _write(document: crdt.Doc, chance: random.Random) -> None:
    fragment = document.get("default", type=XmlFragment)
    match chance.randrange(6):
        case 0:
            written = fragment.children[0].children[0]
            assert isinstance(written, XmlText)
            written.insert(chance.randrange(len(written) + 1), "né", {"bold": {"a": [1, {"b": None}]}})
        case 1:
            fragment.children.insert(0, XmlElement("paragraph", {"level": "1"}, [XmlText("new")]))
        case 2:
            if len(fragment.children) > 1:
                del fragment.children[chance.randrange(1, len(fragment.children))]
        case 3:
            document.get("map", type=Map)["key"] = Map({"list": Array([1, "two", b"3", None, {"four": 4.5}])})
        case 4:
            document.get("text", type=Text).insert_embed(0, {"image": "x"})
        case _:
            written = fragment.children[0].children[0]
            assert isinstance(written, XmlText)
            written.format(0, 2, {"italic": {}})


def broken(chance: random.Random, sound: list[bytes]) -> bytes:
    """An update with a few bytes changed, spliced with another, or made up from structs that may refer anywhere."""
    data = bytearray(chance.choice(sound))
    match chance.randrange(5):
        case 0 | 1:
            for _ in range(chance.randint(1, 3)):
                data[chance.randrange(len(data))] = chance.choice([0, 1, 2, 3, 4, 7, 8, 9, 127, 128, 255, chance.randrange(256)])
        case 2:
            other = chance.choice(sound)
            at = chance.randrange(len(data))
            data = data[:at] + other[chance.randrange(len(other)) :]
        case 3:
            at = chance.randrange(len(data))
            data = data[:at] + bytes(chance.randrange(256) for _ in range(chance.randrange(4))) + data[at + chance.randrange(3) :]
        case _:
            return _made_up(chance)
    return bytes(data)


def _made_up(chance: random.Random) -> bytes:
    if chance.random() < 0.02:
        return nested(chance.choice([10, 64, 65, 500, 20_000]))
    contents = [
        (4, text("abc")),
        (6, text("bold") + text("{}")),
        (6, text("bold") + text("null")),
        (7, number(3) + text("p")),
        (7, number(6)),
        (7, number(chance.randrange(8))),
        (8, b"\1" + b"\x75\1" * chance.choice([1, 5, 60, 70]) + b"\x7e"),
        (1, number(chance.randint(1, 9))),
        (5, text('{"a":1}')),
        (2, number(1) + text("1")),
        (3, number(2) + b"ab"),
    ]
    structs = []
    for _ in range(chance.randint(1, 5)):
        content, data = chance.choice(contents)
        somewhere = (chance.choice([1, 2, 9]), chance.randrange(12))
        place = chance.randrange(3)
        roots = ["default", "text", "map", "new"]
        structs.append(
            item(
                content,
                data,
                root=chance.choice(roots),
                after=somewhere if place == 0 else None,
                within=somewhere if place == 1 else None,
            )
        )
    deletes = (
        b"\0" if chance.random() < 0.7 else b"\1" + number(chance.choice([1, 2, 9])) + b"\1" + number(chance.randrange(9)) + b"\3"
    )
    return update(structs, client=chance.choice([9, 1, 7]), clock=chance.choice([0, 0, 3]), deletes=deletes)


def take(state: bytes, data: bytes) -> None:
    """What a room does with an update, and what a reader does with the document. Raises DomainError where it is refused."""
    said = guard.check(data)
    nesting = Nesting()
    nesting.admit(parse(state))
    nesting.admit(said)
    guard.applies(state, data)
    document = crdt.load(state, [data])
    whole = crdt.state(document)
    again = crdt.load(whole)
    for form in (ContentFormat.MARKDOWN, ContentFormat.HTML, ContentFormat.TEXT, ContentFormat.JSON):
        assert kind.render(DocumentType.TEXT, again, form) == kind.render(DocumentType.TEXT, document, form)
    assert again.vector() == document.vector()
    attribution.spans(DocumentType.TEXT, again)


def shape(node: Any) -> Any:
    """Elements and letters of a fragment."""
    if isinstance(node, XmlText):
        return "".join(run for run, _ in node.diff() if isinstance(run, str))
    inside = [shape(child) for child in node.children if isinstance(child, XmlElement | XmlText)]
    return [node.tag, *inside] if isinstance(node, XmlElement) else inside


def told(state: bytes, data: bytes) -> str:
    """A question to yjs with the answer that is expected."""
    document = crdt.load(state, [data])
    updates = [base64.b64encode(each).decode() for each in (state, data)]
    read = {"shape": shape(document.get("default", type=XmlFragment)), "text": shape_of_text(document)}
    return json.dumps({"updates": updates, "shape": True, "expected": read})


def shape_of_text(document: crdt.Doc) -> str:
    """The letters of the root `text`."""
    return "".join(run for run, _ in document.get("text", type=Text).diff() if isinstance(run, str))


def main(seed: int, count: int, tell: bool = False) -> None:
    chance = random.Random(seed)
    several = documents(chance)
    taken = refused = 0
    for _ in range(count):
        state, sound = chance.choice(several)
        try:
            data = broken(chance, sound)
            take(state, data)
            taken += 1
            if tell:
                sys.stdout.write(told(state, data) + "\n")
        except DomainError:
            refused += 1
    sys.stdout.write(f"{taken} {refused}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), "tell" in sys.argv)
