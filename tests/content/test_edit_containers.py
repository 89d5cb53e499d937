"""What Markdown has no sign for is left as it is when a text replaces a document: containers, atoms, attributes, marks, depth."""

import pytest
from pycrdt import XmlElement, XmlFragment, XmlText

from content import crdt, document_types, edit
from content.errors import TextTooDeep
from content.text import yxml
from content.text.tree import Mark, Node, text_run, to_json
from domain.document.kind import ContentFormat, DocumentType

TEXT = DocumentType.TEXT


def block(name: str, *content: Node | str, **attrs: object) -> Node:
    return Node(name, attrs, tuple(text_run(each) if isinstance(each, str) else each for each in content))


def paragraph(text: str) -> Node:
    return block("paragraph", text)


def holding(*blocks: Node) -> crdt.Doc:
    document = crdt.Doc()
    yxml.write(document.get(yxml.ROOT, type=XmlFragment), Node("doc", content=blocks))
    return document


def text_of(document: crdt.Doc) -> str:
    return document_types.render(TEXT, document, ContentFormat.MARKDOWN)


CALLOUT = block("callout", paragraph("inside"), kind="warn")
DETAILS = block("details", block("detailsSummary", "sum"), block("detailsContent", paragraph("body")), open=True)
COLUMNS = block("columns", block("column", paragraph("left")), block("column", paragraph("right")))
FIGURE = block("figure", Node("image", {"src": "i.png"}), block("figcaption", "caption"))
HELD = {
    "a callout": [CALLOUT],
    "details": [DETAILS],
    "columns": [COLUMNS],
    "a figure": [FIGURE],
    "callouts in a callout": [block("callout", CALLOUT, paragraph("more"), CALLOUT)],
    "a callout in a quote": [block("blockquote", paragraph("a"), CALLOUT)],
    "a callout in an item": [block("bulletList", block("listItem", paragraph("a"), CALLOUT))],
    "lists in callouts": [block("callout", block("bulletList", block("listItem", paragraph("a")))), CALLOUT],
    "an unknown atom": [block("embed", url="x"), paragraph("a"), block("embed", url="y")],
    "an atom in a line": [block("paragraph", "a", Node("emoji", {"name": "smile"}), "b")],
    "an unknown element in a line": [block("paragraph", "a ", block("tag", "tagged"), " b")],
    "a picture in a line": [block("paragraph", "a ", Node("image", {"src": "i.png"}), " b")],
    "a table with spans": [
        block(
            "table",
            block("tableRow", block("tableHeader", paragraph("a"), colspan=2)),
            block("tableRow", block("tableCell", paragraph("b")), block("tableCell", paragraph("c"))),
        )
    ],
    "a list in a cell": [
        block("table", block("tableRow", block("tableCell", block("bulletList", block("listItem", paragraph("a"))))))
    ],
    "empty paragraphs": [
        block("paragraph"),
        paragraph("a"),
        block("paragraph"),
        block("paragraph"),
        paragraph("b"),
        block("paragraph"),
    ],
    "a link that runs a script": [block("paragraph", text_run("a", [Mark("link", {"href": "javascript:x"})]))],
}


@pytest.mark.parametrize("what", HELD)
def test_the_text_that_was_read_changes_nothing(what: str) -> None:
    document = holding(paragraph("first"), *HELD[what], paragraph("last"))
    assert edit.replace_all(TEXT, crdt.state(document), text_of(document)) == crdt.EMPTY


@pytest.mark.parametrize("what", HELD)
def test_a_change_elsewhere_leaves_it_to_the_last_attribute(what: str) -> None:
    document = holding(paragraph("first"), *HELD[what], paragraph("last"))
    before = document_types.read_tree(document).content
    text = text_of(document)
    document.apply(edit.replace_all(TEXT, crdt.state(document), "New.\n\n" + text.replace("first", "initial") + "\nAlso new.\n"))
    after = document_types.read_tree(document).content
    assert after[2:-2] == before[1:-1]
    assert text_of(document) == "New.\n\n" + text.replace("first", "initial") + "\nAlso new.\n"


def test_words_within_containers_change_where_they_stand() -> None:
    document = holding(CALLOUT, DETAILS, COLUMNS, FIGURE)
    text = text_of(document)
    for word, other in (("inside", "within"), ("sum", "summary"), ("body", "text"), ("left", "port"), ("caption", "title")):
        text = text.replace(word, other)
    document.apply(edit.replace_all(TEXT, crdt.state(document), text))
    assert document_types.read_tree(document).content == (
        block("callout", paragraph("within"), kind="warn"),
        block("details", block("detailsSummary", "summary"), block("detailsContent", paragraph("text")), open=True),
        block("columns", block("column", paragraph("port")), block("column", paragraph("right"))),
        block("figure", Node("image", {"src": "i.png"}), block("figcaption", "title")),
    )


def test_a_block_between_two_of_a_container_stands_in_it_and_one_beside_it_outside() -> None:
    document = holding(block("callout", paragraph("one"), paragraph("two"), kind="warn"))
    document.apply(edit.replace_all(TEXT, crdt.state(document), "Before.\n\none\n\nBetween.\n\ntwo\n\nBehind.\n"))
    assert document_types.read_tree(document).content == (
        paragraph("Before."),
        block("callout", paragraph("one"), paragraph("Between."), paragraph("two"), kind="warn"),
        paragraph("Behind."),
    )


def test_a_container_goes_with_all_that_was_in_it_and_only_then() -> None:
    document = holding(paragraph("first"), COLUMNS, paragraph("last"))
    base = crdt.state(document)
    document.apply(edit.replace_all(TEXT, base, "first\n\nleft\n\nlast\n"))
    assert document_types.read_tree(document).content[1] == block(
        "columns", block("column", paragraph("left")), block("column", block("paragraph"))
    )
    document.apply(edit.replace_all(TEXT, crdt.state(document), "first\n\nlast\n"))
    assert document_types.read_tree(document).content == (paragraph("first"), paragraph("last"))


def test_an_atom_in_a_line_stays_while_the_words_around_it_change() -> None:
    document = holding(block("paragraph", "one ", Node("emoji", {"name": "smile"}), "two ", block("tag", "three"), " four"))
    document.apply(edit.replace_all(TEXT, crdt.state(document), "uno two tres **four**\n"))
    assert document_types.read_tree(document).content == (
        block(
            "paragraph",
            "uno ",
            Node("emoji", {"name": "smile"}),
            "two ",
            block("tag", "tres"),
            " ",
            text_run("four", [Mark("bold")]),
        ),
    )


def test_words_are_found_and_replaced_across_what_markdown_does_not_show() -> None:
    document = holding(block("callout", block("paragraph", "one tw", Node("emoji", {"name": "smile"}), "o three")))
    document.apply(edit.find_and_replace(TEXT, crdt.state(document), "two", "2"))
    assert text_of(document) == "one 2 three\n"
    assert [node.type for node in document_types.read_tree(document).walk()].count("emoji") == 1


def test_an_embed_within_a_text_stays_and_counts_for_nothing() -> None:
    document = crdt.Doc()
    fragment = document.get(yxml.ROOT, type=XmlFragment)
    written = fragment.children.append(XmlElement("paragraph", {}, [XmlText("héllo world")])).children[0]
    assert isinstance(written, XmlText)
    written.insert_embed(7, {"image": "x"})
    state = crdt.state(document)
    document.apply(edit.replace_all(TEXT, state, "hallo wörld!\n"))
    assert [run for run, _ in written.diff() if isinstance(run, str)] == ["hallo ", "wörld!"]
    assert len([run for run, _ in written.diff() if not isinstance(run, str)]) == 1


def test_a_document_that_is_too_deep_to_be_read_again_is_left_as_it_is() -> None:
    deep = paragraph("deep")
    for _ in range(60):
        deep = block("blockquote", deep)
    document = holding(paragraph("first"), deep)
    text, state = text_of(document), crdt.state(document)
    assert edit.replace_all(TEXT, state, text) == crdt.EMPTY
    with pytest.raises(TextTooDeep):
        edit.replace_all(TEXT, state, text.replace("first", "initial"))


def test_columns_come_and_go_without_a_cell_being_written_anew() -> None:
    document = crdt.load(document_types.parse(TEXT, "| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n"))
    state = crdt.state(document)
    live = crdt.load(state)
    table = live.get(yxml.ROOT, type=XmlFragment).children[0]
    cell = table.children[1].children[2].children[0].children[0]
    assert isinstance(cell, XmlText)
    cell.insert(1, "!")
    wanted = "| a | c | d |\n| --- | :---: | --- |\n| 1 | 3 | 4 |\n"
    live.apply(
        edit.replace_all(
            TEXT, state, wanted.replace(" c | d |", " c |").replace(":---: | --- |", ":---: |").replace(" 3 | 4 |", " 3 |")
        )
    )
    assert text_of(live) == "| a | c |\n| --- | :---: |\n| 1 | 3! |\n"
    live.apply(edit.replace_all(TEXT, crdt.state(live), wanted.replace("3", "3!")))
    assert text_of(live) == wanted.replace("3", "3!")
    aligned = [row["content"][1]["attrs"]["align"] for row in to_json(document_types.read_tree(live))["content"][0]["content"]]
    assert aligned == ["center", "center"]


def test_text_is_added_before_the_empty_paragraphs_at_the_end() -> None:
    document = holding(paragraph("a"), block("paragraph"))
    document.apply(edit.append(TEXT, crdt.state(document), "b\n"))
    assert document_types.read_tree(document).content == (paragraph("a"), paragraph("b"), block("paragraph"))
