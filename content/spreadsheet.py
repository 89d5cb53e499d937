"""Spreadsheets: a grid whose rows and columns have ids, so that people may insert, remove and fill at the same time without
moving each other's cells.

Three roots of the Yjs document:

    columns: Y.Array of strings, the ids of the columns from left to right
    rows: Y.Array of strings, the ids of the rows from top to bottom
    cells: Y.Map from "row id:column id" to a string, a finite number or a boolean; no entry is an empty cell

Ids hold no colon and come once; where one is met again (two people undid at the same time), the first place counts. A text that
begins with "=" is a formula for the client to compute: here it is text. Cells whose row or column is gone are not shown.

CSV and Markdown know only text. What reads as a number or TRUE/FALSE becomes one when it would be written the same again, so
"007" stays text.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from uuid import uuid4

import orjson
from pycrdt import Array, Map

from content import crdt
from domain.errors import Invalid, LimitExceeded

Value = str | int | float | bool
CELLS = 200_000
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?")
_PATH = ("input", "content")


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells by row and column; None is an empty one. All rows are as long as `columns`."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[Value | None, ...], ...]


def read(document: crdt.Doc) -> Grid:
    """The grid of a document; what doesn't fit the shape is passed over. Raises LimitExceeded beyond `CELLS`."""
    columns = _ids(document.get("columns", type=Array))
    rows = _ids(document.get("rows", type=Array))
    if len(columns) * len(rows) > CELLS:
        raise LimitExceeded(f"A spreadsheet has at most {CELLS} cells.", CELLS)
    found = document.get("cells", type=Map).to_py() or {}
    return Grid(columns, rows, tuple(tuple(_value(found.get(f"{row}:{column}")) for column in columns) for row in rows))


def write(document: crdt.Doc, lines: Sequence[Sequence[Value | None]]) -> None:
    """Fill an empty document."""
    width = max((len(line) for line in lines), default=0)
    if width * len(lines) > CELLS:
        raise LimitExceeded(f"A spreadsheet has at most {CELLS} cells.", CELLS, path=_PATH)
    columns = [new_id() for _ in range(width)]
    rows = [new_id() for _ in lines]
    with document.transaction():
        document.get("columns", type=Array).extend(columns)
        document.get("rows", type=Array).extend(rows)
        cells = document.get("cells", type=Map)
        for row, line in zip(rows, lines, strict=True):
            for column, value in zip(columns, line, strict=False):
                if value is not None:
                    cells[f"{row}:{column}"] = value


def new_id() -> str:
    """An id for a row or column."""
    return uuid4().hex[:12]


def to_csv(grid: Grid) -> str:
    """RFC 4180 with line feeds."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[written(value) for value in row] for row in grid.cells])
    return out.getvalue()


def from_csv(text: str) -> list[list[Value | None]]:
    """Lines of cells. Raises Invalid."""
    try:
        return [
            [cell(value) for value in line]
            for line in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        ]
    except csv.Error as error:
        raise Invalid(_PATH, f"This is not CSV: {error}.") from error


def to_markdown(grid: Grid) -> str:
    """A table whose head is the first row; an empty grid is the empty string."""
    if not grid.columns or not grid.rows:
        return ""
    lines = ["| " + " | ".join(_escaped(written(value)) for value in row) + " |" for row in grid.cells]
    return "\n".join([lines[0], "|" + " --- |" * len(grid.columns), *lines[1:]]) + "\n"


def from_markdown(text: str) -> list[list[Value | None]]:
    """The cells of a text's first table; of a text without one, those of CSV. Raises Invalid."""
    lines = [line.strip() for line in text.split("\n")]
    for at in range(1, len(lines)):
        if "-" in lines[at] and "|" in lines[at] and re.fullmatch(r"\|?(?:\s*:?-+:?\s*\|)*(?:\s*:?-+:?\s*)?", lines[at]):
            body = [lines[at - 1], *_until_blank(lines[at + 1 :])]
            return [[cell(value) for value in _cells_of(line)] for line in body]
    return from_csv(text)


def to_html(grid: Grid) -> str:
    """A table of escaped text."""
    rows = ("".join(f"<td>{escape(written(value))}</td>" for value in row) for row in grid.cells)
    return "<table><tbody>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</tbody></table>"


def to_text(grid: Grid) -> str:
    """A line for each row, its cells apart by tabs."""
    return "".join("\t".join(re.sub(r"\s+", " ", written(value)) for value in row) + "\n" for row in grid.cells)


def to_json(grid: Grid) -> dict[str, Any]:
    """`{"columns": [id], "rows": [{"id": id, "cells": [value]}]}`"""
    rows = [{"id": row, "cells": list(cells)} for row, cells in zip(grid.rows, grid.cells, strict=True)]
    return {"columns": list(grid.columns), "rows": rows}


def written(value: Value | None) -> str:
    """A cell as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def cell(text: str) -> Value | None:
    """A cell from its text."""
    if text in ("TRUE", "FALSE"):
        return text == "TRUE"
    if _NUMBER.fullmatch(text) and text != "-0":
        number = float(text) if "." in text else int(text)
        return number if written(number) == text else text
    return text or None


def _ids(array: Array[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in array if isinstance(name, str) and ":" not in name))


def _value(value: object) -> Value | None:
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value if isinstance(value, str | bool | int) and value != "" else None


def _escaped(text: str) -> str:
    return re.sub(r"[\\|*_`\[\]<]", r"\\\g<0>", text).replace("\r", "").replace("\n", "<br>").strip()


def _cells_of(line: str) -> list[str]:
    inner = line.removeprefix("|")
    inner = re.sub(r"(?<!\\)((?:\\\\)*)\|$", r"\1", inner)
    parts = re.findall(r"(?:\\.|[^|\\]|\\$)*(?:\||$)", inner)
    cells = [part.removesuffix("|") for part in (parts[:-1] if parts and not parts[-1] else parts)]
    return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"(?<!\\)<br>", "\n", part.strip())) for part in cells]


def _until_blank(lines: Iterable[str]) -> list[str]:
    body: list[str] = []
    for line in lines:
        if not line:
            break
        body.append(line)
    return body
