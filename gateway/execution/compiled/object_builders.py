"""The objects of an answer: one dict display for all objects of a level, written anew for each class that comes by.

What a class tells of its attributes is worth more than half of the time that its objects take. Rows of Postgres tell where each
attribute stands and of what kind it is (`persistence.engine.rows.Place`), so of a page of tasks this is left, names changed:

    def objects4(K, r7):  # TaskRow
        return [{"id": o[7], "title": o[2], "dueOn": o[4], "assignee": r7[o[6]]} for o in K]

The same for a class that tells nothing, such as the dataclass that a mutation gives:

    def objects4(K, r7):  # Task
        return [{"id": IDS[o.type_name][o.id], "title": (x0 if (x0 := o.title).__class__ is str else slow31(x0)), …

It can only be written when the first object comes: no field says which statement its rows will come from, and the columns of a
statement hang on what is asked for. Rejected: unpacking rows in the `for` (no quicker than an index, and breaks when a statement
gives a column more); `dict(zip(names, row))` (twice the time).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any

from graphql import GraphQLEnumType, GraphQLList, GraphQLOutputType, GraphQLScalarType

from gateway.execution.compiled.leaf_serialization import leaf, trusted
from gateway.execution.compiled.runtime import NullInNonNull, present, scattered
from gateway.execution.compiled.type_predicates import unwrapped
from persistence.engine.rows import GLOBAL_ID, ColumnRef, text_key
from resolvers import ids
from schema.fields import Binding

Naming = Callable[[str, Any], str]
"""A name for a value, in generated code."""
VALUES = {"date": date, "datetime": datetime, "UTC": UTC, "IDS": ids.KNOWN}


@dataclass(frozen=True, slots=True)
class Read:
    """What is read of an object: a leaf, or a list of leaves."""

    type: GraphQLOutputType
    binding: Binding
    attribute: str


@dataclass(frozen=True, slots=True)
class Made:
    """What the level has made already: a list with a value for each object, by the name of a parameter."""

    place: int


@dataclass(frozen=True, slots=True)
class Named:
    """What an object names by an attribute, out of what the level has made of all that its objects name."""

    place: int
    attribute: str


Entry = str | Read | Made | Named
"""What stands in a display under its key; a string stands as it is."""


class Display:
    """
    Makes the dicts of a level.

    Called with the objects, None where one is missing; for each `Made` and `Named`, in their order, with a list of what was made
    of each object, or a dict of what was made of what they name.
    """

    def __init__(self, name: str, entries: Sequence[tuple[str, Entry]]) -> None:
        self.name = name
        self._entries = entries
        self._known: dict[type, Callable[..., list[Any]]] = {}
        self.sources: dict[type, str] = {}

    def __call__(self, objects: list[Any], *made: Any) -> list[Any]:
        kinds = set(map(type, objects))
        if len(kinds) == 1:
            (kind,) = kinds
            return (self._known.get(kind) or self._written(kind))(objects, *made)
        if NoneType in kinds and not made:
            there = present(objects)
            return scattered(objects, self(there))
        return self._of_several(kinds, objects, made)

    def _of_several(self, kinds: set[type], objects: Sequence[Any], made: Sequence[Any]) -> list[Any]:
        dicts: list[Any] = [None] * len(objects)
        for kind in kinds:
            places = [place for place, each in enumerate(objects) if type(each) is kind]
            values = (each if each.__class__ is dict else [each[place] for place in places] for each in made)
            own = self([objects[place] for place in places], *values)
            for place, each in zip(places, own, strict=True):
                dicts[place] = each
        return dicts

    def _written(self, kind: type) -> Callable[..., list[Any]]:
        if kind is NoneType:
            return lambda objects, *_: list(objects)
        names: dict[str, Any] = dict(VALUES)

        def named(prefix: str, value: Any) -> str:
            name = f"{prefix}{len(names)}"
            names[name] = value
            return name

        made = [entry.place for _, entry in self._entries if isinstance(entry, Made)]
        dict_ = ", ".join(f"{key!r}: {_value(entry, kind, named)}" for key, entry in self._entries)
        each, beside = "o", "K"
        if made:
            each = ", ".join([each, *(f"v{place}" for place in made)])
            beside = f"zip({', '.join([beside, *(f'r{place}' for place in made)])})"
        given = [f"r{entry.place}" for _, entry in self._entries if isinstance(entry, Made | Named)]
        head = f"def {self.name}({', '.join(['K', *given])}):  # {kind.__name__}"
        source = f"{head}\n    return [{{{dict_}}} for {each} in {beside}]"
        exec(compile(source, f"<compiled {self.name}>", "exec"), names)  # noqa: S102 (our own text)
        self.sources[kind] = source
        written: Callable[..., list[Any]] = names[self.name]
        self._known[kind] = written
        return written


def expression(type_: GraphQLOutputType, read: str, named: Naming, depth: int = 0) -> str:
    """An expression for the JSON value of one leaf, or one list of leaves, that `read` reads."""
    nullable, inner = unwrapped(type_)
    own = f"x{depth}"
    if isinstance(inner, GraphQLList):
        item = expression(inner.of_type, f"i{depth}", named, depth + 1)
        missing = "None" if nullable else f"{named('slow', _refuse_null)}()"
        return f"({missing} if ({own} := {read}) is None else [{item} for i{depth} in {own}])"
    assert isinstance(inner, GraphQLScalarType | GraphQLEnumType)
    form = leaf(inner, nullable=nullable)
    return form.expression(read, own, named("slow", form.slow))


def _value(entry: Entry, kind: type, named: Naming) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Made):
        return f"v{entry.place}"
    places: Mapping[str, ColumnRef] = getattr(kind, "places", {})
    if isinstance(entry, Named):
        column = _key_column(kind, entry.attribute)
        return f"r{entry.place}[{f'o.{entry.attribute}' if column is None else f'o[{column}]'}]"
    binding = entry.binding
    if binding.read is ids.of:
        return f"o[{places[GLOBAL_ID].column}]" if GLOBAL_ID in places else "IDS[o.type_name][o.id]"
    if binding.read is not None:
        return expression(entry.type, f"{named('read', binding.read)}(o)", named)
    place = places.get(entry.attribute)
    if place is None:
        return expression(entry.type, f"o.{entry.attribute}", named)
    read = f"o[{place.column}]"
    return read if trusted(entry.type, place.kind) else expression(entry.type, read, named)


def _refuse_null() -> None:
    raise NullInNonNull


def names_in(objects: Sequence[Any], attribute: str) -> list[Any]:
    """What objects name by an attribute, each once; as displays look it up (`Named`)."""
    kinds = set(map(type, objects))
    if len(kinds) > 1:
        return list(
            {name: None for kind in kinds for name in names_in([each for each in objects if type(each) is kind], attribute)}
        )
    (kind,) = kinds
    column = _key_column(kind, attribute)
    return list(dict.fromkeys(map(attrgetter(attribute) if column is None else itemgetter(column), objects)))


def _key_column(kind: type, attribute: str) -> int | None:
    """The column of a row that holds a name, as text if it can be had."""
    places: Mapping[str, ColumnRef] = getattr(kind, "places", {})
    place = places.get(text_key(attribute)) or places.get(attribute)
    return None if place is None else place.column
