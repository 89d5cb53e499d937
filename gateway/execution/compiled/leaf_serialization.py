"""How a leaf value becomes JSON: a quick test in the generated code, and graphql-core's own serializer for all that fails it.

Instants of UTC and days stay as they are, since orjson writes them as we do (`AS_JSON`) for a tenth of what `isoformat` costs.

In a template, `{v}` reads the value once and gives it the name `{x}`. What does not pass the test goes to `{slow}`, which
serializes as graphql-core would, or raises; an operation whose program raises is answered by graphql-core. The name of an enum's
value is looked up in a dict instead, which a value of another kind leaves with a KeyError. Values of a column that can hold
nothing else need no test at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import NoneType
from typing import Any, get_args

import orjson
from graphql import GraphQLEnumType, GraphQLOutputType, GraphQLScalarType

from gateway.execution.compiled.runtime import NullInNonNull
from gateway.execution.compiled.type_predicates import unwrap_non_null

Serialize = Callable[[Any], Any]

JSON_OPTIONS = orjson.OPT_UTC_Z
"""How the data of an operation is written by orjson."""

_TEXT = "({x} if ({v}).__class__ is str else {slow}({x}))"
_DATETIME = "({x} if ({v}).__class__ is datetime and {x}.tzinfo is UTC else {slow}({x}))"
_TEMPLATES = {
    "String": _TEXT,
    "ID": _TEXT,
    "Markdown": _TEXT,
    "URL": _TEXT,
    "SyncCursor": _TEXT,
    "DateTime": _DATETIME,
    "Boolean": "({x} if ({v}).__class__ is bool else {slow}({x}))",
    "Int": "({x} if ({v}).__class__ is int and -2147483648 <= {x} <= 2147483647 else {slow}({x}))",
}
_ENUM_NAME = "{slow}[{v}]"
_ENUM_NAME_OR_NULL = "(None if ({v}) is None else {slow}[{x}])"
_DATE = "({x} if ({v}).__class__ is date or {x} is None else {slow}({x}))"
_SLOW_PATH = "{slow}({v})"


@dataclass(frozen=True, slots=True)
class LeafTemplate:
    """A template, and what stands behind its `slow`: a serializer, or an enum's names by value."""

    template: str
    serializer: Any

    def expression(self, source: str, variable: str, serializer_name: str) -> str:
        """The template filled in: the value's expression, a name for it, and the name of the serializer."""
        value = f"{variable} := {source}" if "{x}" in self.template else source
        return self.template.format(v=value, x=variable, slow=serializer_name)


def leaf_template(type_: GraphQLScalarType | GraphQLEnumType, *, nullable: bool) -> LeafTemplate:
    """How values of a leaf type are written."""
    if isinstance(type_, GraphQLEnumType):
        # A row's plain string equals the member, and so finds the same name.
        return LeafTemplate(
            _ENUM_NAME_OR_NULL if nullable else _ENUM_NAME, {value.value: name for name, value in type_.values.items()}
        )
    serialize: Serialize = type_.serialize

    def slow(value: Any) -> Any:
        written = None if value is None else serialize(value)
        if written is None and not nullable:
            raise NullInNonNull
        return written

    if type_.name == "Date" and nullable:
        return LeafTemplate(_DATE, slow)
    return LeafTemplate(_TEMPLATES.get(type_.name, _SLOW_PATH), slow)


_UNCHECKED_SCALARS: dict[Any, frozenset[str]] = {
    str: frozenset(name for name, template in _TEMPLATES.items() if template is _TEXT),
    datetime: frozenset({"DateTime"}),
    bool: frozenset({"Boolean"}),
}


def needs_no_check(type_: GraphQLOutputType, column_type: Any) -> bool:
    """Whether values of a column of this kind (`str`, `date | None`, an enum) are, as they are, JSON values of a type."""
    nullable, inner = unwrap_non_null(type_)
    kinds = [each for each in get_args(column_type) if each is not NoneType] or [column_type]
    if len(kinds) > 1 or (NoneType in get_args(column_type) and not nullable):
        return False
    (own,) = kinds
    if isinstance(inner, GraphQLEnumType):
        named = {name: value.value for name, value in inner.values.items()}
        return isinstance(own, type) and issubclass(own, StrEnum) and named == {each.value: each for each in own}
    if own is date:
        return isinstance(inner, GraphQLScalarType) and inner.name == "Date" and nullable
    return isinstance(inner, GraphQLScalarType) and inner.name in _UNCHECKED_SCALARS.get(own, ())
