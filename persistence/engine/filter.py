"""Compiles filters to SQL: each kind of condition once, and any shape of filter by joining the texts of its conditions.

A filter has a *shape*, a tree of conditions without their values, and *values*, which become parameters. Clients choose the
shape, so there is no end of them. SQLAlchemy takes 100 ms and megabytes for a filter of 95 conditions; so it compiles only the
*kinds* of conditions (a field with an operator), of which a list has a few dozen. The shape

    ("and", ("status", "in", "where_1"), ("not", ("title", "contains", "where_2")))

becomes, in 10 µs,

    (tasks.status = ANY ($1::VARCHAR[]) AND NOT coalesce(strpos(tasks.title_collation, $2::VARCHAR) > 0, false))

Shapes are normalized, so that equal filters have one text: nested `and` and `or` are flattened, repeated conditions dropped,
parts sorted, and `or` of equal values of one column merged into one `in`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, bindparam, func, literal_column
from sqlalchemy.types import Boolean, Text, TypeEngine

from domain.collation import search_key, visible
from domain.errors import BadUserInput
from domain.page import MATCH_ALL, AllOf, AnyOf, Condition, Not, Operator, Where
from persistence.engine.statement import SqlText, compile_text

Column = ColumnElement[Any]
ConditionBuilder = Callable[[str, Any], Column]


class TextField(NamedTuple):
    """A text that is compared as it is, and, for a part of it, by its collation key, which begins with its search key.

    `cut`: what an index holds of a collation key, which may be too long for it. `has_trigrams`: an index holds the trigrams of
    the collation key, by which its parts are found where they have a trigram themselves.
    """

    text: Column
    collation: Column
    cut: Callable[[Column], Column] | None = None
    has_trigrams: bool = False


FilterFields = Mapping[str, Column | TextField | ConditionBuilder]
Shape = tuple[Any, ...]
MAX_FILTER_PARTS: Final = 100
MATCH_ALL_SHAPE: Final[Shape] = ("and",)

_KIND: Final = attrgetter("field", "operator")
_BEGIN, _END = literal_column("filter_begin__", Boolean), literal_column("filter_end__", Boolean)
_TRIGRAM: Final = re.compile(r"[^\W_]{3}")
_BETWEEN: Final = re.compile(r"filter_begin__ AND (.*) AND filter_end__", re.DOTALL)


class _Part(NamedTuple):
    """A normalized part of a filter: its kind and sort key, and either a value or further parts."""

    head: str
    operator: str
    value: Any
    parts: tuple["_Part", ...]
    key: str


def extract_values(where: Where, params: dict[str, Any], fields: FilterFields) -> Shape:
    """The normalized shape of a filter, its values moved to the parameters `where_1`, `where_2` … Raises BadUserInput for one
    with too many parts."""
    if where is MATCH_ALL:
        return MATCH_ALL_SHAPE
    conditions: list[Condition] = []
    if _is_conjunction(where, conditions) and len(conditions) < MAX_FILTER_PARTS:  # most filters: no need to normalize more
        conditions.sort(key=_KIND)
        shapes: list[Shape] = []
        for index, each in enumerate(conditions, 1):
            if each.operator == "is_null":
                shapes.append((each.field, "is_null", bool(each.value)))
            else:
                params[f"where_{index}"] = _comparable(each.value, each.operator)
                operator = _operator(each.field, each.operator, params[f"where_{index}"], fields)
                shapes.append((each.field, operator, f"where_{index}"))
        return shapes[0] if len(shapes) == 1 else ("and", *shapes)
    if _count_parts(where) > MAX_FILTER_PARTS:
        raise BadUserInput(f"A filter has at most {MAX_FILTER_PARTS} parts.", path=("filter",))
    number = 0

    def to_shape(part: _Part) -> Shape:
        nonlocal number
        if part.parts or not part.operator:
            return (part.head, *map(to_shape, part.parts))
        if part.operator == "is_null":
            return (part.head, "is_null", bool(part.value))
        number += 1
        params[f"where_{number}"] = part.value
        return (part.head, _operator(part.head, part.operator, part.value, fields), f"where_{number}")

    return to_shape(_normalize(where, fields))


def _is_conjunction(where: Where, conditions: list[Condition]) -> bool:
    """Whether the filter only joins conditions by `and`; collects them."""
    if isinstance(where, Condition):
        conditions.append(where)
        return True
    return isinstance(where, AllOf) and all(_is_conjunction(each, conditions) for each in where.parts)


def _count_parts(where: Where) -> int:
    match where:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return 1 + sum(map(_count_parts, parts))
        case Not(part=inner):
            return 1 + _count_parts(inner)
    return 1


def _normalize(where: Where, fields: FilterFields) -> _Part:
    match where:
        case Condition(field=name, operator=operator, value=value):
            value = _comparable(value, operator)
            return _Part(name, operator, value, (), f"{name} {operator} {value if operator == 'is_null' else ''}")
        case Not(part=inner):
            part = _normalize(inner, fields)
            return _Part("not", "", None, (part,), f"not({part.key})")
        case AllOf(parts=parts):
            return _join("and", [_normalize(each, fields) for each in parts])
        case AnyOf(parts=parts):
            return _join("or", _merge_equal([_normalize(each, fields) for each in parts], fields))


def _comparable(value: Any, operator: Operator) -> Any:
    """A value as it is compared with what is stored (`domain.collation`)."""
    if isinstance(value, list):
        return [_comparable(each, operator) for each in value]
    if type(value) is not str:
        return value
    return search_key(value) if operator in ("contains", "starts_with") else visible(value)


def _join(head: str, parts: Sequence[_Part]) -> _Part:
    """The parts flattened, sorted by kind and without repetitions; a single part stands for itself."""
    flat = [inner for part in parts for inner in (part.parts if part.head == head and not part.operator else (part,))]
    distinct = sorted({(part.key, repr(part)): part for part in flat}.values(), key=lambda part: part.key)
    if len(distinct) == 1:
        return distinct[0]
    return _Part(head, "", None, tuple(distinct), f"{head}({','.join(part.key for part in distinct)})")


def _merge_equal(parts: Sequence[_Part], fields: FilterFields) -> list[_Part]:
    """The alternatives with all that compare one column for equality as one `in`."""
    values: dict[str, list[Any]] = {}
    merged: list[_Part] = []
    for part in parts:
        if part.operator in ("eq", "in") and isinstance(fields.get(part.head), ColumnElement | TextField):
            values.setdefault(part.head, []).extend(part.value if part.operator == "in" else [part.value])
        else:
            merged.append(part)
    return [*merged, *(_Part(name, "in", list(dict.fromkeys(each)), (), f"{name} in ") for name, each in values.items())]


class FilterCompiler:
    """Compiles the filters of one list; `base` selects from all tables that its conditions refer to."""

    def __init__(self, base: Any, fields: FilterFields) -> None:
        self._base = base
        self._fields = fields
        self._kinds: dict[tuple[str, str, bool | None], SqlText] = {}

    def compile(self, shape: Shape) -> SqlText:
        """The SQL of a shape."""
        head, *rest = shape
        if head in ("and", "or"):
            if not rest:
                return SqlText("true" if head == "and" else "false")
            return SqlText.join(f" {head.upper()} ", [self.compile(each) for each in rest]).wrapped("(", ")")
        if head == "not":
            return self.compile(rest[0]).wrapped("NOT coalesce(", ", false)")
        operator, parameter = rest
        if operator == "is_null":
            return self._kind(head, operator, is_null=parameter)
        return self._kind(head, operator, is_null=None).renamed({"where": parameter})

    def _kind(self, name: str, operator: str, *, is_null: bool | None) -> SqlText:
        """The SQL of a kind of condition, with the value as the parameter `where`."""
        key = (name, operator, is_null)
        if key not in self._kinds:
            target = self._fields[name]
            argument: Any = "where" if is_null is None else is_null
            column = _condition(target, operator, argument)
            compiled = compile_text(self._base.where(_BEGIN, column, _END))
            found = _BETWEEN.search(compiled.text)
            assert found is not None
            assert "anon_" not in found[1], "an anonymous name could mean something else in another statement"
            text = SqlText(f"({found[1]})", compiled.constants)
            self._kinds[key] = text.renamed({each: f"kind_{len(self._kinds)}_{each}" for each in compiled.constants})
        return self._kinds[key]


def _condition(target: Column | TextField | ConditionBuilder, operator: str, parameter: Any) -> Column:
    if isinstance(target, ColumnElement):
        return compare(target, operator, parameter)
    if not isinstance(target, TextField):
        return target(operator, parameter)
    match operator:
        case "contains" | "contains_few":
            part = bindparam(parameter, type_=Text)
            contains = func.strpos(target.collation, part) > literal_column("0")
            if operator == "contains_few" or not target.has_trigrams:
                return contains
            return contains & target.collation.like(_like_pattern(part))
        case "starts_with":
            prefix = bindparam(parameter, type_=Text)
            begins = func.starts_with(target.collation, prefix)
            return begins if target.cut is None else begins & _in_range(target.cut(target.collation), target.cut(prefix))
    return compare(target.text, operator, parameter)


def _operator(field: str, operator: str, value: Any, fields: FilterFields) -> str:
    """The operator, where `contains_few` stands for a part without three letters or digits together: an index of trigrams would
    be read as a whole for it."""
    target = fields.get(field)
    finds = operator != "contains" or not isinstance(target, TextField) or _TRIGRAM.search(value) is not None
    return operator if finds else "contains_few"


_PERCENT, _UNDERSCORE, _BACKSLASH = (literal_column(f"chr({ord(each)})", Text) for each in "%_\\")


def _like_pattern(part: Column) -> Column:
    """The pattern of texts that contain a part."""
    for each in (_BACKSLASH, _PERCENT, _UNDERSCORE):
        part = func.replace(part, each, _BACKSLASH + each, type_=Text)
    return _PERCENT + part + _PERCENT


def _in_range(indexed: Column, prefix: Column) -> Column:
    """The part of an index in which the texts with a prefix lie. No collation key has U+10FFFF behind a prefix: U+0002 stands
    before what is no letter."""
    return (indexed >= prefix) & (indexed < prefix + literal_column("chr(1114111)", Text))


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
