"""Merges text from outside into a live document.

The caller read the document at some position, the base, and sends text. The change is made on a copy of the *base*, as small as
possible, and results in a Yjs update like any client's: applied to the live document, which has everything that the base had,
it merges with concurrent edits by the rules of Yjs. (Rejected: to find the place of each change in the live text by its
context. That guesses where Yjs knows.) What somebody deleted meanwhile stays deleted, also where the text from outside edits
it.

Blocks are compared by their Markdown, so whatever Markdown can't say (widths, colours, containers, unknown nodes) makes no
difference and is left as it is; a changed block is matched with its successor of the same kind and changed within: attributes,
formatting, then words. A block that was moved is deleted and inserted. The same text changes nothing, even where it could not be
read again because it nests too deep.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pycrdt import Array, Map, XmlFragment

from content import crdt, document_types, presentation, spreadsheet
from content.alignment import gaps, matches
from content.errors import TextNotFound
from content.guard import MAX_DOCUMENT_BYTES
from content.spreadsheet_edit import replace_cells, replace_in_cells, restore_cells
from content.text import markdown_parser, yxml
from content.text.patch_blocks import patch_blocks
from content.text.patch_inline import text_groups
from content.text.patch_text import replace_in
from content.text.text_group import Formatted
from content.text.tree import Node
from domain.document.kind import ContentFormat, DocumentType
from domain.errors import Invalid, LimitExceeded, Path

_REPLACE: Path = ("input", "replaceWith")
_EMPTY = "paragraph"


def replace_all(type: DocumentType, base: bytes, text: str) -> bytes:
    """Returns the update that turns the base into this text, to be applied to the live document. Raises Invalid, LimitExceeded.

    `base` is the state that the caller read. Empty (`crdt.EMPTY`) where nothing changes.
    """
    document_types.require_whole_characters(text, ("input", "replaceAll"))

    def change(document: crdt.Doc) -> None:
        if _is_same(text, document_types.render(type, document, ContentFormat.MARKDOWN)):
            return  # even where the text could not be read again: it nests too deep
        match type:
            case DocumentType.TEXT:
                patch_blocks(document.get(yxml.ROOT, type=XmlFragment), markdown_parser.parse(text).content)
            case DocumentType.SPREADSHEET:
                replace_cells(document, text)
            case DocumentType.PRESENTATION:
                _replace_slides(document, text)

    return _changed(base, change)


def restore(type: DocumentType, live: bytes, version: bytes) -> bytes:
    """Returns the update that makes a live state exactly what a version held, with all that Markdown cannot say.

    What was written since is deleted by it, not lost: the log and later versions have it. Raises LimitExceeded.
    """
    other = crdt.load(version)

    def change(document: crdt.Doc) -> None:
        match type:
            case DocumentType.TEXT:
                patch_blocks(document.get(yxml.ROOT, type=XmlFragment), document_types.read_tree(other).content, exact=True)
            case DocumentType.SPREADSHEET:
                restore_cells(document, spreadsheet.read(other))
            case DocumentType.PRESENTATION:
                _restore_slides(document, presentation.read(other))

    return _changed(live, change)


def append(type: DocumentType, live: bytes, text: str) -> bytes:
    """Returns the update that appends text: blocks, rows or slides. Raises Invalid, LimitExceeded."""
    document_types.require_whole_characters(text, ("input", "append"))

    def change(document: crdt.Doc) -> None:
        match type:
            case DocumentType.TEXT:
                _append_blocks(document.get(yxml.ROOT, type=XmlFragment), markdown_parser.parse(text))
            case DocumentType.SPREADSHEET:
                replace_cells(document, text, append=True)
            case DocumentType.PRESENTATION:
                presentation.write(document, presentation.from_markdown(text))

    return _changed(live, change)


def find_and_replace(type: DocumentType, live: bytes, find: str, replacement: str) -> bytes:
    """Returns the update that replaces a text wherever it occurs. Raises TextNotFound, Invalid, LimitExceeded.

    Searches plain text within single blocks first, where the replacement takes the formatting of what it replaces and adds its
    own; then the Markdown of the document, across blocks.
    """
    if not find:
        raise Invalid(("input", "find"), "A text to look for is needed.")
    document_types.require_whole_characters(find, ("input", "find"))
    document_types.require_whole_characters(replacement, _REPLACE)
    document = crdt.load(live)
    if type is DocumentType.SPREADSHEET:

        def change(copy: crdt.Doc) -> None:
            if not replace_in_cells(copy, find, replacement):
                raise TextNotFound

        return _changed(live, change)
    runs = _runs(replacement)
    stands = _stands(type, document, find)
    _bound(stands, replacement)
    if runs is not None and stands:
        return _changed(live, lambda copy: _replace_words(type, copy, find, runs))
    whole = document_types.render(type, document, ContentFormat.MARKDOWN)
    if find in whole:
        _bound(whole.count(find), replacement)
        return replace_all(type, live, whole.replace(find, replacement))
    if stands:
        raise Invalid(_REPLACE, "A part of a line can only be replaced by a part of a line.")
    raise TextNotFound


def _is_same(text: str, rendered: str) -> bool:
    """Returns whether a text is what the document says; transport may change the ends of lines."""
    return text.replace("\r\n", "\n").strip("\n") == rendered.strip("\n")


def _changed(state: bytes, change: Callable[[crdt.Doc], None]) -> bytes:
    document = crdt.load(state)
    before = crdt.state_vector(document)
    heard: list[bytes] = []
    subscription = document.observe(lambda event: heard.append(event.update))
    with document.transaction():
        change(document)
    document.unobserve(subscription)
    if not heard:
        return crdt.EMPTY
    return heard[0] if len(heard) == 1 else crdt.difference(document, before)


def _fragments(type: DocumentType, document: crdt.Doc) -> list[XmlFragment]:
    if type is DocumentType.TEXT:
        return [document.get(yxml.ROOT, type=XmlFragment)]
    return [document.get(presentation.fragment(slide.id), type=XmlFragment) for slide in presentation.read(document)]


def _runs(replacement: str) -> list[Formatted] | None:
    """The replacement as formatted text with the white space at its ends, None where it is more than that."""
    core = replacement.strip()
    if not core:
        return [Formatted(replacement)]
    nodes = markdown_parser.parse_inline(core)
    if nodes is None or any(node.text is None for node in nodes):
        return None
    start = replacement.index(core)
    parts = [Formatted(replacement[:start]), *(Formatted(node.text or "", node.marks) for node in nodes)]
    return [part for part in (*parts, Formatted(replacement[start + len(core) :])) if part.text]


def _replace_words(type: DocumentType, document: crdt.Doc, find: str, runs: list[Formatted]) -> None:
    for fragment in _fragments(type, document):
        for group in text_groups(fragment):
            replace_in(group, find, runs)


def _bound(times: int, replacement: str) -> None:
    if times * len(replacement) > MAX_DOCUMENT_BYTES:
        raise LimitExceeded("The document would become too large.", MAX_DOCUMENT_BYTES, path=_REPLACE)


def _stands(type: DocumentType, document: crdt.Doc, find: str) -> int:
    """Counts a text within single stretches of characters, as `replace_in` finds it."""
    return sum(group.text.count(find) for fragment in _fragments(type, document) for group in text_groups(fragment))


def _append_blocks(fragment: XmlFragment, tree: Node) -> None:
    """Inserts behind the last block, before the empty paragraphs that editors keep at the end; a lone one is replaced."""
    there = yxml.read_children(fragment)
    end = len(there)
    while end and there[end - 1].type == _EMPTY and not there[end - 1].content:
        end -= 1
    is_new = not end and len(there) == 1
    yxml.insert(fragment, end, tree.content)
    if is_new:
        del fragment.children[len(tree.content)]


def _restore_slides(document: crdt.Doc, wanted: Sequence[presentation.Slide]) -> None:
    """Restores slides by their ids; those that were deleted are inserted again, with their bodies, which are roots of their
    own.
    """
    slides: Array[Map[Any]] = document.get("slides", type=Array)
    held = presentation.read(document)
    ids = [slide.id for slide in held]
    kept = frozenset(
        ids[at] for here, _, length in matches(ids, [slide.id for slide in wanted]) for at in range(here, here + length)
    )
    names = [entry.get("id") if isinstance(entry, Map) else None for entry in slides]
    first = {name: at for at, name in reversed(list(enumerate(names)))}
    for at, name in reversed(list(enumerate(names))):
        if name not in kept or first[name] != at:
            del slides[at]
    for at, slide in enumerate(wanted):
        if slide.id not in kept:
            slides.insert(at, Map({"id": slide.id, **({"notes": slide.notes} if slide.notes else {})}))
        elif (slides[at].get("notes") or "") != slide.notes:
            slides[at]["notes"] = slide.notes
        patch_blocks(document.get(presentation.fragment(slide.id), type=XmlFragment), slide.body.content, exact=True)


def _replace_slides(document: crdt.Doc, text: str) -> None:
    """Matches slides like blocks: the same Markdown is the same slide, and those between two such are changed in turn."""
    old, new = presentation.read(document), presentation.from_markdown(text)
    slides: Array[Map[str]] = document.get("slides", type=Array)
    rendered = [presentation.slide_markdown(slide) for slide in old]
    for start, end, begin, stop in reversed(gaps(rendered, [presentation.slide_markdown(slide) for slide in new])):
        both = min(end - start, stop - begin)
        places = {slide["id"]: at for at, slide in reversed(list(enumerate(slides)))}
        behind = places[old[start + both - 1].id] + 1 if start + both else 0
        for slide in reversed(old[start + both : end]):
            del slides[places[slide.id]]
        presentation.write(document, new[begin + both : stop], at=behind)
        for here, there in zip(old[start : start + both], new[begin : begin + both], strict=True):
            patch_blocks(document.get(presentation.fragment(here.id), type=XmlFragment), there.body.content)
            if here.notes != there.notes:
                slides[places[here.id]]["notes"] = there.notes
