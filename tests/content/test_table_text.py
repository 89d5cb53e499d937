"""CSV is read whatever parts its cells, and tables come back as they were in both forms."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from content import crdt, document_types, edit, spreadsheet, table_text
from content.table_text import from_csv, from_markdown, from_text, to_csv, to_markdown, to_text
from domain.document.kind import ContentFormat, DocumentType
from domain.errors import Invalid

SHEET = DocumentType.SPREADSHEET

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.text(st.sampled_from("ab,;\t\"'|\\ \n*_`[]<>~&=é😀\u00a01.-"), max_size=6),
    st.sampled_from(["sep=;", "\ufeffa", "<br>", "&amp;", "---", " a ", "1,5", "007", "a\\|b", "TRUE ", "-0"]),
).map(lambda value: from_text(to_text(value)))


@st.composite
def grids(draw: st.DrawFn) -> list[list[table_text.Value | None]]:
    width = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6))


@example([[None, None, None, "\t1"], [None, None, None, "\t1"], [None, None, ";", "\t1"]])
@given(grids())
def test_csv_that_was_written_is_read_as_it_was(lines: list[list[table_text.Value | None]]) -> None:
    assert from_csv(to_csv(lines)) == lines


@given(grids())
def test_a_table_of_markdown_that_was_written_is_read_as_it_was(lines: list[list[table_text.Value | None]]) -> None:
    assert from_markdown(to_markdown(lines)) == lines


@given(grids())
def test_the_same_table_changes_nothing(lines: list[list[table_text.Value | None]]) -> None:
    state = spreadsheet.encode(lines)
    document = crdt.load(state)
    text = document_types.render(SHEET, document, ContentFormat.MARKDOWN)
    assert edit.replace_all(SHEET, state, text) == crdt.EMPTY
    assert edit.replace_all(SHEET, state, to_csv(lines)) == crdt.EMPTY


@given(grids(), grids())
def test_any_table_replaces_any_other_and_is_brought_back(
    one: list[list[table_text.Value | None]], other: list[list[table_text.Value | None]]
) -> None:
    before = spreadsheet.encode(one)
    document = crdt.load(before)
    document.apply(edit.replace_all(SHEET, before, to_markdown(other)))
    assert [list(line) for line in spreadsheet.read(document).cells] == other
    document.apply(edit.restore(SHEET, crdt.state(document), before))
    assert spreadsheet.read(document) == spreadsheet.read(crdt.load(before))


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a,b\n1,2\n", [["a", "b"], [1, 2]]),
        ("Name;Due;Est\nTask;2026-01-01;1,5\n", [["Name", "Due", "Est"], ["Task", "2026-01-01", "1,5"]]),
        ("1,5;2,5\n3,5;4,5\n", [["1,5", "2,5"], ["3,5", "4,5"]]),
        ("Preis;Menge\n1.234,50;2\n", [["Preis", "Menge"], ["1.234,50", 2]]),
        ("a\tb\n1\t2\n", [["a", "b"], [1, 2]]),
        ("Name;Text\nA;hello, you\nB;hi, there\n", [["Name", "Text"], ["A", "hello, you"], ["B", "hi, there"]]),
        ('Name,Notes\nA,"do x; then y"\nB,"p; q"\n', [["Name", "Notes"], ["A", "do x; then y"], ["B", "p; q"]]),
        ("a,b\nx;y,z\n", [["a", "b"], ["x;y", "z"]]),
        ('"a;b"\n"c;d"\n', [["a;b"], ["c;d"]]),
        ('x;y\n1;"a\nb"\n', [["x", "y"], [1, "a\nb"]]),
        ("sep=;\na;b,c\n", [["a", "b,c"]]),
        ("\ufeffa;b\r\n1;2\r\n", [["a", "b"], [1, 2]]),
        ("note\nhello, world\nfoo\n", [["note"], ["hello", " world"], ["foo"]]),
        ("just text", [["just text"]]),
        ("a,b\n\n1,2\n\n\n", [["a", "b"], [], [1, 2]]),
        ("", []),
    ],
)
def test_what_parts_the_cells_is_told_by_the_text(text: str, cells: list[list[table_text.Value | None]]) -> None:
    assert from_csv(text) == cells


@pytest.mark.parametrize("text", ['a,"b', '"a"b,c'])
def test_what_is_not_csv_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        from_csv(text)
    assert (refused.value.code, refused.value.path) == ("INVALID", ("input", "content"))


def test_nul_becomes_the_replacement_character_and_half_a_pair_is_refused() -> None:
    assert from_csv("a\0,b") == [["a\ufffd", "b"]]
    for type_ in DocumentType:
        with pytest.raises(Invalid, match="surrogate"):
            document_types.parse(type_, "a\ud800b")


def test_a_text_that_reads_as_a_number_is_no_other_cell_than_the_number() -> None:
    document = crdt.load(spreadsheet.encode([["a", "5"], ["b", "TRUE"]]))
    state = crdt.state(document)
    assert spreadsheet.read(document).cells == (("a", "5"), ("b", "TRUE"))
    document.apply(edit.replace_all(SHEET, state, "| a | 5 |\n| --- | --- |\n| c | TRUE |\n"))
    assert spreadsheet.read(document).cells == (("a", "5"), ("c", "TRUE"))
