"""Changes a spreadsheet into another table cell by cell, so that what stays keeps its ids, and what others write in it.

Cells are the same where they are written the same: a text "5" that somebody typed is no other cell than the number that is read
from it.
"""

from collections.abc import Sequence
from typing import Any

from pycrdt import Array, Map

from content import crdt
from content.alignment import gaps
from content.guard import MAX_DOCUMENT_BYTES
from content.spreadsheet import Grid, ids_of, is_id, new_ids, read, require_cells
from content.table_text import Line, Value, from_markdown, from_text, to_text
from domain.errors import LimitExceeded


def replace_cells(document: crdt.Doc, text: str, *, append: bool = False) -> None:
    """Makes a spreadsheet hold this table (Markdown or CSV), or appends its rows. Raises Invalid, LimitExceeded."""
    grid, lines = read(document), from_markdown(text)
    width = max((len(line) for line in lines), default=0)
    require_cells(max(width, len(grid.columns)), len(lines) + (len(grid.rows) if append else 0), None)
    with document.transaction():
        if append:
            more = _Axis(document, "columns").insert(len(grid.columns), width - len(grid.columns))
            _insert_rows(document, _Axis(document, "rows"), len(grid.rows), [*grid.columns, *more], lines)
            return
        grid = _with_columns(document, grid, lines, width)
        full = [tuple(line) + (None,) * (width - len(line)) for line in lines]
        rows = _Axis(document, "rows")
        for start, end, begin, stop in reversed(gaps(_as_text(grid.cells), _as_text(full))):
            both = min(end - start, stop - begin)
            for at in range(both):
                _set_row(document, grid, start + at, full[begin + at])
            _insert_rows(document, rows, start + both, grid.columns, full[begin + both : stop])
            rows.remove(start + both, end)


def restore_cells(document: crdt.Doc, wanted: Grid) -> None:
    """Makes a spreadsheet the grid that another state of it had: its rows and columns by their ids, and all that is in their
    cells.
    """
    with document.transaction():
        for root, ids in (("columns", wanted.columns), ("rows", wanted.rows)):
            _restore_ids(document, root, ids)
        cells = document.get("cells", type=Map)
        for row, before, after in zip(wanted.rows, read(document).cells, wanted.cells, strict=True):
            for column, held, value in zip(wanted.columns, before, after, strict=True):
                if held != value or isinstance(held, bool) != isinstance(value, bool):
                    _set(cells, f"{row}:{column}", value)


def _restore_ids(document: crdt.Doc, root: str, ids: Sequence[str]) -> None:
    """Deletes first all that is not wanted, or elsewhere: the same ids may be inserted again."""
    held = ids_of(document, root)
    changes = gaps(held, ids)
    axis = _Axis(document, root)
    for start, end, _, _ in reversed(changes):
        axis.remove(start, end)
    axis = _Axis(document, root)
    gone = sum(end - start for start, end, _, _ in changes)
    for start, end, begin, stop in reversed(changes):
        gone -= end - start
        axis.insert(start - gone, stop - begin, ids[begin:stop])


def replace_in_cells(document: crdt.Doc, find: str, replacement: str) -> bool:
    """Replaces a text in all cells; whether it stood in one."""
    grid = read(document)
    cells = document.get("cells", type=Map)
    found = False
    times = sum(to_text(value).count(find) for line in grid.cells for value in line)
    if times * len(replacement) > MAX_DOCUMENT_BYTES:
        raise LimitExceeded("The document would become too large.", MAX_DOCUMENT_BYTES, path=("input", "replaceWith"))
    with document.transaction():
        for row, line in zip(grid.rows, grid.cells, strict=True):
            for column, value in zip(grid.columns, line, strict=True):
                if find in (text := to_text(value)):
                    found = True
                    _set(cells, f"{row}:{column}", from_text(text.replace(find, replacement)))
    return found


def _as_text(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    return [tuple(map(to_text, line)) for line in lines]


def _with_columns(document: crdt.Doc, grid: Grid, lines: Sequence[Line], width: int) -> Grid:
    """Gives the grid as many columns as the table; the first row decides which ones stay."""
    if width == len(grid.columns):
        return grid
    head = [to_text(value) for value in grid.cells[0]] if grid.cells else []
    first = [to_text(value) for value in lines[0]] + [""] * (width - len(lines[0])) if lines else []
    columns = _Axis(document, "columns")
    for start, end, begin, stop in reversed(gaps(head or [""] * len(grid.columns), first)):
        both = min(end - start, stop - begin)
        columns.insert(start + both, stop - begin - both)
        columns.remove(start + both, end)
    return read(document)


class _Axis:
    """The ids of rows or columns in their array, to be changed from the end on: so the places before a change stay what they
    were.
    """

    def __init__(self, document: crdt.Doc, root: str) -> None:
        self._array: Array[Any] = document.get(root, type=Array)
        self._values: list[object] = self._array.to_py() or []
        self._places = self._first_places()

    def insert(self, at: int, count: int, ids: Sequence[str] | None = None) -> Sequence[str]:
        """Inserts ids, new ones if none are given, before the row or column that is number `at`."""
        ids = new_ids(count, self._places) if ids is None else ids
        if ids:
            places = self._without_repeated()
            place = places[at] if at < len(places) else len(self._values)
            for name in reversed(ids):  # all at one place, since yrs walks from the start to find it
                self._array.insert(place, name)
        return ids

    def remove(self, start: int, end: int) -> None:
        """Deletes rows or columns by their numbers, neighbours at once."""
        if start == end:
            return
        places = self._without_repeated()[start:end]
        while places:
            first = len(places) - 1
            while first and places[first - 1] == places[first] - 1:
                first -= 1
            del self._array[places[first] : places[-1] + 1]
            del places[first:]

    def _first_places(self) -> dict[str, int]:
        places: dict[str, int] = {}
        for place, value in enumerate(self._values):
            if isinstance(value, str) and is_id(value):
                places.setdefault(value, place)
        return places

    def _without_repeated(self) -> list[int]:
        """The places of rows or columns, after ids that stand there again were deleted: they would come to count."""
        repeated = [at for at, value in enumerate(self._values) if is_id(value) and self._places[str(value)] != at]
        for place in reversed(repeated):
            del self._array[place]
            del self._values[place]
        if repeated:
            self._places = self._first_places()
        return list(self._places.values())


def _insert_rows(document: crdt.Doc, rows: _Axis, at: int, columns: Sequence[str], lines: Sequence[Line]) -> None:
    cells = document.get("cells", type=Map)
    for row, line in zip(rows.insert(at, len(lines)), lines, strict=True):
        for column, value in zip(columns, line, strict=False):
            if value is not None:
                cells[f"{row}:{column}"] = value


def _set_row(document: crdt.Doc, grid: Grid, at: int, line: Line) -> None:
    cells = document.get("cells", type=Map)
    for column, before, after in zip(grid.columns, grid.cells[at], line, strict=True):
        if to_text(before) != to_text(after):
            _set(cells, f"{grid.rows[at]}:{column}", after)


def _set(cells: Map[Value], key: str, value: Value | None) -> None:
    if value is None:
        if key in cells:
            del cells[key]
    else:
        cells[key] = value
