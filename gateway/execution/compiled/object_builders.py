"""Builds the JSON objects of one level with one list comprehension, generated for each class of objects that arrives.

What a class says about its attributes saves more than half of the time per object. Row classes of Postgres say in which column
each attribute stands and of what type it is (`persistence.engine.rows.ColumnRef`), so for a page of tasks this is generated:

    def objects4(K, r7):  # TaskRow
        return [{"id": o[7], "title": o[2], "dueOn": o[4], "assignee": r7[o[6]]} for o in K]

and for a class that says nothing, such as the dataclass that a mutation returns:

    def objects4(K, r7):  # Task
        return [{"id": IDS[o.type_name][o.id], "title": (x0 if (x0 := o.title).__class__ is str else slow31(x0)), …} for o in K]

The code can be generated only when the first object arrives: no field says which statement its rows come from, and the columns of
a statement depend on the selection. Rejected: unpacking rows in the `for` (no faster than an index, and breaks when a statement
returns one more column); `dict(zip(names, row))` (twice the time).
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
from gateway.execution.compiled.selections import unwrap_non_null
from persistence.engine.rows import GLOBAL_ID, ColumnRef, text_key
from resolvers import ids
from schema.fields import Binding

NameFactory = Callable[[str, Any], str]
"""Binds a value (second argument) to a new name in generated code, with the given prefix, and returns the name."""
GENERATED_GLOBALS = {"date": date, "datetime": datetime, "UTC": UTC, "IDS": ids.ID_CACHE}


@dataclass(frozen=True, slots=True)
class LeafField:
    """A leaf, or a list of leaves, read from an attribute of the object."""

    type: GraphQLOutputType
    binding: Binding
    attribute: str


@dataclass(frozen=True, slots=True)
class ComputedColumn:
    """A list that the level has computed, with one value per object; parameter `r{slot}`."""

    slot: int


@dataclass(frozen=True, slots=True)
class LookupColumn:
    """A dict that the level has computed, looked up by the object's foreign key `attribute`; parameter `r{slot}`."""

    slot: int
    attribute: str


FieldSource = str | LeafField | ComputedColumn | LookupColumn
"""The source of one entry of the dict; a string is a Python expression."""


class ObjectBuilder:
    """
    Builds the dicts of a level.

    Takes the objects (None where one is missing) and, for each ComputedColumn and LookupColumn in order, its list or dict.
    Returns a list of the same length.
    """

    def __init__(self, name: str, fields: Sequence[tuple[str, FieldSource]]) -> None:
        self.name = name
        self._fields = fields
        self._functions: dict[type, Callable[..., list[Any]]] = {}
        self.sources: dict[type, str] = {}

    def __call__(self, objects: list[Any], *columns: Any) -> list[Any]:
        classes = {type(objects[0])} if len(objects) == 1 else set(map(type, objects))
        if len(classes) == 1:
            (class_,) = classes
            return (self._functions.get(class_) or self._compile(class_))(objects, *columns)
        if NoneType in classes and not columns:
            return scatter(objects, self(non_null(objects)))
        return self._build_mixed(classes, objects, columns)

    def _build_mixed(self, classes: set[type], objects: Sequence[Any], columns: Sequence[Any]) -> list[Any]:
        dicts: list[Any] = [None] * len(objects)
        for class_ in classes:
            indexes = [index for index, each in enumerate(objects) if type(each) is class_]
            values = (each if each.__class__ is dict else [each[index] for index in indexes] for each in columns)
            own = self([objects[index] for index in indexes], *values)
            for index, each in zip(indexes, own, strict=True):
                dicts[index] = each
        return dicts

    def _compile(self, class_: type) -> Callable[..., list[Any]]:
        if class_ is NoneType:
            return lambda objects, *_: list(objects)
        names: dict[str, Any] = dict(GENERATED_GLOBALS)

        def name_for(prefix: str, value: Any) -> str:
            name = f"{prefix}{len(names)}"
            names[name] = value
            return name

        computed = [entry.slot for _, entry in self._fields if isinstance(entry, ComputedColumn)]
        entries = ", ".join(f"{key!r}: {_field_expression(entry, class_, name_for)}" for key, entry in self._fields)
        targets, iterable = "o", "K"
        if computed:
            targets = ", ".join([targets, *(f"v{slot}" for slot in computed)])
            iterable = f"zip({', '.join([iterable, *(f'r{slot}' for slot in computed)])})"
        parameters = [f"r{entry.slot}" for _, entry in self._fields if isinstance(entry, ComputedColumn | LookupColumn)]
        head = f"def {self.name}({', '.join(['K', *parameters])}):  # {class_.__name__}"
        source = f"{head}\n    return [{{{entries}}} for {targets} in {iterable}]"
        exec(compile(source, f"<compiled {self.name}>", "exec"), names)  # noqa: S102 (our own text)
        self.sources[class_] = source
        function: Callable[..., list[Any]] = names[self.name]
        self._functions[class_] = function
        return function


def leaf_expression(type_: GraphQLOutputType, source: str, name_for: NameFactory, depth: int = 0) -> str:
    """An expression for the JSON value of one leaf, or one list of leaves, that the expression `source` reads."""
    nullable, inner = unwrap_non_null(type_)
    variable = f"x{depth}"
    if isinstance(inner, GraphQLList):
        item = leaf_expression(inner.of_type, f"i{depth}", name_for, depth + 1)
        missing = "None" if nullable else f"{name_for('slow', _raise_null)}()"
        return f"({missing} if ({variable} := {source}) is None else [{item} for i{depth} in {variable}])"
    assert isinstance(inner, GraphQLScalarType | GraphQLEnumType)
    template = leaf_template(inner, nullable=nullable)
    return template.expression(source, variable, name_for("slow", template.serializer))


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
    """The distinct values of a foreign key over all objects, in the form in which builders look them up (LookupColumn)."""
    classes = set(map(type, objects))
    if len(classes) > 1:
        return list(
            {
                key: None
                for class_ in classes
                for key in foreign_keys_in([each for each in objects if type(each) is class_], attribute)
            }
        )
    (class_,) = classes
    column = _key_column(class_, attribute)
    return list(dict.fromkeys(map(attrgetter(attribute) if column is None else itemgetter(column), objects)))


def _key_column(class_: type, attribute: str) -> int | None:
    """The column of a row that holds a foreign key, as text where the statement selects it so."""
    places: Mapping[str, ColumnRef] = getattr(class_, "places", {})
    place = places.get(text_key(attribute)) or places.get(attribute)
    return None if place is None else place.column
