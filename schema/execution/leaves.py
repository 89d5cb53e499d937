"""How a leaf value becomes JSON: a quick test in the generated code, and graphql-core's own serializer for all that fails it.

Instants of UTC and days stay as they are, since orjson writes them as we do (`AS_JSON`) for a tenth of what `isoformat` costs.

In a template, `{v}` reads the value once and gives it the name `{x}`. What does not pass the test goes to `{slow}`, which serializes as
graphql-core would, or raises; an operation whose program raises is answered by graphql-core. The name of an enum's value is looked up
in a dict instead, which a value of another kind leaves with a KeyError.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLEnumType, GraphQLScalarType

from schema.execution.levels import NullInNonNull

Serialize = Callable[[Any], Any]

AS_JSON = orjson.OPT_UTC_Z
"""How the data of an operation is written by orjson."""

_TEXT = "({x} if ({v}).__class__ is str else {slow}({x}))"
_INSTANT = "({x} if ({v}).__class__ is datetime and {x}.tzinfo is UTC else {slow}({x}))"
_TEMPLATES = {
    "String": _TEXT,
    "ID": _TEXT,
    "Markdown": _TEXT,
    "URL": _TEXT,
    "SyncCursor": _TEXT,
    "DateTime": _INSTANT,
    "Boolean": "({x} if ({v}).__class__ is bool else {slow}({x}))",
    "Int": "({x} if ({v}).__class__ is int and -2147483648 <= {x} <= 2147483647 else {slow}({x}))",
}
_NAME = "{slow}[{v}]"
_NAME_OR_NULL = "(None if ({v}) is None else {slow}[{x}])"
_DAY = "({x} if ({v}).__class__ is date or {x} is None else {slow}({x}))"
_ALWAYS_SLOW = "{slow}({v})"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A template, and what stands behind its `slow`: a serializer, or an enum's names by value."""

    template: str
    slow: Any

    def expression(self, read: str, own: str, slow: str) -> str:
        """The template filled in: the value's expression, a name for it, and the name of the serializer."""
        value = f"{own} := {read}" if "{x}" in self.template else read
        return self.template.format(v=value, x=own, slow=slow)


def leaf(type_: GraphQLScalarType | GraphQLEnumType, *, nullable: bool) -> Leaf:
    """How values of a leaf type are written."""
    if isinstance(type_, GraphQLEnumType):
        # A row's plain string equals the member, and so finds the same name.
        return Leaf(_NAME_OR_NULL if nullable else _NAME, {value.value: name for name, value in type_.values.items()})
    serialize: Serialize = type_.serialize

    def slow(value: Any) -> Any:
        written = None if value is None else serialize(value)
        if written is None and not nullable:
            raise NullInNonNull
        return written

    if type_.name == "Date" and nullable:
        return Leaf(_DAY, slow)
    return Leaf(_TEMPLATES.get(type_.name, _ALWAYS_SLOW), slow)
