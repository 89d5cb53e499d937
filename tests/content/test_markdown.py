"""Markdown comes back as it was, says what a reader of CommonMark and GFM sees, and is kept or refused, never lost without a
word.
"""

from time import thread_time

import pytest

from content import crdt, document_types, edit
from content.errors import TextTooDeep, TooExpensive
from content.text import commonmark, markdown_parser, markdown_writer
from content.text.html_writer import to_html
from content.text.plain_text import to_text
from content.text.tree import Mark, Node, text_run, to_json
from domain.document.kind import DocumentType

TEXT = DocumentType.TEXT

AS_IT_WAS = [
    "| a | b |\n| --- | --- |\n| uses \\| pipe | \\|\\| |\n| `x \\| y` | foo<br>bar |",
    "\\# not a heading\n\n1\\. not a list\n\n\\- no\n\n\\> q",
    "1. one\n   1. inner\n   2. inner2\n2. two",
    "10. ten\n    1. inner\n11. el",
    "1. one\n   - inner\n2. two",
    "a ``b ` c`` d `` ` `` e `` `lead`` f",
    "````md\n```\ncode\n```\n````",
    "- [ ] foo\n- [x] bar\n  - [ ] nested",
    "**bold**\\\nword",
    # a list of tasks and other items
    "- [ ] buy milk\n- [x] call Ben\n- Phase 2\n- [ ] pack",
    "- plain\n- [x] done\n  - plain within\n  - [ ] and a task",
    "1. [x] boxes of numbered items\n2. [ ] are text",
    "- \\[x\\] no box\n\n* [x](http://a.b) a link",
    # links around code and pictures, and addresses of any scheme
    "See [`npm install`](https://example.org/install) first",
    "[run `x` now](https://a.b)",
    "[![Build](https://a.b/badge.svg)](https://ci.a.b)",
    '[![Build](badge.svg "t")](<https://ci.a.b/x y> "u")',
    "[note](obsidian://open?vault=x) [@Ben](user:VXNlcjox) [mail](mailto:a@b.c) [call](tel:+491)",
    "<https://a.b/c?d=e&f=g> and <a@b.c>",
    "[a](https://a.b/(c)) [b](</x y>) [c](a\\(b) [d]()",
    # alignment of columns
    "| l | c | r | n |\n| :--- | :---: | ---: | --- |\n| 1 | 2 | 3 | 4 |",
    # emphasis
    "Some **bold wrapping [a link](/test)**",
    '**C++**, **"quoted"**.',
    "(**Done.**)",
    "<strong>Done.</strong>then",
    "*a **b** c*",
    "***both*** and **bold *and italic***",
    "**a**, *b*, ~~c~~ and ~~**d**~~",
    "[**bold link**](/a) and **bold [link](/a) bold**",
    # what stands behind the language of code
    '```js {1,3} title="x.js"\nlet a\n```',
    # empty paragraphs, breaks at the end, comments
    "a\n\n&nbsp;\n\nb",
    "a<br>",
    "# heading<br>two lines",
    "<!-- a comment -->\n\ntext\n\n<!-- another\nof two lines -->",
    "> quote\n\n<!-- -->\n\n> another",
    ">",
    "&#160;a&#8195;",
    "tab\there &#10; and line end",
    '![a picture \\[x\\]](i.png "title")',
    "![](i.png)",
]


@pytest.mark.parametrize("text", AS_IT_WAS)
def test_markdown_comes_back_as_it_was(text: str) -> None:
    assert markdown_writer.to_markdown(markdown_parser.parse(text)) == text + "\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("* a\n* b", "- a\n- b"),
        ("a  \nb", "a\\\nb"),
        ("__a__ _b_", "**a** *b*"),
        ("Heading\n===", "# Heading"),
        ("    code", "```\ncode\n```"),
        ("[a][b]\n\n[b]: /c 'd'", '[a](/c "d")'),
        ("~~~\na\n~~~", "```\na\n```"),
        ("- [X] a", "- [x] a"),
        ("a ![b](c) d", "a\n\n![b](c)\n\nd"),
        ("![a *b* `c`\nd](e)", "![a b c d](e)"),
        ("***", "___"),
        ("a\0b", "a\ufffdb"),
    ],
)
def test_what_has_several_forms_is_written_in_one(text: str, written: str) -> None:
    first = markdown_writer.to_markdown(markdown_parser.parse(text))
    assert first == written + "\n"
    assert markdown_writer.to_markdown(markdown_parser.parse(first)) == first


def test_code_in_a_link_is_a_link_that_says_so_as_tiptap_lets_code_have_no_other_mark() -> None:
    (paragraph,) = markdown_parser.parse("[a `b`](https://c.d)").content
    assert [(node.text, [(mark.type, mark.attrs) for mark in node.marks]) for node in paragraph.content] == [
        ("a ", [("link", {"href": "https://c.d"})]),
        ("b", [("link", {"href": "https://c.d", "class": "code"})]),
    ]
    assert to_html(Node("doc", content=(paragraph,))) == (
        '<p><a href="https://c.d" rel="noopener noreferrer nofollow">a </a>'
        '<a href="https://c.d" rel="noopener noreferrer nofollow"><code>b</code></a></p>'
    )


def test_boxes_stay_boxes_among_other_items() -> None:
    tree = to_json(markdown_parser.parse("- [ ] a\n- [x] b\n- c\n- [ ] d"))
    assert [(block["type"], len(block["content"])) for block in tree["content"]] == [
        ("taskList", 2),
        ("bulletList", 1),
        ("taskList", 1),
    ]
    assert [item["attrs"]["checked"] for item in tree["content"][0]["content"]] == [False, True]


def test_aligned_cells_have_the_attribute_that_tiptap_has() -> None:
    (table,) = markdown_parser.parse("| a | b |\n| :---: | --- |\n| c | d |").content
    assert [[cell.attrs for cell in row.content] for row in table.content] == [[{"align": "center"}, {}]] * 2
    assert '<td style="text-align: center"><p>c</p></td>' in to_html(Node("doc", content=(table,)))


@pytest.mark.parametrize("address", ["obsidian://x", "vscode://file/x", "app+x:y"])
def test_addresses_of_unknown_schemes_are_kept_in_markdown_and_not_followed_from_html(address: str) -> None:
    tree = markdown_parser.parse(f"[a]({address})")
    assert markdown_writer.to_markdown(tree) == f"[a]({address})\n"
    assert to_html(tree) == "<p>a</p>"


DEEP = [
    "\n".join("  " * level + f"- level {level + 1}" for level in range(20)) + "\n\n# after\n",
    ">" * 41 + " a letter\n\nafter\n",
    "\n".join("   " * level + f"1. level {level + 1}" for level in range(29)) + "\n\nafter\n",
    ">" * 58 + " a letter\n\nafter\n",
]


@pytest.mark.parametrize("text", DEEP)
def test_deep_blocks_are_kept_with_all_that_follows(text: str) -> None:
    said = to_text(markdown_parser.parse(text))
    assert said.endswith("after\n")
    assert said.count("level") == text.count("level")
    update = document_types.parse(TEXT, text)
    document = crdt.load(crdt.EMPTY)
    document.apply(update)  # as an update of a client: it does not nest too deep for Yjs
    written = markdown_writer.to_markdown(document_types.read_tree(document))
    assert to_text(markdown_parser.parse(written)) == said


@pytest.mark.parametrize(
    "text", [">" * 59 + " a", "- " * 30 + "a", "\n".join("  " * level + "- a" for level in range(31)), "> - " * 20 + "a"]
)
def test_what_is_too_deep_is_refused_with_a_code(text: str) -> None:
    with pytest.raises(TextTooDeep) as refused:
        document_types.parse(TEXT, "before\n\n" + text)
    assert (refused.value.code, refused.value.limit) == ("LIMIT_EXCEEDED", commonmark.MAX_DEPTH)
    with pytest.raises(TextTooDeep):
        edit.append(TEXT, document_types.parse(TEXT, "before"), text)


@pytest.mark.parametrize(
    "text",
    [
        ">" * 58 + "a\n" + "a\n" * 40_000,  # goes on lazily: each line is looked at for each quote
        "[a]: <" + "x" * 50_000 + ">\n\n" + "[a]" * 10_000,  # 500 MB of addresses
        ("![" * 50 + "a" + "](b)" * 50) * 300,  # pictures described by pictures
    ],
)
def test_a_little_text_that_would_take_much_work_is_refused_before_it_is_done(text: str) -> None:
    began = thread_time()
    with pytest.raises(TooExpensive) as refused:
        document_types.parse(TEXT, text)
    assert refused.value.code == "LIMIT_EXCEEDED"
    assert thread_time() - began < 5


@pytest.mark.parametrize(
    "shape",
    [
        "[",
        "![",
        "![a",
        "[a\n",
        "[a](",
        "[[a]](",
        "a<![CDATA[",
        "<a b='",
        "*a ",
        "_*",
        "a***b**c*",
        "`a",
        "|a|b|\n|-|-|\n",
        "> a\n",
        "- a\n",
    ],
)
def test_the_work_grows_with_the_length_of_the_text(shape: str) -> None:
    def seconds(length: int) -> float:
        text = (shape * length)[:length]
        times = []
        for _ in range(3):
            began = thread_time()
            commonmark.tokens(text)
            times.append(thread_time() - began)
        return min(times)

    assert seconds(16_000) < 5 * seconds(8_000) + 0.05  # four times would be its square


@pytest.mark.parametrize("text", ["[" * 99_999 + "]", "[a" * 10_000 + "](b)" * 10_000, "![" * 16_000 + "](b)" * 16_000])
def test_brackets_that_do_not_pair_are_matched_once(text: str) -> None:
    assert commonmark.tokens(text)[1].type == "inline"


def test_marks_that_other_editors_put_on_code_are_not_lost_by_the_same_text() -> None:
    tree = Node("doc", content=(Node("paragraph", content=(text_run("x", [Mark("code"), Mark("bold")]),)),))
    assert markdown_writer.to_markdown(tree) == "`x`\n"
