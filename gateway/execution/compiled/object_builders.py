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

from gateway.execution.compiled.leaf_serialization import leaf_template, needs_no_check
from gateway.execution.compiled.runtime import NullInNonNull, non_null, scatter
from gateway.execution.compiled.type_predicates import unwrap_non_null
from persistence.engine.rows import GLOBAL_ID, ColumnRef, text_key
from resolvers import ids
from schema.fields import Binding

NameFactory = Callable[[str, Any], str]
"""A name for a value, in generated code."""
GENERATED_GLOBALS = {"date": date, "datetime": datetime, "UTC": UTC, "IDS": ids.ID_CACHE}


@dataclass(frozen=True, slots=True)
class LeafField:
    """What is read of an object: a leaf, or a list of leaves."""

    type: GraphQLOutputType
    binding: Binding
    attribute: str


@dataclass(frozen=True, slots=True)
class ComputedColumn:
    """What the level has made already: a list with a value for each object, by the name of a parameter."""

    slot: int


@dataclass(frozen=True, slots=True)
class LookupColumn:
    """What an object names by an attribute, out of what the level has made of all that its objects name."""

    slot: int
    attribute: str


FieldSource = str | LeafField | ComputedColumn | LookupColumn
"""What stands in a display under its key; a string stands as it is."""


class ObjectBuilder:
    """
    Makes the dicts of a level.

    Called with the objects, None where one is missing; for each `Made` and `Named`, in their order, with a list of what was made
    of each object, or a dict of what was made of what they name.
    """

    def __init__(self, name: str, fields: Sequence[tuple[str, FieldSource]]) -> None:
        self.name = name
        self._fields = fields
        self._functions: dict[type, Callable[..., list[Any]]] = {}
        self.sources: dict[type, str] = {}

    def __call__(self, objects: list[Any], *columns: Any) -> list[Any]:
        kinds = set(map(type, objects))
        if len(kinds) == 1:
            (kind,) = kinds
            return (self._functions.get(kind) or self._compile(kind))(objects, *columns)
        if NoneType in kinds and not columns:
            there = non_null(objects)
            return scatter(objects, self(there))
        return self._build_mixed(kinds, objects, columns)

    def _build_mixed(self, classes: set[type], objects: Sequence[Any], columns: Sequence[Any]) -> list[Any]:
        dicts: list[Any] = [None] * len(objects)
        for kind in classes:
            places = [place for place, each in enumerate(objects) if type(each) is kind]
            values = (each if each.__class__ is dict else [each[place] for place in places] for each in columns)
            own = self([objects[place] for place in places], *values)
            for place, each in zip(places, own, strict=True):
                dicts[place] = each
        return dicts

    def _compile(self, class_: type) -> Callable[..., list[Any]]:
        if class_ is NoneType:
            return lambda objects, *_: list(objects)
        names: dict[str, Any] = dict(GENERATED_GLOBALS)

        def named(prefix: str, value: Any) -> str:
            name = f"{prefix}{len(names)}"
            names[name] = value
            return name

        made = [entry.slot for _, entry in self._fields if isinstance(entry, ComputedColumn)]
        dict_ = ", ".join(f"{key!r}: {_field_expression(entry, class_, named)}" for key, entry in self._fields)
        each, beside = "o", "K"
        if made:
            each = ", ".join([each, *(f"v{place}" for place in made)])
            beside = f"zip({', '.join([beside, *(f'r{place}' for place in made)])})"
        given = [f"r{entry.slot}" for _, entry in self._fields if isinstance(entry, ComputedColumn | LookupColumn)]
        head = f"def {self.name}({', '.join(['K', *given])}):  # {class_.__name__}"
        source = f"{head}\n    return [{{{dict_}}} for {each} in {beside}]"
        exec(compile(source, f"<compiled {self.name}>", "exec"), names)  # noqa: S102 (our own text)
        self.sources[class_] = source
        written: Callable[..., list[Any]] = names[self.name]
        self._functions[class_] = written
        return written


def leaf_expression(type_: GraphQLOutputType, source: str, name_for: NameFactory, depth: int = 0) -> str:
    """An expression for the JSON value of one leaf, or one list of leaves, that `read` reads."""
    nullable, inner = unwrap_non_null(type_)
    own = f"x{depth}"
    if isinstance(inner, GraphQLList):
        item = leaf_expression(inner.of_type, f"i{depth}", name_for, depth + 1)
        missing = "None" if nullable else f"{name_for('slow', _raise_null)}()"
        return f"({missing} if ({own} := {source}) is None else [{item} for i{depth} in {own}])"
    assert isinstance(inner, GraphQLScalarType | GraphQLEnumType)
    form = leaf_template(inner, nullable=nullable)
    return form.expression(source, own, name_for("slow", form.serializer))


def _field_expression(field: FieldSource, class_: type, name_for: NameFactory) -> str:
    if isinstance(field, str):
        return field
    if isinstance(field, ComputedColumn):
        return f"v{field.slot}"
    places: Mapping[str, ColumnRef] = getattr(class_, "places", {})
    if isinstance(field, LookupColumn):
        column = _key_column(class_, field.attribute)
        return f"r{field.slot}[{f'o.{field.attribute}' if column is None else f'o[{column}]'}]"
    binding = field.binding
    if binding.read is ids.global_id:
        return f"o[{places[GLOBAL_ID].column}]" if GLOBAL_ID in places else "IDS[o.type_name][o.id]"
    if binding.read is not None:
        return leaf_expression(field.type, f"{name_for('read', binding.read)}(o)", name_for)
    place = places.get(field.attribute)
    if place is None:
        return leaf_expression(field.type, f"o.{field.attribute}", name_for)
    read = f"o[{place.column}]"
    return read if needs_no_check(field.type, place.kind) else leaf_expression(field.type, read, name_for)


def _raise_null() -> None:
    raise NullInNonNull


def foreign_keys_in(objects: Sequence[Any], attribute: str) -> list[Any]:
    """What objects name by an attribute, each once; as displays look it up (`Named`)."""
    kinds = set(map(type, objects))
    if len(kinds) > 1:
        return list(
            {
                name: None
                for kind in kinds
                for name in foreign_keys_in([each for each in objects if type(each) is kind], attribute)
            }
        )
    (kind,) = kinds
    column = _key_column(kind, attribute)
    return list(dict.fromkeys(map(attrgetter(attribute) if column is None else itemgetter(column), objects)))


def _key_column(class_: type, attribute: str) -> int | None:
    """The column of a row that holds a name, as text if it can be had."""
    places: Mapping[str, ColumnRef] = getattr(class_, "places", {})
    place = places.get(text_key(attribute)) or places.get(attribute)
    return None if place is None else place.column
