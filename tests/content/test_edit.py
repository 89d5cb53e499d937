"""Text from outside merges into what people write meanwhile; nothing of theirs is lost."""

import pytest
from pycrdt import XmlElement, XmlFragment, XmlText

from content import crdt, document_types, edit
from content.errors import TextNotFound
from content.text import yxml
from domain.document.kind import ContentFormat, DocumentType
from domain.errors import Invalid

TEXT, SHEET, SLIDES = DocumentType.TEXT, DocumentType.SPREADSHEET, DocumentType.PRESENTATION
MARKDOWN = ContentFormat.MARKDOWN
BASE = "# Plan\n\nThe quick brown fox.\n\nA second paragraph.\n"


def composed(text: str = BASE, type: DocumentType = TEXT) -> bytes:
    return document_types.parse(type, text)


def text_of(document: crdt.Doc, *path: int) -> XmlText:
    """The text that stands at these places of the tree."""
    at: XmlFragment | XmlElement | XmlText = document.get(yxml.ROOT, type=XmlFragment)
    for place in path:
        assert not isinstance(at, XmlText)
        at = at.children[place]
    assert isinstance(at, XmlText)
    return at


def merged(live: crdt.Doc, *updates: bytes, type: DocumentType = TEXT) -> str:
    """How the live document reads with these updates; they may come before or after what it has."""
    for update in updates:
        live.apply(update)
    return document_types.render(type, live, MARKDOWN)


def replaced(base: bytes, text: str, live: crdt.Doc, type: DocumentType = TEXT) -> str:
    return merged(live, edit.replace_all(type, base, text), type=type)


def test_the_text_is_there_afterwards() -> None:
    base = composed()
    text = "# New plan\n\nThe slow brown fox.\n\n- a\n- b\n\nA second paragraph.\n"
    assert replaced(base, text, crdt.load(base)) == text


def test_the_same_text_changes_nothing() -> None:
    assert edit.replace_all(TEXT, composed(), BASE) == crdt.EMPTY


def test_an_edit_in_the_same_block_survives() -> None:
    base = composed()
    live = crdt.load(base)
    text_of(live, 1, 0).insert(len("The quick "), "and clever ")
    assert replaced(base, BASE.replace("fox", "wolf"), live) == BASE.replace("quick brown fox", "quick and clever brown wolf")


def test_an_edit_in_another_block_survives() -> None:
    base = composed()
    live = crdt.load(base)
    written = text_of(live, 2, 0)
    written.insert(len(str(written)), " More.")
    assert replaced(base, BASE.replace("# Plan", "# Our plan\n\nNew."), live) == (
        "# Our plan\n\nNew.\n\nThe quick brown fox.\n\nA second paragraph. More.\n"
    )


def test_a_block_that_somebody_deleted_stays_deleted_and_the_rest_is_merged() -> None:
    base = composed()
    live = crdt.load(base)
    del live.get(yxml.ROOT, type=XmlFragment).children[1]
    text = BASE.replace("fox", "wolf").replace("second", "third")
    assert replaced(base, text, live) == "# Plan\n\nA third paragraph.\n"


def test_formatting_that_somebody_gave_meanwhile_survives() -> None:
    base = composed()
    live = crdt.load(base)
    text_of(live, 1, 0).format(4, 9, {"bold": {}})
    assert replaced(base, BASE.replace("fox", "wolf"), live) == BASE.replace("quick brown fox", "**quick** brown wolf")


def test_what_markdown_cannot_say_survives() -> None:
    document = crdt.load(composed("One two three.\n\nStays.\n"))
    text_of(document, 0, 0).format(0, 7, {"highlight": {"color": "red"}})
    paragraph = document.get(yxml.ROOT, type=XmlFragment).children[0]
    assert isinstance(paragraph, XmlElement)
    paragraph.attributes["textAlign"] = "right"
    base = crdt.state(document)
    document.apply(edit.replace_all(TEXT, base, "One 2 three!\n\nStays.\n"))
    first = document_types.read_tree(document).content[0]
    assert first.attrs == {"textAlign": "right"}
    assert [(node.text, [mark.type for mark in node.marks]) for node in first.content] == [
        ("One 2", ["highlight"]),
        (" three!", []),
    ]


def test_only_formatting_changes_where_only_formatting_does() -> None:
    base = composed("Some words here.\n")
    update = edit.replace_all(TEXT, base, "Some **words** here.\n")
    live = crdt.load(base)
    text_of(live, 0, 0).insert(7, "XX")
    assert merged(live, update) == "Some **woXXrds** here.\n"
    back = edit.replace_all(TEXT, crdt.state(live), "Some woXXrds here.\n")
    assert merged(live, back) == "Some woXXrds here.\n"


def test_items_cells_and_boxes_change_each_by_itself() -> None:
    text = "- [ ] one\n- [ ] two\n\n| a | b |\n| --- | --- |\n| c | d |\n\n1. x\n2. y\n"
    base = composed(text)
    live = crdt.load(base)
    text_of(live, 0, 0, 0, 0).insert(3, "!")
    text_of(live, 1, 1, 0, 0, 0).insert(1, "!")
    wanted = text.replace("[ ] two", "[x] two\n- [ ] three").replace("| d |", "| e |").replace("2. y", "2. y\n3. z")
    assert replaced(base, wanted, live) == wanted.replace("one", "one!").replace("| c |", "| c! |")


def test_appended_blocks_stand_behind_the_last() -> None:
    base = composed()
    live = crdt.load(base)
    text_of(live, 2, 0).insert(0, "Still ")
    assert merged(live, edit.append(TEXT, base, "- more\n")) == BASE.replace("A second", "Still A second") + "\n- more\n"
    empty = composed("")
    assert merged(crdt.load(empty), edit.append(TEXT, empty, "First.")) == "First.\n"


def test_found_text_is_replaced_everywhere_and_keeps_its_formatting() -> None:
    base = composed("# A fox\n\nThe **quick fox** and the [fox](http://x.y).\n")
    update = edit.find_and_replace(TEXT, base, "fox", "wolf")
    assert merged(crdt.load(base), update) == "# A wolf\n\nThe **quick wolf** and the [wolf](http://x.y).\n"


def test_a_replacement_may_bring_formatting() -> None:
    base = composed("The **quick** fox.\n")
    assert merged(crdt.load(base), edit.find_and_replace(TEXT, base, "quick", "*very* slow")) == "The ***very* slow** fox.\n"
    assert merged(crdt.load(base), edit.find_and_replace(TEXT, base, " fox", "")) == "The **quick**.\n"


def test_markdown_is_found_where_plain_text_is_not() -> None:
    base = composed()
    update = edit.find_and_replace(TEXT, base, "fox.\n\nA second", "fox.\n\nBetween.\n\nA third")
    assert merged(crdt.load(base), update) == BASE.replace("A second", "Between.\n\nA third")


def test_text_that_is_not_there_is_told() -> None:
    with pytest.raises(TextNotFound) as told:
        edit.find_and_replace(TEXT, composed(), "badger", "wolf")
    assert (told.value.code, told.value.path) == ("INVALID", ("input", "find"))
    with pytest.raises(Invalid):
        edit.find_and_replace(TEXT, composed(), "", "wolf")


def test_a_table_changes_cell_by_cell() -> None:
    base = composed("name,count\napples,3\npears,007\n", SHEET)
    live = crdt.load(base)
    other = crdt.load(base)
    other.apply(edit.find_and_replace(SHEET, base, "apples", "plums"))
    update = edit.replace_all(SHEET, base, "name,count\napples,4\nfigs,1\npears,007\n")
    assert merged(other, update, type=SHEET) == (
        "| name | count |\n| --- | --- |\n| plums | 4 |\n| figs | 1 |\n| pears | 007 |\n"
    )
    assert merged(live, edit.append(SHEET, base, "kiwis,9,new\n"), type=SHEET).split("\n")[-2] == "| kiwis | 9 | new |"
    with pytest.raises(TextNotFound):
        edit.find_and_replace(SHEET, base, "badger", "")


def test_a_column_may_come_and_go() -> None:
    base = composed("a,b,c\n1,2,3\n", SHEET)
    live = crdt.load(base)
    assert replaced(base, "a,c\n1,3\n", live, SHEET) == "| a | c |\n| --- | --- |\n| 1 | 3 |\n"
    assert (
        replaced(crdt.state(live), "a,x,c\n1,TRUE,3\n", live, SHEET) == "| a | x | c |\n| --- | --- | --- |\n| 1 | TRUE | 3 |\n"
    )


def test_slides_change_each_by_itself() -> None:
    text = "# One\n\n---\n\n# Two\n\nWords here.\n\n<!-- notes: say it -->\n\n---\n\n# Three\n"
    base = composed(text, SLIDES)
    live = crdt.load(base)
    assert document_types.render(SLIDES, live, MARKDOWN) == text
    live.apply(edit.find_and_replace(SLIDES, base, "Three", "The end"))
    wanted = text.replace("Words here", "Words there").replace("say it", "shout it").replace("# One\n", "# One\n\n---\n\n# New\n")
    assert replaced(base, wanted, live, SLIDES) == wanted.replace("Three", "The end")
    assert replaced(crdt.state(live), "# Two\n", live, SLIDES) == "# Two\n"
