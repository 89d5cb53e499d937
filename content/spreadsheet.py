"""Spreadsheets: a grid whose rows and columns have ids, so that people may insert, remove and fill at the same time without
moving each other's cells.

Three roots of the Yjs document:

    columns: Y.Array of strings, the ids of the columns from left to right
    rows: Y.Array of strings, the ids of the rows from top to bottom
    cells: Y.Map from "row id:column id" to a string, a finite number or a boolean; no entry is an empty cell

Ids hold no colon and come once; where one is met again (two people undid at the same time), the first place counts. A text that
begins with "=" is a formula for the client to compute: here it is text. Cells whose row or column is gone are not shown.
"""

import math
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from uuid import uuid4

from pycrdt import Array, Map

from content import crdt
from content.table_text import Line, Value, to_text
from content.update_writer import encode_roots
from domain.errors import LimitExceeded, Path

MAX_CELLS: Final = 200_000
_PATH: Path = ("input", "content")


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells by row and column; None is an empty one. All rows are as long as `columns`."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[Value | None, ...], ...]


def read(document: crdt.Doc) -> Grid:
    """The grid of a document; what doesn't fit the shape is passed over. Raises LimitExceeded beyond `MAX_CELLS`."""
    columns = ids_of(document, "columns")
    rows = ids_of(document, "rows")
    require_cells(len(columns), len(rows), None)
    found = document.get("cells", type=Map).to_py() or {}
    return Grid(columns, rows, tuple(tuple(_value(found.get(f"{row}:{column}")) for column in columns) for row in rows))


def encode(lines: Sequence[Line]) -> bytes:
    """The update that fills an empty document. Raises LimitExceeded."""
    width = max((len(line) for line in lines), default=0)
    require_cells(width, len(lines), _PATH)
    columns, rows = new_ids(width), new_ids(len(lines))
    cells = {
        f"{row}:{column}": value
        for row, line in zip(rows, lines, strict=True)
        for column, value in zip(columns, line, strict=False)
        if value is not None
    }
    return encode_roots(uuid4().int >> 96, {"columns": columns, "rows": rows}, {"cells": cells})


def require_cells(columns: int, rows: int, path: Path | None) -> None:
    """Raises LimitExceeded where a grid would have too many cells."""
    if columns * rows > MAX_CELLS:
        raise LimitExceeded(f"A spreadsheet has at most {MAX_CELLS} cells.", MAX_CELLS, path=path)


def ids_of(document: crdt.Doc, root: str) -> tuple[str, ...]:
    """The ids of rows or columns, each once."""
    array: Array[Any] = document.get(root, type=Array)
    return tuple(dict.fromkeys(name for name in array.to_py() or () if is_id(name)))


def is_id(name: object) -> bool:
    """Returns whether a value in an array is the id of a row or column."""
    return isinstance(name, str) and ":" not in name


def new_ids(count: int, taken: Container[str] = ()) -> list[str]:
    """Ids for rows or columns, none of them `taken`."""
    found: dict[str, None] = {}
    while len(found) < count:
        name = uuid4().hex[:12]
        if name not in taken:
            found[name] = None
    return list(found)


def to_html(grid: Grid) -> str:
    """A table of escaped text."""
    rows = ("".join(f"<td>{escape(to_text(value))}</td>" for value in row) for row in grid.cells)
    return "<table><tbody>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</tbody></table>"


def to_plain_text(grid: Grid) -> str:
    """A line for each row, its cells apart by tabs."""
    return "".join("\t".join(re.sub(r"\s+", " ", to_text(value)) for value in row) + "\n" for row in grid.cells)


def to_json(grid: Grid) -> dict[str, Any]:
    """`{"columns": [id], "rows": [{"id": id, "cells": [value]}]}`"""
    rows = [{"id": row, "cells": list(cells)} for row, cells in zip(grid.rows, grid.cells, strict=True)]
    return {"columns": list(grid.columns), "rows": rows}


def _value(value: object) -> Value | None:
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value if isinstance(value, str | bool | int) and value != "" else None
