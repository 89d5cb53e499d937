"""Trees as people write them, and as they don't."""

from hypothesis import strategies as st

from content.text.tree import Mark, Node, joined, ranked, words

_LETTERS = st.text(st.sampled_from("ab é😀*_`~[]()<>!#+-=.:1|\\&;@\"'/\t x"), min_size=1, max_size=8)
_ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=6)
_PHRASES = ["plain", "two words", " a ", "&amp;", "1. x", "- y", "# z", "[x] t", "<b>", "http://a.b", "!", "***", "~~~", "| - |"]
_WORDS = st.sampled_from(_PHRASES)
_HREFS = st.sampled_from(["http://a.b/c", "https://a.b/(c)?d=e&amp=f", "/x y", "mailto:a@b.c", "javascript:alert(1)", "#é"])
_MARKS = st.sets(st.sampled_from(["bold", "italic", "strike", "underline", "code", "link", "highlight"]), max_size=3)


@st.composite
def text_runs(draw: st.DrawFn) -> Node:
    marks = [
        Mark(name, {"href": draw(_HREFS)} if name == "link" else {"color": "red", "depth": 2} if name == "highlight" else {})
        for name in draw(_MARKS)
    ]
    return words(draw(_WORDS | _LETTERS | _ANY), ranked(marks))


_ATOMS = st.sampled_from([Node("hardBreak"), Node("mention", {"id": "u/1", "label": "Ann *B*"}), Node("mention", {"id": "u2"})])
_IMAGE = st.sampled_from(
    [Node("image", {"src": "http://a.b/i.png", "alt": "a [b]"}), Node("image", {"src": "i.png", "title": 'x "y"'})]
)
INLINE = st.lists(text_runs() | text_runs() | _ATOMS, max_size=5).map(joined)
_PARAGRAPH = INLINE.map(lambda content: Node("paragraph", content=content))
_CODE = st.tuples(st.sampled_from([{}, {"language": "py"}]), st.text(st.sampled_from("ab `\n \t~"), max_size=9)).map(
    lambda given: Node("codeBlock", given[0], (words(given[1]),) if given[1] else ())
)
_LEAVES = (
    _PARAGRAPH
    | st.tuples(st.integers(1, 6), INLINE).map(lambda given: Node("heading", {"level": given[0]}, given[1]))
    | _CODE
    | _IMAGE
    | st.just(Node("horizontalRule"))
)


@st.composite
def _items(draw: st.DrawFn, inner: st.SearchStrategy[Node], name: str) -> tuple[Node, ...]:
    return tuple(
        Node(
            name,
            {"checked": draw(st.booleans())} if name == "taskItem" else {},
            (draw(_PARAGRAPH), *draw(st.lists(inner, max_size=2))),
        )
        for _ in range(draw(st.integers(1, 3)))
    )


@st.composite
def _table(draw: st.DrawFn) -> Node:
    columns = draw(st.integers(1, 3))
    blocks = st.lists(_PARAGRAPH | _IMAGE | _CODE, min_size=1, max_size=2)

    def row(name: str) -> Node:
        return Node("tableRow", content=tuple(Node(name, content=tuple(draw(blocks))) for _ in range(columns)))

    return Node("table", content=(row("tableHeader"), *(row("tableCell") for _ in range(draw(st.integers(0, 2))))))


def _containers(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return (
        st.lists(inner, min_size=1, max_size=3).map(lambda content: Node("blockquote", content=tuple(content)))
        | _items(inner, "listItem").map(lambda content: Node("bulletList", content=content))
        | st.tuples(st.sampled_from([1, 1, 7]), _items(inner, "listItem")).map(
            lambda given: Node("orderedList", {"start": given[0]}, given[1])
        )
        | _items(inner, "taskItem").map(lambda content: Node("taskList", content=content))
        | _table()
    )


BLOCKS = st.recursive(_LEAVES, _containers, max_leaves=8)
DOCUMENTS = st.lists(BLOCKS, min_size=1, max_size=5).map(lambda content: Node("doc", content=tuple(content)))
