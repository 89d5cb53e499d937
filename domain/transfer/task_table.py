"""The table of tasks in CSV: its columns, and what its cells hold.

A program that computes tables runs a cell that begins like a formula. Such a cell is written with an apostrophe before it, and so
is one that begins with an apostrophe itself, so that reading it back takes away exactly what writing it added.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

COLUMNS: Final = (
    "Key",
    "Project",
    "Title",
    "Description",
    "Status",
    "Priority",
    "Assignee",
    "Creator",
    "Labels",
    "Parent",
    "Start",
    "Due",
    "Recurrence",
    "Estimate",
    "Completed",
    "Created",
    "Updated",
)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "'")


def to_row(row: Mapping[str, Any], *, project: str, people: Mapping[Any, str], labels: Mapping[Any, str]) -> list[str]:
    """The cells of a task; people by address, or name where that is not visible."""
    cells = (
        row["key"],
        project,
        row["title"],
        row["description"],
        row["status"],
        row["priority"],
        people.get(row["assignee_id"]),
        people.get(row["creator_id"]),
        join_values([labels[each] for each in row["label_ids"] if each in labels]),
        row["parent_key"],
        row["start_on"],
        row["due_on"],
        row["recurrence"],
        row["estimate"],
        row["completed_at"],
        row["created_at"],
        row["updated_at"],
    )
    return to_cells(cells)


def to_cells(values: Iterable[Any]) -> list[str]:
    """Values as cells: days and instants as ISO 8601 has them, and nothing that is run as a formula."""
    return [_escape(_text(each)) for each in values]


def unescape(cell: str) -> str:
    """What `to_row` was given for a cell."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA_STARTS and len(cell) > 1 else cell


def join_values(values: list[str]) -> str:
    """Several values in one cell: a row of CSV inside it."""
    if not values:
        return ""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(values)
    return written.getvalue()


def split_values(cell: str) -> list[str]:
    """The values that `join_values` was given."""
    return next(csv.reader([cell], strict=True)) if cell else []


def _escape(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case float():
            return repr(int(value)) if value.is_integer() else repr(value)
    return str(value)
