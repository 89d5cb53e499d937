"""Trees of rich texts for hypothesis: as people write them, and as they don't; within the schema, and beyond it."""

from dataclasses import replace

from hypothesis import strategies as st

from content.text.tree import CODE_LINK, Mark, Node, join_runs, sort_marks, text_run

_LETTERS = st.text(st.sampled_from("ab é😀*_`~[]()<>!#+-=.:1|\\&;@\"'/\t x"), min_size=1, max_size=8)
_ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
_PHRASES = ["plain", "two words", " a ", "&amp;", "1. x", "- y", "# z", "[x] t", "<b>", "http://a.b", "!", "***", "~~~", "| - |"]
_PHRASES += ["&nbsp;", "<!-- x -->", "[a]: b", "---", "===", "snake_case", "\n", "\u00a0", "a\\", "](", "<br>"]
_WORDS = st.sampled_from(_PHRASES)
_HREFS = st.sampled_from(
    [
        "http://a.b/c",
        "https://a.b/(c)?d=e&amp=f",
        "/x y",
        "mailto:a@b.c",
        "javascript:alert(1)",
        "#é",
        "a(b",
        "<x>",
        "",
        "a|b",
        "app://x",
    ]
)
_MARKS = st.sets(st.sampled_from(["bold", "italic", "strike", "underline", "code", "link", "highlight"]), max_size=3)


@st.composite
def text_runs(draw: st.DrawFn) -> Node:
    marks = [
        Mark(name, {"href": draw(_HREFS)} if name == "link" else {"color": "red", "depth": 2} if name == "highlight" else {})
        for name in draw(_MARKS)
    ]
    return text_run(draw(_WORDS | _LETTERS | _ANY), sort_marks(marks))


_ATOMS = st.sampled_from([Node("hardBreak"), Node("mention", {"id": "u/1", "label": "Ann *B*"}), Node("mention", {"id": "u2"})])
_IMAGE = st.sampled_from(
    [
        Node("image", {"src": "http://a.b/i.png", "alt": "a [b]"}),
        Node("image", {"src": "i.png", "title": 'x "y"'}),
        Node("image", {"src": "a b.png", "href": "http://a.b", "hrefTitle": "t"}),
    ]
)
INLINE = st.lists(text_runs() | text_runs() | _ATOMS, max_size=5).map(join_runs)
_PARAGRAPH = INLINE.map(lambda content: Node("paragraph", content=content))
_CODE = st.tuples(
    st.sampled_from([{}, {"language": "py"}, {"language": "js", "meta": '{1,3} title="x"'}]),
    st.text(st.sampled_from("ab `\n \t~"), max_size=9),
).map(lambda given: Node("codeBlock", given[0], (text_run(given[1]),) if given[1] else ()))
_ALIGNS = st.sampled_from([None, None, "left", "center", "right"])


def _leaves(paragraphs: st.SearchStrategy[Node], code: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    headings = st.tuples(st.integers(1, 6), paragraphs).map(lambda given: Node("heading", {"level": given[0]}, given[1].content))
    return paragraphs | headings | code | _IMAGE | st.just(Node("horizontalRule"))


@st.composite
def _items(draw: st.DrawFn, paragraphs: st.SearchStrategy[Node], inner: st.SearchStrategy[Node], name: str) -> tuple[Node, ...]:
    return tuple(
        Node(
            name,
            {"checked": draw(st.booleans())} if name == "taskItem" else {},
            (draw(paragraphs), *draw(st.lists(inner, max_size=2))),
        )
        for _ in range(draw(st.integers(1, 3)))
    )


@st.composite
def _table(draw: st.DrawFn, cells: st.SearchStrategy[list[Node]]) -> Node:
    aligns = draw(st.lists(_ALIGNS, min_size=1, max_size=3))

    def row(name: str) -> Node:
        return Node(
            "tableRow", content=tuple(Node(name, {"align": align} if align else {}, tuple(draw(cells))) for align in aligns)
        )

    return Node("table", content=(row("tableHeader"), *(row("tableCell") for _ in range(draw(st.integers(0, 2))))))


def _containers(
    paragraphs: st.SearchStrategy[Node], cells: st.SearchStrategy[list[Node]], inner: st.SearchStrategy[Node]
) -> st.SearchStrategy[Node]:
    return (
        st.lists(inner, min_size=1, max_size=3).map(lambda content: Node("blockquote", content=tuple(content)))
        | _items(paragraphs, inner, "listItem").map(lambda content: Node("bulletList", content=content))
        | st.tuples(st.sampled_from([1, 1, 7]), _items(paragraphs, inner, "listItem")).map(
            lambda given: Node("orderedList", {"start": given[0]}, given[1])
        )
        | _items(paragraphs, inner, "taskItem").map(lambda content: Node("taskList", content=content))
        | _table(cells)
    )


def _blocks(
    paragraphs: st.SearchStrategy[Node], code: st.SearchStrategy[Node], cells: st.SearchStrategy[list[Node]]
) -> st.SearchStrategy[Node]:
    return st.recursive(_leaves(paragraphs, code), lambda inner: _containers(paragraphs, cells, inner), max_leaves=8)


def _documents(blocks: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.lists(blocks, min_size=1, max_size=5).map(lambda content: Node("doc", content=tuple(content)))


_CELLS = st.lists(_PARAGRAPH | _IMAGE | _CODE, min_size=1, max_size=2)
BLOCKS = _blocks(_PARAGRAPH, _CODE, _CELLS)
DOCUMENTS = _documents(BLOCKS)


# What Markdown can say to the last character: no white space at the rims, one paragraph in a cell, no marks beyond its own.


@st.composite
def _sayable_run(draw: st.DrawFn) -> Node:
    text = draw(_WORDS | _LETTERS | _ANY).strip() or "x"
    names = draw(st.sets(st.sampled_from(["bold", "italic", "strike", "underline"]), max_size=3))
    marks = [Mark(name) for name in names]
    if draw(st.booleans()):
        address = draw(_HREFS.filter(lambda href: not href.startswith("javascript")))
        marks.append(Mark("link", {"href": address, "title": "t"} if draw(st.booleans()) else {"href": address}))
    code = draw(st.integers(0, 5)) == 0
    if code:
        text = " ".join(text.splitlines()) or "x"
        link = next((mark for mark in marks if mark.name == "link"), None)
        marks = [Mark("link", {**link.attrs, "class": CODE_LINK})] if link else [Mark("code")]
    return text_run(text, sort_marks(marks))


_SAYABLE_INLINE = st.lists(_sayable_run() | _sayable_run() | _ATOMS, max_size=5).map(join_runs)
_SAYABLE_PARAGRAPH = _SAYABLE_INLINE.map(lambda content: Node("paragraph", content=content))
_SAYABLE_CODE = _CODE.map(
    lambda node: replace(node, content=tuple(text_run((run.text or "").replace("\t", " ")) for run in node.content))
)
_SAYABLE_CELLS = st.lists(_SAYABLE_PARAGRAPH, min_size=1, max_size=1)
SAYABLE = _documents(_blocks(_SAYABLE_PARAGRAPH, _SAYABLE_CODE, _SAYABLE_CELLS))


def without_rims(node: Node) -> Node:
    """A tree without the empty paragraphs at the ends of its blocks, which editors add as they like and Markdown leaves out."""
    content = tuple(without_rims(child) for child in node.content)
    if node.type in ("doc", "blockquote"):
        content = _without_empty_ends(content) or (Node("paragraph"),)
    elif node.type in ("listItem", "taskItem"):
        first, *rest = content
        rest = list(_without_empty_ends(tuple(rest))) if _is_empty(first) else rest
        if _is_empty(first) and rest and rest[0].type == "paragraph":
            first, *rest = rest
        while rest and _is_empty(rest[-1]):
            rest.pop()
        content = (first, *rest)
    return replace(node, content=content)


def _is_empty(node: Node) -> bool:
    return node.type == "paragraph" and not node.content


def _without_empty_ends(blocks: tuple[Node, ...]) -> tuple[Node, ...]:
    while blocks and _is_empty(blocks[0]):
        blocks = blocks[1:]
    while blocks and _is_empty(blocks[-1]):
        blocks = blocks[:-1]
    return blocks


# What other editors keep beside it: containers, atoms and marks of names that the server does not know.

_UNKNOWN_INLINE = st.sampled_from(
    [Node("emoji", {"name": "smile"}), Node("math", {"latex": "x"}), Node("tag", {}, (text_run("tagged"),))]
)


@st.composite
def _with_unknown_inline(draw: st.DrawFn) -> Node:
    content = draw(INLINE)
    at = draw(st.integers(0, len(content)))
    return Node("paragraph", {"textAlign": "right"}, join_runs((*content[:at], draw(_UNKNOWN_INLINE), *content[at:])))


@st.composite
def _unknown_container(draw: st.DrawFn, inner: st.SearchStrategy[Node]) -> Node:
    blocks = tuple(draw(st.lists(inner, min_size=1, max_size=3)))
    match draw(st.sampled_from(["callout", "details", "columns", "figure"])):
        case "details":
            summary = Node("detailsSummary", content=(text_run("sum"),))
            return Node("details", {"open": True}, (summary, Node("detailsContent", content=blocks)))
        case "columns":
            return Node("columns", content=(Node("column", content=blocks[:1]), Node("column", content=blocks[1:] or blocks)))
        case "figure":
            return Node("figure", content=(draw(_IMAGE), Node("figcaption", content=(text_run("caption"),))))
        case name:
            return Node(name, {"kind": "warn"}, blocks)


_UNKNOWN_ATOM = st.just(Node("embed", {"url": "http://a.b"}))
_OTHERS = st.recursive(
    BLOCKS | _with_unknown_inline() | _UNKNOWN_ATOM,
    lambda inner: (
        _unknown_container(inner) | st.lists(inner, min_size=1, max_size=2).map(lambda c: Node("blockquote", content=tuple(c)))
    ),
    max_leaves=6,
)
BEYOND_SCHEMA = _documents(_OTHERS)
