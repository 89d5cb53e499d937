"""Renders Markdown that stands outside of documents, such as descriptions, as HTML.

The work grows with the text: call it through `persistence.documents.worker_pool`.
"""

from content.text import html_writer, markdown_parser


def to_html(text: str) -> str:
    """The text as HTML in which nothing runs a script."""
    return html_writer.to_html(markdown_parser.parse(text))
