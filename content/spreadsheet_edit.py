"""Changes a spreadsheet into a table of text cell by cell, so that what stays keeps its ids, and what others write in it."""

from collections.abc import Sequence

from pycrdt import Array, Map

from content import crdt
from content.alignment import gaps
from content.guard import DOCUMENT_BYTES
from content.spreadsheet import CELLS, Grid, Value, cell, from_markdown, new_id, read, written
from domain.errors import LimitExceeded

Line = Sequence[Value | None]


def replace_cells(document: crdt.Doc, text: str, *, keep: bool = False) -> None:
    """Make a spreadsheet hold this table (Markdown or CSV), or with `keep` add its rows behind. Raises Invalid, LimitExceeded."""
    grid, lines = read(document), from_markdown(text)
    width = max((len(line) for line in lines), default=0)
    rows = len(lines) + (len(grid.rows) if keep else 0)
    if max(width, len(grid.columns)) * rows > CELLS:
        raise LimitExceeded(f"A spreadsheet has at most {CELLS} cells.", CELLS)
    with document.transaction():
        if keep:
            columns = [*grid.columns, *_added(document.get("columns", type=Array), len(grid.columns), width - len(grid.columns))]
            _insert_rows(document, len(grid.rows), columns, lines)
            return
        grid = _with_columns(document, grid, lines, width)
        full = [tuple(line) + (None,) * (width - len(line)) for line in lines]
        for start, end, begin, stop in reversed(gaps(grid.cells, full)):
            both = min(end - start, stop - begin)
            for at in range(both):
                _set_row(document, grid, start + at, full[begin + at])
            _insert_rows(document, start + both, grid.columns, full[begin + both : stop])
            _remove(document.get("rows", type=Array), grid.rows[start + both : end])


def replace_in_cells(document: crdt.Doc, find: str, replacement: str) -> bool:
    """Replace a text in all cells; whether it stood in one."""
    grid = read(document)
    cells = document.get("cells", type=Map)
    found = False
    times = sum(written(value).count(find) for line in grid.cells for value in line)
    if times * len(replacement) > DOCUMENT_BYTES:
        raise LimitExceeded("The document would become too large.", DOCUMENT_BYTES, path=("input", "replaceWith"))
    with document.transaction():
        for row, line in zip(grid.rows, grid.cells, strict=True):
            for column, value in zip(grid.columns, line, strict=True):
                if find in (text := written(value)):
                    found = True
                    _set(cells, f"{row}:{column}", cell(text.replace(find, replacement)))
    return found


def _with_columns(document: crdt.Doc, grid: Grid, lines: Sequence[Line], width: int) -> Grid:
    """The grid with as many columns as the table; which ones stay is told by the first row."""
    if width == len(grid.columns):
        return grid
    columns = document.get("columns", type=Array)
    head = [written(value) for value in grid.cells[0]] if grid.cells else []
    first = [written(value) for value in lines[0]] + [""] * (width - len(lines[0])) if lines else []
    for start, end, begin, stop in reversed(gaps(head or [""] * len(grid.columns), first)):
        both = min(end - start, stop - begin)
        _added(columns, start + both, stop - begin - both)
        _remove(columns, grid.columns[start + both : end])
    return read(document)


def _added(ids: Array[str], at: int, count: int) -> list[str]:
    """New ids, inserted before place `at`."""
    made = [new_id() for _ in range(count)]
    for place, name in enumerate(made, at):
        ids.insert(place, name)
    return made


def _remove(ids: Array[str], gone: Sequence[str]) -> None:
    for at in range(len(ids) - 1, -1, -1):
        if ids[at] in gone:
            del ids[at]


def _insert_rows(document: crdt.Doc, at: int, columns: Sequence[str], lines: Sequence[Line]) -> None:
    cells = document.get("cells", type=Map)
    for row, line in zip(_added(document.get("rows", type=Array), at, len(lines)), lines, strict=True):
        for column, value in zip(columns, line, strict=False):
            if value is not None:
                cells[f"{row}:{column}"] = value


def _set_row(document: crdt.Doc, grid: Grid, at: int, line: Line) -> None:
    cells = document.get("cells", type=Map)
    for column, before, after in zip(grid.columns, grid.cells[at], line, strict=True):
        if before != after:
            _set(cells, f"{grid.rows[at]}:{column}", after)


def _set(cells: Map[Value], key: str, value: Value | None) -> None:
    if value is None:
        if key in cells:
            del cells[key]
    else:
        cells[key] = value
