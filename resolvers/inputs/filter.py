"""Defines the filters and orders that lists share, and converts them to conditions."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET

from domain.errors import BadUserInput
from domain.page import MATCH_ALL, AllOf, AnyOf, Condition, Not, Order, Where
from resolvers import ids
from resolvers.inputs.fields import MAX_IDS, input_type, optional

MAX_FILTER_DEPTH = 3


@strawberry.enum(description="Direction of sorting.")
class OrderDirection(Enum):
    """ASC or DESC."""

    ASC = strawberry.enum_value("ASC", description="Ascending.")
    DESC = strawberry.enum_value("DESC", description="Descending.")


@input_type("Filters by an id. All given conditions must match.")
class IDFilter:
    """All given conditions hold."""

    eq: strawberry.ID | None = optional("Exactly this object.")
    in_: list[strawberry.ID] | None = strawberry.field(
        name="in", description="One of these objects.", default=UNSET, metadata={"of": None}
    )
    is_null: bool | None = optional("Whether there is none.")


@input_type(
    "Filters by a text. `contains` and `startsWith` ignore case, accents, width and Unicode form, and blanks around the words: "
    "`ecole` finds `École`. All given conditions must match."
)
class StringFilter:
    """All given conditions hold."""

    eq: str | None = optional("Exactly this text.")
    in_: list[str] | None = strawberry.field(name="in", description="One of these texts.", default=UNSET, metadata={"of": None})
    contains: str | None = optional("Contains this text; an empty one is contained in all.")
    starts_with: str | None = optional("Begins with this text.")


@input_type("Filters by a day. All given conditions must match.")
class DateFilter:
    """All given conditions hold."""

    eq: date | None = optional("Exactly this day.")
    before: date | None = optional("Earlier than this day.")
    after: date | None = optional("Later than this day.")
    is_null: bool | None = optional("Whether there is none.")


@input_type("Filters by an instant. All given conditions must match.")
class DateTimeFilter:
    """All given conditions hold."""

    before: datetime | None = optional("Earlier than this instant.")
    after: datetime | None = optional("Later than this instant.")
    is_null: bool | None = optional("Whether there is none.")


_OPERATORS = {
    "eq": "eq",
    "in_": "in",
    "not_in": "not_in",
    "contains": "contains",
    "starts_with": "starts_with",
    "before": "before",
    "after": "after",
    "is_null": "is_null",
}


def to_where(filter_: Any, id_types: Mapping[str, str], *, depth: int = 0) -> Where:
    """
    A filter input as conditions on the fields of a list; `id_types` names the type of the ids that a field is compared with.

    `and`, `or` and `not` nest up to 3 deep. Raises BadUserInput for deeper ones, bad ids and null where a value is needed.
    """
    if filter_ is None or filter_ is UNSET:
        return MATCH_ALL
    if depth > MAX_FILTER_DEPTH:
        raise BadUserInput(f"Filters nest at most {MAX_FILTER_DEPTH} deep.", path=("filter",))
    parts: list[Where] = []
    for name, held in vars(filter_).items():
        if held is UNSET or held is None:
            continue
        if name in ("and_", "or_"):
            nested = tuple(to_where(each, id_types, depth=depth + 1) for each in held)
            parts.append(AllOf(nested) if name == "and_" else AnyOf(nested))
        elif name == "not_":
            parts.append(Not(to_where(held, id_types, depth=depth + 1)))
        elif hasattr(held, "__strawberry_definition__") and not isinstance(held, Enum):
            parts += _field_conditions(name, held, id_types.get(name))
        elif name != "include_deleted":
            parts.append(Condition(name, "eq", held))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _field_conditions(field: str, operators: Any, id_type: str | None) -> list[Where]:
    conditions: list[Where] = []
    for name, value in vars(operators).items():
        if value is UNSET:
            continue
        if value is None:
            raise BadUserInput("A condition needs a value; `isNull` asks for none.", path=("filter", field))
        if isinstance(value, list) and len(value) > MAX_IDS:
            raise BadUserInput(f"At most {MAX_IDS} values are allowed.", path=("filter", field))
        if id_type is not None and name != "is_null":
            value = (
                [_decode_id(each, id_type, field) for each in value]
                if isinstance(value, list)
                else _decode_id(value, id_type, field)
            )
        operator = _OPERATORS[name]
        if operator == "not_in" and value and isinstance(value[0], Enum):  # an index knows what to look for, not what not
            operator, value = "in", [each for each in type(value[0]) if each not in value]
        conditions.append(Condition(field, operator, value))  # type: ignore[arg-type]
    return conditions


def _decode_id(value: str, id_type: str, field: str) -> Any:
    return ids.decode(value, id_type, path=("filter", field))


def to_orders(order_by: Any) -> tuple[Order, ...]:
    """The orders of `orderBy`; empty for the default order of the list."""
    if order_by is None or order_by is UNSET:
        return ()
    if len(order_by) > 4:
        raise BadUserInput("A list is sorted by at most 4 fields.", path=("orderBy",))
    return tuple(Order(each.field.value, descending=each.direction is OrderDirection.DESC) for each in order_by)
