"""Serializes leaf values: a cheap type test in the generated code, and graphql-core's serializer for values that fail it.

UTC instants and dates stay Python objects, since orjson writes them in the same form (`JSON_OPTIONS`) at a tenth of the cost of
`isoformat`.

In a template, `{v}` reads the value once and assigns it to `{x}`; `{slow}` is a function that serializes as graphql-core does, or
raises. The template of String,

    ({x} if ({v}).__class__ is str else {slow}({x}))

becomes `(x0 if (x0 := o.title).__class__ is str else slow31(x0))`. The name of an enum value is looked up in a dict instead,
which raises KeyError for any other value. Values of a column that can hold nothing else need no test (`needs_no_check`).
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
from gateway.execution.compiled.selections import unwrap_non_null
from resolvers.long_values import LongBytes, LongText

Serialize = Callable[[Any], Any]

JSON_OPTIONS = orjson.OPT_UTC_Z
"""The options with which orjson writes the data of an operation."""


def dump_data(value: Any) -> bytes:
    """The JSON of data of an operation, all of it at once (`gateway.execution.answer_size` takes turns)."""
    return orjson.dumps(value, option=JSON_OPTIONS, default=_encode_long_value)


def _encode_long_value(value: Any) -> orjson.Fragment:
    if isinstance(value, LongText | LongBytes):
        return orjson.Fragment(b"".join(value.json_slices()))
    raise TypeError


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
    """A template and the object behind its `slow`: a serializer, or the names of an enum by value."""

    template: str
    serializer: Any

    def expression(self, source: str, variable: str, serializer_name: str) -> str:
        """The template filled in with the value's expression, a variable for it, and the name of the serializer."""
        value = f"{variable} := {source}" if "{x}" in self.template else source
        return self.template.format(v=value, x=variable, slow=serializer_name)


def leaf_template(type_: GraphQLScalarType | GraphQLEnumType, *, nullable: bool) -> LeafTemplate:
    """The template for values of a leaf type."""
    if isinstance(type_, GraphQLEnumType):
        # A row's plain string equals the member, and so finds the same name.
        return LeafTemplate(
            _ENUM_NAME_OR_NULL if nullable else _ENUM_NAME, {value.value: name for name, value in type_.values.items()}
        )
    serialize: Serialize = type_.serialize

    def slow(value: Any) -> Any:
        if value.__class__ is LongText:
            return value
        serialized = None if value is None else serialize(value)
        if serialized is None and not nullable:
            raise NullInNonNull
        return serialized

    if type_.name == "Date" and nullable:
        return LeafTemplate(_DATE, slow)
    return LeafTemplate(_TEMPLATES.get(type_.name, _SLOW_PATH), slow)


_UNCHECKED_SCALARS: dict[Any, frozenset[str]] = {
    str: frozenset(name for name, template in _TEMPLATES.items() if template is _TEXT),
    datetime: frozenset({"DateTime"}),
    bool: frozenset({"Boolean"}),
}


def needs_no_check(type_: GraphQLOutputType, column_type: Any) -> bool:
    """Whether every value of a column of this type (`str`, `date | None`, an enum) is already a JSON value of the GraphQL
    type."""
    nullable, inner = unwrap_non_null(type_)
    types = [each for each in get_args(column_type) if each is not NoneType] or [column_type]
    if len(types) > 1 or (NoneType in get_args(column_type) and not nullable):
        return False
    (own,) = types
    if isinstance(inner, GraphQLEnumType):
        named = {name: value.value for name, value in inner.values.items()}
        return isinstance(own, type) and issubclass(own, StrEnum) and named == {each.value: each for each in own}
    if own is date:
        return isinstance(inner, GraphQLScalarType) and inner.name == "Date" and nullable
    return isinstance(inner, GraphQLScalarType) and inner.name in _UNCHECKED_SCALARS.get(own, ())
