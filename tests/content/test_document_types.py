"""Each type of document renders in every form, and reads what it renders."""

import pytest
from pycrdt import Array, Map

from content import crdt, document_types, spreadsheet, table_text
from content.structs import decode_update
from domain.document.kind import ContentFormat, DocumentType
from domain.errors import Invalid

TEXT, SHEET, SLIDES = DocumentType.TEXT, DocumentType.SPREADSHEET, DocumentType.PRESENTATION
SOURCE = """# Title *em*

**bold**, *it*, ***both***, ~~s~~, <u>u</u>, `a|b`, [link](http://x.y/z "t"), [@Ann](mention:u1)\\
next snake_case 2 \\* 3 \\[x\\] AT&T \\&amp;

- a
  - b
- c

* other

7. x
8. y

- [ ] todo
- [x] done

> quote

```py
a < 1
```

| a | b |
| --- | --- |
| 1 \\| 2 | **x**<br>y |

___

![alt](http://i.png)
"""


def rendered(type: DocumentType, text: str, form: ContentFormat) -> str:
    return document_types.render(type, crdt.load(document_types.parse(type, text)), form)


def test_markdown_comes_back_as_it_was() -> None:
    assert rendered(TEXT, SOURCE, ContentFormat.MARKDOWN) == SOURCE
    assert rendered(TEXT, "", ContentFormat.MARKDOWN) == ""


def test_html_has_every_node_of_the_text() -> None:
    assert rendered(TEXT, SOURCE, ContentFormat.HTML) == (
        "<h1>Title <em>em</em></h1>"
        "<p><strong>bold</strong>, <em>it</em>, <strong><em>both</em></strong>, <s>s</s>, <u>u</u>, <code>a|b</code>, "
        '<a href="http://x.y/z" title="t" rel="noopener noreferrer nofollow">link</a>, '
        '<span data-type="mention" data-id="u1">@Ann</span><br>next snake_case 2 * 3 [x] AT&amp;T &amp;amp;</p>'
        "<ul><li><p>a</p><ul><li><p>b</p></li></ul></li><li><p>c</p></li></ul><ul><li><p>other</p></li></ul>"
        '<ol start="7"><li><p>x</p></li><li><p>y</p></li></ol>'
        '<ul data-type="taskList">'
        '<li data-type="taskItem" data-checked="false"><label><input type="checkbox" disabled></label><div><p>todo</p></div></li>'
        '<li data-type="taskItem" data-checked="true"><label><input type="checkbox" disabled checked></label><div><p>done</p></div></li>'
        "</ul><blockquote><p>quote</p></blockquote>"
        '<pre><code class="language-py">a &lt; 1</code></pre>'
        "<table><tbody><tr><th><p>a</p></th><th><p>b</p></th></tr>"
        "<tr><td><p>1 | 2</p></td><td><p><strong>x</strong><br>y</p></td></tr></tbody></table>"
        '<hr><img src="http://i.png" alt="alt">'
    )


def test_text_is_a_line_for_each_block() -> None:
    text = "# Title\n\n- a\n- [@Ann](mention:u1) b\n\n| c | d |\n| - | - |\n"
    assert rendered(TEXT, text, ContentFormat.TEXT) == "Title\na\n@Ann b\nc\nd\n"


def test_json_is_prosemirrors() -> None:
    assert rendered(TEXT, "## A **b**", ContentFormat.JSON) == (
        '{"type":"doc","content":[{"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"A "},'
        '{"type":"text","text":"b","marks":[{"type":"bold"}]}]}]}'
    )


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JaVaScRiPt:x", "java\tscript:x", " javascript:x", "vbscript:x", "data:text/html,x"]
)
def test_no_address_runs_a_script(address: str) -> None:
    from content.text.html_writer import to_html
    from content.text.markdown_writer import to_markdown
    from content.text.tree import Mark, Node, text_run

    link = text_run("x", [Mark("link", {"href": address})])
    tree = Node("doc", content=(Node("paragraph", content=(link,)), Node("image", {"src": address})))
    assert to_html(tree) == "<p>x</p>"
    assert to_markdown(tree) == "x\n"


def test_csv_becomes_cells_and_comes_back_as_it_was() -> None:
    text = 'name,count,ok\n"a, ""b""",3,TRUE\nc,007,\nd,2.50,-1.5\n'
    document = crdt.load(document_types.parse(SHEET, text))
    grid = spreadsheet.read(document)
    assert grid.cells == (("name", "count", "ok"), ('a, "b"', 3, True), ("c", "007", None), ("d", "2.50", -1.5))
    assert table_text.to_csv(grid.cells) == text
    with pytest.raises(Invalid):
        document_types.parse(SHEET, 'a,"b')


def test_a_table_comes_back_as_it_was() -> None:
    lines = table_text.from_csv('a|b,"two\nlines"\n\\,*x*\n')
    document = crdt.load(spreadsheet.encode(lines))
    written = document_types.render(SHEET, document, ContentFormat.MARKDOWN)
    assert written == "| a\\|b | two<br>lines |\n| --- | --- |\n| \\\\ | \\*x\\* |\n"
    assert table_text.from_markdown(written) == lines
    assert rendered(SHEET, "a,<b>\n", ContentFormat.HTML) == "<table><tbody><tr><td>a</td><td>&lt;b&gt;</td></tr></tbody></table>"
    assert rendered(SHEET, "a,1\nb,\n", ContentFormat.TEXT) == "a\t1\nb\t\n"


def test_ten_thousand_rows_are_one_item_and_so_are_read_at_once() -> None:
    update = document_types.parse(SHEET, "".join(f"row {number}\n" for number in range(10_000)))
    structs = decode_update(update).structs
    assert [struct.length for struct in structs if struct.parent == "rows"] == [10_000]
    grid = spreadsheet.read(crdt.load(update))
    assert (len(grid.rows), grid.cells[9_999]) == (10_000, ("row 9999",))


def test_a_grid_passes_over_what_does_not_fit_its_shape() -> None:
    document = crdt.Doc()
    document.get("rows", type=Array).extend(["r", "r", 3.0, "a:b"])
    document.get("columns", type=Array).extend(["c", Map({"x": 1})])
    document.get("cells", type=Map).update({"r:c": 2.0, "r:gone": "x", "r": "y"})
    assert spreadsheet.read(document) == spreadsheet.Grid(("c",), ("r",), ((2,),))


def test_slides_come_back_as_they_were() -> None:
    text = "# One\n\n___\n\n```\n---\n```\n\n---\n\nTwo\n\n<!-- notes: say --&gt; it -->\n\n---\n\n"
    assert rendered(SLIDES, text, ContentFormat.MARKDOWN) == text
    assert rendered(SLIDES, "One\n\n---\n\nTwo", ContentFormat.TEXT) == "One\n\nTwo\n"
    assert rendered(SLIDES, "Heading\n---\nText", ContentFormat.MARKDOWN) == "## Heading\n\nText\n"
