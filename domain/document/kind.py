"""What kinds of documents there are, and in which forms their content can be had."""

from enum import StrEnum


class DocumentType(StrEnum):
    """What a document's content is made of."""

    TEXT = "TEXT"
    SPREADSHEET = "SPREADSHEET"
    PRESENTATION = "PRESENTATION"


class ContentFormat(StrEnum):
    """A form that content can be read in; CRDT is the Yjs state itself, encoding V1."""

    MARKDOWN = "MARKDOWN"
    HTML = "HTML"
    TEXT = "TEXT"
    JSON = "JSON"
    CRDT = "CRDT"
