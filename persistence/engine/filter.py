"""Filters as SQL: conditions on columns, split into a shape that is compiled once and the values of this request."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, and_, bindparam, false, func, literal_column, or_, true
from sqlalchemy.types import TypeEngine

from domain.collation import search_key, visible
from domain.errors import BadUserInput
from domain.page import AllOf, AnyOf, Condition, Not, Operator, Where

Column = ColumnElement[Any]
ConditionBuilder = Callable[[str, Any], Column]
FilterFields = Mapping[str, Column | ConditionBuilder]
MAX_FILTER_PARTS = 100


def extract_values(where: Where, params: dict[str, Any]) -> Any:
    """The shape of a filter, its values moved to parameters `where_1`, `where_2` … Raises BadUserInput for one with too many
    parts."""
    taken = 0

    def shape(part: Where) -> Any:
        nonlocal taken
        taken += 1
        if taken > MAX_FILTER_PARTS:
            raise BadUserInput(f"A filter has at most {MAX_FILTER_PARTS} parts.", path=("filter",))
        match part:
            case Condition(field=name, operator="is_null", value=value):
                return (name, "is_null", bool(value))
            case Condition(field=name, operator=operator, value=value):
                parameter = f"where_{taken}"
                params[parameter] = _comparable(value, operator)
                return (name, operator, parameter)
            case AllOf(parts=parts):
                return ("and", *(shape(each) for each in parts))
            case AnyOf(parts=parts):
                return ("or", *(shape(each) for each in parts))
            case Not(part=inner):
                return ("not", shape(inner))

    return shape(where)


def _comparable(value: Any, operator: Operator) -> Any:
    """A value as it is compared with what is stored (`domain.collation`)."""
    if isinstance(value, list):
        return [_comparable(each, operator) for each in value]
    if type(value) is not str:
        return value
    return search_key(value) if operator in ("contains", "starts_with") else visible(value)


def condition(fields: FilterFields, shape: Any) -> Column:
    """The shape as SQL over a listing's fields: each a column, or a function from operator and parameter to a condition."""
    head, *rest = shape
    if head == "and":
        return and_(true(), *(condition(fields, each) for each in rest))
    if head == "or":
        return or_(false(), *(condition(fields, each) for each in rest))
    if head == "not":
        return ~func.coalesce(condition(fields, rest[0]), false())
    operator, parameter = rest
    target = fields[head]
    if not isinstance(target, ColumnElement):
        return target(operator, parameter)
    return compare(target, operator, parameter)


def text_condition(text: Column, collation: Column) -> ConditionBuilder:
    """The conditions on a text: on itself, and, for a part of it, on its collation key, which begins with its search key."""

    def build(operator: str, parameter: Any) -> Column:
        if operator == "contains":
            return func.strpos(collation, bindparam(parameter, type_=Text)) > literal_column("0")
        if operator == "starts_with":
            return func.starts_with(collation, bindparam(parameter, type_=Text))
        return compare(text, operator, parameter)

    return build


def compare(target: Column, operator: str, parameter: Any) -> Column:
    """A column compared with the parameter of this name (for `is_null`: with True or False)."""
    if operator == "is_null":
        return target.is_(None) if parameter else target.is_not(None)
    one: TypeEngine[Any] = target.type
    match operator:
        case "eq":
            return target == bindparam(parameter, type_=one)
        case "in":
            return target == func.any(bindparam(parameter, type_=ARRAY(one)))
        case "not_in":
            return target != func.all(bindparam(parameter, type_=ARRAY(one)))
        case "before":
            return target < bindparam(parameter, type_=one)
        case "after":
            return target > bindparam(parameter, type_=one)
    raise AssertionError(operator)
