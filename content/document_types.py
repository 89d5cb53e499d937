"""Renders and parses the content of documents, whatever their type."""

import re

import orjson
from pycrdt import XmlFragment

from content import crdt, presentation, spreadsheet, table_text
from content.text import html_writer, markdown_parser, markdown_writer, plain_text, yxml
from content.text.tree import Node, to_json
from domain.document.kind import ContentFormat, DocumentType
from domain.errors import Invalid, Path

_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def render(type: DocumentType, document: crdt.Doc, format: ContentFormat) -> str:
    """Renders the content of a document as text; for the CRDT itself see `crdt.state`.

    Markdown and text end with a line break unless they are empty; JSON is ProseMirror's for a text, and else the shape that the
    type's module tells. Where a log from before the guard refused it holds U+0000, U+FFFD stands for it, as in CommonMark:
    Postgres stores none.
    """
    text = _rendered(type, document, format)
    if format is ContentFormat.JSON:
        return _ESCAPED_NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
    return text.replace("\0", "\ufffd")


def _rendered(type: DocumentType, document: crdt.Doc, format: ContentFormat) -> str:
    match type:
        case DocumentType.TEXT:
            return _text(read_tree(document), format)
        case DocumentType.SPREADSHEET:
            return _spreadsheet(spreadsheet.read(document), format)
        case DocumentType.PRESENTATION:
            return _presentation(presentation.read(document), format)


def parse(type: DocumentType, text: str) -> bytes:
    """Returns the update that makes an empty document hold this text: Markdown; for a spreadsheet a Markdown table or CSV.

    Raises Invalid, LimitExceeded.
    """
    require_whole_characters(text)
    if type is DocumentType.SPREADSHEET:
        return spreadsheet.encode(table_text.from_markdown(text))
    document = crdt.Doc()
    match type:
        case DocumentType.TEXT:
            yxml.write(document.get(yxml.ROOT, type=XmlFragment), markdown_parser.parse(text))
        case DocumentType.PRESENTATION:
            presentation.write(document, presentation.from_markdown(text))
    return crdt.state(document)


def require_whole_characters(text: str, path: Path = ("input", "content")) -> None:
    """Raises Invalid where a text holds half a surrogate pair: it has no encoding, and cannot be stored."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Invalid(path, "The text holds half of a surrogate pair.") from error


def read_tree(document: crdt.Doc) -> Node:
    """Reads the rich text of a TEXT document."""
    return yxml.read(document.get(yxml.ROOT, type=XmlFragment))


def _text(doc: Node, format: ContentFormat) -> str:
    match format:
        case ContentFormat.MARKDOWN:
            return markdown_writer.to_markdown(doc)
        case ContentFormat.HTML:
            return html_writer.to_html(doc)
        case ContentFormat.TEXT:
            return plain_text.to_text(doc)
        case ContentFormat.JSON:
            return orjson.dumps(to_json(doc)).decode()
    raise ValueError(format)


def _spreadsheet(grid: spreadsheet.Grid, format: ContentFormat) -> str:
    match format:
        case ContentFormat.MARKDOWN:
            return table_text.to_markdown(grid.cells)
        case ContentFormat.HTML:
            return spreadsheet.to_html(grid)
        case ContentFormat.TEXT:
            return spreadsheet.to_plain_text(grid)
        case ContentFormat.JSON:
            return orjson.dumps(spreadsheet.to_json(grid)).decode()
    raise ValueError(format)


def _presentation(slides: tuple[presentation.Slide, ...], format: ContentFormat) -> str:
    match format:
        case ContentFormat.MARKDOWN:
            return presentation.to_markdown(slides)
        case ContentFormat.HTML:
            return presentation.to_html(slides)
        case ContentFormat.TEXT:
            return presentation.to_text(slides)
        case ContentFormat.JSON:
            return orjson.dumps(presentation.slides_to_json(slides)).decode()
    raise ValueError(format)
