"""What holds for every rich text: Markdown of what was read from Markdown is the same, and Yjs gives back the tree that was written."""

import pytest
from hypothesis import given, settings
from pycrdt import XmlFragment

from content import crdt, guard
from content.text import html_writer, markdown_parser, markdown_writer, plain_text, yxml
from content.text.tree import Node
from tests.support.document_trees import DOCUMENTS

pytestmark = pytest.mark.slow

EXAMPLES = settings(max_examples=40, deadline=None)


@EXAMPLES
@given(DOCUMENTS)
def test_markdown_read_and_written_again_is_the_same(tree: Node) -> None:
    first = markdown_writer.to_markdown(tree)
    second = markdown_writer.to_markdown(markdown_parser.parse(first))  # breaks at the rims of a cell are no text
    assert markdown_writer.to_markdown(markdown_parser.parse(second)) == second


@EXAMPLES
@given(DOCUMENTS)
def test_markdown_keeps_the_words(tree: Node) -> None:
    def letters(node: Node) -> str:
        return "".join(character for character in plain_text.to_text(node) if character.isalnum() and character.isascii())

    kept = Node("doc", content=tuple(block for block in tree.content if block.type != "codeBlock"))
    assert letters(markdown_parser.parse(markdown_writer.to_markdown(kept))) == letters(kept)


@EXAMPLES
@given(DOCUMENTS)
def test_yjs_gives_back_the_tree(tree: Node) -> None:
    document = crdt.Doc()
    yxml.write(document.get(yxml.ROOT, type=XmlFragment), tree)
    update = crdt.state(document)
    guard.check(update)
    assert yxml.read(crdt.load(update).get(yxml.ROOT, type=XmlFragment)) == tree


@EXAMPLES
@given(DOCUMENTS)
def test_html_runs_no_script(tree: Node) -> None:
    written = html_writer.to_html(tree)
    assert "javascript:" not in written.split(">", 1)[0]
    assert 'href="javascript' not in written
