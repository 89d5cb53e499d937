"""Presentations: slides in an order, each a rich text of its own.

The root `slides` is a Y.Array of Y.Map{id: string, notes?: string}; the body of a slide is the root XML fragment `slide:{id}`,
which an editor is bound to by its name (TipTap: `Collaboration.configure({ document, field: "slide:…" })`). Bodies are roots,
not values of the map, so that a slide can be moved (its map made anew with the same id) while somebody writes in it. Where an
id comes twice, the first place counts.

As Markdown slides are apart by a line `---`; a rule within a slide is `___`, and notes are a last block `<!-- notes: … -->`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from uuid import uuid4

from pycrdt import Array, Map, XmlFragment

from content import crdt
from content.text import html_writer, markdown_parser, markdown_writer, plain_text, yxml
from content.text.tree import Node, to_json
from domain.errors import LimitExceeded

MAX_SLIDES: Final = 1_000
_SEPARATOR = "---"
_NOTES = re.compile(r"<!-- notes: (.*?) -->\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide; `body` is a tree of blocks."""

    id: str
    body: Node
    notes: str = ""


def read(document: crdt.Doc) -> tuple[Slide, ...]:
    """The slides of a document; what doesn't fit the shape is passed over."""
    slides: dict[str, Slide] = {}
    for entry in document.get("slides", type=Array):
        name = entry.get("id") if isinstance(entry, Map) else None
        if isinstance(name, str) and name not in slides:
            notes = entry.get("notes")
            body = yxml.read(document.get(fragment(name), type=XmlFragment))
            slides[name] = Slide(name, body, notes if isinstance(notes, str) else "")
    return tuple(slides.values())


def write(document: crdt.Doc, slides: Sequence[Slide], *, at: int | None = None) -> None:
    """Inserts slides, by default behind the others. Raises LimitExceeded beyond `MAX_SLIDES`."""
    order = document.get("slides", type=Array)
    if len(order) + len(slides) > MAX_SLIDES:
        raise LimitExceeded(f"A presentation has at most {MAX_SLIDES} slides.", MAX_SLIDES, path=("input", "content"))
    with document.transaction():
        for place, slide in enumerate(slides, len(order) if at is None else at):
            order.insert(place, Map({"id": slide.id, **({"notes": slide.notes} if slide.notes else {})}))
            yxml.write(document.get(fragment(slide.id), type=XmlFragment), slide.body)


def fragment(id: str) -> str:
    """The name of the root that holds a slide's body."""
    return f"slide:{id}"


def new_id() -> str:
    return uuid4().hex[:12]


def to_markdown(slides: Sequence[Slide]) -> str:
    return f"\n{_SEPARATOR}\n\n".join(slide_markdown(slide) for slide in slides)


def slide_markdown(slide: Slide) -> str:
    """One slide with its notes."""
    body = markdown_writer.to_markdown(slide.body)
    if not slide.notes.strip():
        return body
    return body + ("\n" if body else "") + f"<!-- notes: {_escaped_notes(slide.notes)} -->\n"


def from_markdown(text: str) -> tuple[Slide, ...]:
    """Slides with new ids; a text without separators is one slide. Raises TextTooDeep, TooExpensive."""
    return tuple(_slide(part) for part in markdown_parser.parse_parts(text, _SEPARATOR))


def to_html(slides: Sequence[Slide]) -> str:
    return "".join(f'<section data-id="{escape(slide.id)}">{html_writer.to_html(slide.body)}</section>' for slide in slides)


def to_text(slides: Sequence[Slide]) -> str:
    return "\n".join(plain_text.to_text(slide.body) + (slide.notes + "\n" if slide.notes else "") for slide in slides)


def slides_to_json(slides: Sequence[Slide]) -> dict[str, Any]:
    """`{"slides": [{"id": id, "body": ProseMirror document, "notes": string}]}`"""
    return {"slides": [{"id": slide.id, "body": to_json(slide.body), "notes": slide.notes} for slide in slides]}


def _slide(part: markdown_parser.Part) -> Slide:
    notes = _NOTES.fullmatch(part.html)
    body = part.body if notes else part.blocks
    return Slide(new_id(), Node("doc", content=body or (Node("paragraph"),)), _unescaped_notes(notes[1]) if notes else "")


def _escaped_notes(notes: str) -> str:
    """Notes in which nothing ends the comment that they stand in."""
    kept = re.sub(r"--&(?=(?:amp;)*gt;)", "--&amp;", notes.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd"))
    return kept.replace("-->", "--&gt;")


def _unescaped_notes(notes: str) -> str:
    return re.sub(r"--&((?:amp;)*)gt;", lambda found: f"--&{found[1][4:]}gt;" if found[1] else "-->", notes)
