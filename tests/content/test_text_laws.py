"""What holds for every rich text: written as Markdown and read again it is the same, and Yjs gives back the tree that was
written.
"""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pycrdt import XmlFragment

from content import crdt, document_types, edit, guard
from content.text import html_writer, markdown_parser, markdown_writer, plain_text, yxml
from content.text.patch_blocks import patch_blocks
from content.text.tree import CODE_LINK, Mark, Node, text_run
from domain.document.kind import ContentFormat, DocumentType
from tests.support.document_trees import BEYOND_SCHEMA, DOCUMENTS, SAYABLE, without_rims
from tests.support.examples import examples

pytestmark = pytest.mark.slow

TEXT = DocumentType.TEXT
EXAMPLES = examples(12, many=1_000)


def holding(tree: Node) -> crdt.Doc:
    document = crdt.Doc()
    yxml.write(document.get(yxml.ROOT, type=XmlFragment), tree)
    return document


@EXAMPLES
@given(SAYABLE)
def test_what_markdown_can_say_is_the_same_when_it_is_read_again(tree: Node) -> None:
    whole = without_rims(tree)
    assert markdown_parser.parse(markdown_writer.to_markdown(whole)) == whole


HIGHLIGHTED_COMMENT = Node("paragraph", content=(text_run("<!-- x -->", (Mark("highlight", {"color": "red"}),)),))


@EXAMPLES
@given(DOCUMENTS)
@example(Node("doc", content=(Node("bulletList", content=(Node("listItem", content=(HIGHLIGHTED_COMMENT,)),)),)))
@example(Node("doc", content=(HIGHLIGHTED_COMMENT, Node("blockquote", content=(HIGHLIGHTED_COMMENT,)))))
def test_markdown_read_and_written_again_is_the_same(tree: Node) -> None:
    first = markdown_writer.to_markdown(tree)
    read = markdown_parser.parse(first)
    assert markdown_writer.to_markdown(read) == first
    assert markdown_parser.parse(markdown_writer.to_markdown(read)) == read


def paragraphs_of(text: str) -> list[Node]:
    """Paragraphs that say a text, with marks that Markdown does not have and without, in one line and in two."""
    marked = (Mark("highlight", {"color": "red"}),)
    runs: list[tuple[Node, ...]] = [(text_run(text),), (text_run(text, marked),), (Node("unknown", content=(text_run(text),)),)]
    runs += [(text_run(text[:5], marks), Node("hardBreak"), text_run(text[5:] + "y")) for marks in ((), marked)]
    runs += [(text_run(text), Node("hardBreak"), text_run(text, marked))]
    return [Node("paragraph", content=each) for each in runs]


def holders_of(paragraph: Node) -> list[Node]:
    """Blocks that begin with a paragraph."""
    cells = Node("tableRow", content=(Node("tableHeader", content=(paragraph,)),) * 2)
    task = Node("taskItem", {"checked": True}, (paragraph,))
    item = Node("listItem", content=(paragraph, Node("bulletList", content=(Node("listItem", content=(paragraph,)),))))
    return [
        paragraph,
        Node("bulletList", content=(item, item)),
        Node("orderedList", content=(item,)),
        Node("taskList", content=(task, task)),
        Node("blockquote", content=(paragraph, paragraph)),
        Node("heading", {"level": 2}, paragraph.content),
        Node("table", content=(cells, cells)),
    ]


_LIKE_HTML = ["<!-- x -->", "\t<!-- x --> ", "<!-- * [ -->", "<!-- - -->", "<!--->", "<!-->", "<!-- -->", "<!-- notes: x -->"]
_LIKE_HTML += ["<!-- x", "<!-- a --> b", "<!-- a --><!-- b -->", "\\<!-- x -->", "<div>", "</div", "<script>", "<?x ?>", "<!X>"]


@pytest.mark.parametrize("text", _LIKE_HTML)
def test_what_looks_like_html_is_the_same_when_it_is_read_again(text: str) -> None:
    for paragraph in paragraphs_of(text):
        for holder in holders_of(paragraph):
            first = markdown_writer.to_markdown(Node("doc", content=(holder,)))
            read = markdown_parser.parse(first)
            assert markdown_writer.to_markdown(read) == first
            shown, wanted = (plain_text.to_text(each) for each in (read, Node("doc", content=(holder,))))
            assert "".join(shown.split()) == "".join(wanted.split())


@EXAMPLES
@given(DOCUMENTS)
def test_markdown_keeps_the_words(tree: Node) -> None:
    def letters(node: Node) -> str:
        return "".join(character for character in plain_text.to_text(node) if character.isalnum() and character.isascii())

    kept = Node("doc", content=tuple(block for block in tree.content if block.type != "codeBlock"))
    assert letters(markdown_parser.parse(markdown_writer.to_markdown(kept))) == letters(kept)


@EXAMPLES
@given(BEYOND_SCHEMA)
def test_yjs_gives_back_the_tree(tree: Node) -> None:
    update = crdt.state(holding(tree))
    guard.check(update)
    assert yxml.read(crdt.load(update).get(yxml.ROOT, type=XmlFragment)) == tree


@EXAMPLES
@given(DOCUMENTS)
def test_html_runs_no_script(tree: Node) -> None:
    written = html_writer.to_html(tree)
    assert "javascript:" not in written.split(">", 1)[0]
    assert 'href="javascript' not in written


@EXAMPLES
@given(BEYOND_SCHEMA)
def test_the_same_text_changes_nothing_whatever_the_document_holds(tree: Node) -> None:
    document = holding(tree)
    text = document_types.render(TEXT, document, ContentFormat.MARKDOWN)
    assert edit.replace_all(TEXT, crdt.state(document), text) == crdt.EMPTY
    # Nor where blocks are compared one by one, as they are when something else differs.
    before = crdt.state(document)
    with document.transaction():
        patch_blocks(document.get(yxml.ROOT, type=XmlFragment), markdown_parser.parse(text).content)
    assert crdt.state(document) == before


def unknown(tree: Node) -> list[str]:
    names = ("callout", "details", "detailsSummary", "detailsContent", "columns", "column", "figure", "figcaption")
    return [node.type for node in tree.walk() if node.type in (*names, "embed", "emoji", "math", "tag")]


@EXAMPLES
@given(BEYOND_SCHEMA, st.integers(0, 4))
def test_a_new_paragraph_leaves_all_that_markdown_cannot_say(tree: Node, at: int) -> None:
    document = holding(tree)
    blocks = list(markdown_parser.parse(document_types.render(TEXT, document, ContentFormat.MARKDOWN)).content)
    at = min(at, len(blocks))
    blocks.insert(at, markdown_parser.parse("Xenon zirconium.").content[0])
    wanted = markdown_writer.to_markdown(Node("doc", content=tuple(blocks)))
    document.apply(edit.replace_all(TEXT, crdt.state(document), wanted))
    assert document_types.render(TEXT, document, ContentFormat.MARKDOWN) == wanted
    assert unknown(document_types.read_tree(document)) == unknown(tree)


def crowded_codes(document: crdt.Doc) -> list[tuple[str, ...]]:
    """The marks of each text that is code and something else, which no editor's schema allows."""
    runs = [node for node in document_types.read_tree(document).walk() if node.text is not None]
    return [names for run in runs if "code" in (names := tuple(mark.name for mark in run.marks)) and len(names) > 1]


@EXAMPLES
@given(DOCUMENTS, DOCUMENTS)
@example(*map(markdown_parser.parse, ("x `](` y", "x [`~_)(`](http://a.b) y")))
@example(*map(markdown_parser.parse, ("x [`(`](http://a.b) y", "x `(` y")))
@example(*map(markdown_parser.parse, ("x **(** y", "x `(` y")))
def test_code_stays_alone_in_an_edited_text(one: Node, other: Node) -> None:
    document = holding(markdown_parser.parse(markdown_writer.to_markdown(one)))
    document.apply(edit.replace_all(TEXT, crdt.state(document), markdown_writer.to_markdown(other)))
    assert crowded_codes(document) == []


def test_text_that_becomes_code_loses_what_markdown_cannot_say() -> None:
    marked = text_run("fox", (Mark("highlight", {"color": "red"}),))
    document = holding(Node("doc", content=(Node("paragraph", content=(text_run("A "), marked, text_run("."))),)))
    document.apply(edit.replace_all(TEXT, crdt.state(document), "A `fox`.\n"))
    assert crowded_codes(document) == []


@pytest.mark.parametrize(
    ("text", "find", "replacement", "result"),
    [
        ("a `fox` b", "fox", "**wolf**", "a **wolf** b\n"),
        ("a **fox** b", "fox", "`wolf`", "a `wolf` b\n"),
        ("a `fox` b", "fox", "wolf", "a `wolf` b\n"),
    ],
)
def test_a_replacement_and_code_exclude_each_other(text: str, find: str, replacement: str, result: str) -> None:
    document = holding(markdown_parser.parse(text))
    document.apply(edit.find_and_replace(TEXT, crdt.state(document), find, replacement))
    assert crowded_codes(document) == []
    assert document_types.render(TEXT, document, ContentFormat.MARKDOWN) == result


@EXAMPLES
@given(DOCUMENTS, DOCUMENTS)
def test_any_text_replaces_any_other(one: Node, other: Node) -> None:
    document = holding(one)
    wanted = markdown_writer.to_markdown(other)
    document.apply(edit.replace_all(TEXT, crdt.state(document), wanted))
    assert document_types.render(TEXT, document, ContentFormat.MARKDOWN) == wanted


@EXAMPLES
@given(BEYOND_SCHEMA, BEYOND_SCHEMA)
def test_a_version_is_brought_back_to_the_last_attribute(live: Node, version: Node) -> None:
    document = holding(live)
    document.apply(edit.restore(TEXT, crdt.state(document), crdt.state(holding(version))))
    assert document_types.read_tree(document) == version


# An oracle: markdown-it's own HTML, read by the parser of HTML in Python's library.

_READER = MarkdownIt("commonmark", {"html": False, "maxNesting": 1_000}).enable(["table", "strikethrough"])
_SHOWN = {"strong": "bold", "em": "italic", "s": "strike", "code": "code", "a": "link"}
_FRAGMENTS = [
    *"*_`~[]()!#>-+.:|\\&\n ab",
    "\n\n",
    "**",
    "~~",
    "- ",
    "1. ",
    "> ",
    "    ",
    "[a](/b)",
    "![a](/b)",
    "[a]: /u\n\n",
    "&amp;",
]
_FRAGMENTS += ["word", "(/x)", "<http://x.y>", "```\n", "| a |\n| - |\n", "# ", "---\n", "***", "[a]", "&nbsp;", "\\*", "`` ` ``"]
Shown = list[tuple[str, frozenset[str]]]


class _Html(HTMLParser):
    """Collects the characters that HTML shows, each with its marks; white space aside."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: Shown = []
        self._opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.shown += [
                (character, frozenset({"image"})) for character in dict(attrs).get("alt") or "" if not character.isspace()
            ]
        elif tag in _SHOWN or tag == "pre":
            self._opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._opened:
            self._opened.remove(tag)

    def handle_data(self, data: str) -> None:
        marks = frozenset() if "pre" in self._opened else frozenset(_SHOWN[tag] for tag in self._opened)
        # TipTap's code has no other mark, but for a link.
        marks = marks & {"code", "link"} if "code" in marks else marks
        self.shown += [(character, marks) for character in data if not character.isspace()]


def shown_by_html(text: str) -> Shown:
    html = _Html()
    html.feed(_READER.render(text))
    html.close()
    return html.shown


def shown_by_tree(node: Node) -> Shown:
    found: Shown = []
    for each in node.walk():
        if each.text is not None:
            names = {mark.name for mark in each.marks} | {"code" for mark in each.marks if mark.attrs.get("class") == CODE_LINK}
            found += [(character, frozenset(names)) for character in each.text if not character.isspace()]
        elif each.type == "image":
            found += [
                (character, frozenset({"image"})) for character in str(each.attrs.get("alt") or "") if not character.isspace()
            ]
        elif each.type == "taskItem":
            found += [(character, frozenset()) for character in ("[x]" if each.attrs["checked"] else "[]")]
    return found


@examples(50, many=2_000)
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=25).map("".join))
def test_a_document_says_what_a_reader_of_commonmark_sees(text: str) -> None:
    assert shown_by_tree(markdown_parser.parse(text)) == shown_by_html(text)


@examples(50, many=2_000)
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=25).map("".join))
def test_what_was_imported_is_the_same_when_it_is_exported_and_imported_again(text: str) -> None:
    read = markdown_parser.parse(text)
    written = markdown_writer.to_markdown(read)
    again = markdown_parser.parse(written)
    assert markdown_writer.to_markdown(again) == written
    assert shown_by_tree(again) == shown_by_tree(read)
