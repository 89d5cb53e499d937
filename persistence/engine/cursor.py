"""Encodes cursors, the position of a row in a sorted list as an opaque string, and compares rows with them.

A cursor is base64url of JSON: a tag that names the order, the row's sort values, and its id. It is not signed: it contains
nothing that its reader may not know, and every value is checked against its column before it reaches a statement.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, and_, bindparam, func, or_, tuple_

from domain.errors import CursorInvalid

Column = ColumnElement[Any]


class CursorState(Enum):
    """What the statement of a page must know of a value in its cursor."""

    VALUE = "value"
    REPLACEABLE = "replaceable"


@dataclass(frozen=True)
class SortColumn:
    """One column to sort by: an expression that is never NULL, so that a comparison with a cursor is the range of an index.

    `attribute` is its name in rows; `selected`: rows contain it only because the page selects it beside their attributes.
    `unset`: what the expression is where the attribute is None; no value of the attribute equals it. `current`: what a cursor's
    value is now, for values that the server replaces by others of the same place; only for those that are `replaceable`.
    """

    column: Column
    attribute: str
    unset: Column | None = None
    selected: bool = False
    current: Callable[[Column], Column] | None = None
    replaceable: Callable[[Any], bool] = lambda _: False

    def state(self, value: Any) -> CursorState:
        """What the statement must know of a cursor's value."""
        return CursorState.REPLACEABLE if value is not None and self.replaceable(value) else CursorState.VALUE

    def value(self, name: str, state: CursorState) -> Column:
        """A cursor's value, which is the parameter of this name, as the expression would be."""
        value: Column = bindparam(name, type_=self.column.type)
        if state is CursorState.REPLACEABLE and self.current is not None:
            return self.current(value)
        return value if self.unset is None else func.coalesce(value, self.unset, type_=self.column.type)


def sort_last(column: Column, unset: Column, attribute: str) -> SortColumn:
    """Sorts by a column that may be NULL, which counts as `unset`, a value above all others."""
    return SortColumn(func.coalesce(column, unset, type_=column.type), attribute, unset=unset)


SortOrder = Sequence[tuple[SortColumn, bool]]


def encode_cursor(sorts: SortOrder, row: Any) -> str:
    """The cursor of a row under an order."""
    held = [_sort_value(row, sort.attribute) for sort, _ in sorts]
    return base64.urlsafe_b64encode(orjson.dumps([_order_tag(sorts), *held, row.id], default=str)).rstrip(b"=").decode()


def _sort_value(row: Any, attribute: str) -> Any:
    """An attribute of the dataclass, or a column that the list selects beside it."""
    return getattr(row, attribute) if hasattr(type(row), attribute) else row[attribute]


def decode_cursor(cursor: str, sorts: SortOrder) -> dict[str, Any]:
    """The values of a cursor, as the parameters `cursor_id` and, for n sort columns from the first, `cursor_{n+1}` …
    `cursor_2`."""
    try:
        tag, *held, row_id = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if tag != _order_tag(sorts) or len(held) != len(sorts):
            raise CursorInvalid("The cursor belongs to another list or order.")
        places = range(len(sorts) + 1, 1, -1)
        read = {f"cursor_{place}": _parse_value(sort, value) for place, (sort, _), value in zip(places, sorts, held, strict=True)}
        return read | {"cursor_id": UUID(row_id)}
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise CursorInvalid from error


def _order_tag(sorts: SortOrder) -> str:
    return ",".join(f"-{sort.attribute}" if descending else sort.attribute for sort, descending in sorts)


def _parse_value(sort: SortColumn, value: Any) -> Any:
    """A cursor's JSON value as the column's Python value; anything that the column could not hold is refused."""
    if value is None:
        if sort.unset is None:
            raise ValueError("NULL in a column that has none")
        return None
    kind = sort.column.type.python_type
    if kind is date:
        return date.fromisoformat(value)
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError("an instant without a zone")
        return instant.astimezone(UTC)
    if kind is UUID:
        return UUID(value)
    if kind is int:
        if type(value) is not int or not -(2**31) <= value < 2**31:
            raise ValueError("not a 32-bit integer")
        return value
    enums = getattr(sort.column.type, "enums", None)
    if not isinstance(value, str) or "\x00" in value or (enums is not None and value not in enums):
        raise ValueError("not a value of the column")
    return value


def after_cursor(sorts: SortOrder, states: Sequence[CursorState]) -> Column:
    """Rows after the cursor's, as the range of an index: of all columns where they are sorted in one direction, else of the
    first, and then the first column in which they differ decides."""
    names = ["cursor_id" if place == 1 else f"cursor_{place}" for place in range(len(sorts), 0, -1)]
    values = [sort.value(name, state) for (sort, _), name, state in zip(sorts, names, states, strict=True)]
    compared = [(sort.column, descending, value) for (sort, descending), value in zip(sorts, values, strict=True)]
    first, descending, value = compared[0]
    if len({descending for _, descending in sorts}) == 1:
        own, theirs = tuple_(*(sort.column for sort, _ in sorts)), tuple_(*values)
        return own < theirs if descending else own > theirs
    return and_(first <= value if descending else first >= value, _beyond(compared))


def _beyond(compared: Sequence[tuple[Column, bool, Column]]) -> Column:
    (own, descending, value), *rest = compared
    beyond = own < value if descending else own > value
    return or_(beyond, and_(own == value, _beyond(rest))) if rest else beyond
