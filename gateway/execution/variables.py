"""Variables on the short way: checked by GraphQL's rules and converted to what resolvers are given, in one pass.

graphql-core coerces variables to dicts, and Strawberry makes objects of these; both read the types anew for every request, which
took a fifth of the time of a small query. Here the types are read once per operation, into one function a variable. A function
takes JSON of just the expected kind. All else (a wrong value, a single value where a list is expected, a number as an ID, a
default that is not a leaf) raises `Unusual`, and the long way decides: it coerces what may be coerced. What a scalar refuses
raises its own error; either way graphql-core words what the client is told.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)
from graphql.language import FieldNode, ValueNode, VariableDefinitionNode, VariableNode, Visitor, visit
from graphql.utilities import coerce_input_literal, type_from_ast
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.schema import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments

Coercer = Callable[[Any], Any]
Values = dict[str, Any]


class SlowPathNeeded(Exception):
    """This value takes the long way."""


class VariableCoercer:
    """Reads the variables of one operation."""

    def __init__(self, schema: Schema, definitions: Sequence[VariableDefinitionNode]) -> None:
        readers = _CoercerFactory(schema)
        self._variables = [readers.for_variable(each) for each in definitions]

    def coerce(self, raw_values: Mapping[str, Any]) -> Values:
        """The values by variable; a variable that was left out and has no default is missing. Raises `Unusual`."""
        values: Values = {}
        for name, read, default in self._variables:
            if name in raw_values:
                values[name] = read(raw_values[name])
            elif default is _REQUIRED:
                raise SlowPathNeeded
            elif default is not Undefined:
                values[name] = default
        return values


class FastArguments:
    """Keyword arguments of one field, of variables as `Intake` gives them; only for arguments that are wholly constant or a
    variable."""

    def __init__(self, constants: Mapping[str, Any], variables: Sequence[tuple[str, str, bool]]) -> None:
        self._constants = constants
        self._variables = variables

    def build(self, values: Values) -> dict[str, Any]:
        """The keyword arguments, before paging is read from them. Raises `Unusual`."""
        made = dict(self._constants)
        for argument, variable, needed in self._variables:
            if variable in values:
                value = made[argument] = values[variable]
                if value is None and needed:
                    raise SlowPathNeeded
            elif needed:
                raise SlowPathNeeded
        return made


def compile_arguments(schema: Schema, field: Any, node: FieldNode) -> FastArguments | None:
    """The short way for a field's arguments; None where there is only the long one."""
    declared = {
        schema.config.name_converter.from_argument(each): each
        for each in field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].arguments
    }
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    named = []
    coerced: Values = {}
    for name, argument in field.args.items():
        default = coerce_default_value(argument)
        value = given.get(name)
        if isinstance(value, VariableNode):
            # What an argument's own default does when the variable is left out is for the long way.
            needed = isinstance(argument.type, GraphQLNonNull) or default is not Undefined
            named.append((str(declared[name].python_name), value.name.value, needed))
        elif value is not None and contains_variable(value):
            return None
        elif (made := default if value is None else coerce_input_literal(value, argument.type)) is not Undefined:
            coerced[name] = made
        elif value is not None or isinstance(argument.type, GraphQLNonNull):
            return None
    fixed = convert_arguments(coerced, list(declared.values()), schema.schema_converter.scalar_registry, schema.config)
    return FastArguments(fixed, named)


def contains_variable(value: ValueNode) -> bool:
    """Whether a literal names a variable somewhere."""
    found = False

    class Finder(Visitor):
        def enter_variable(self, *_: Any) -> None:
            nonlocal found
            found = True

    visit(value, Finder())
    return found


_REQUIRED = object()


class _CoercerFactory:
    """Makes readers, each input type's once."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._by_type_name: dict[str, Coercer] = {}

    def for_variable(self, definition: VariableDefinitionNode) -> tuple[str, Coercer, Any]:
        """A variable's name, its reader, and its default: `_NEEDED` when leaving it out is for the long way."""
        type_: Any = type_from_ast(self._schema._schema, definition.type)  # noqa: SLF001 (the graphql-core schema has no other door)
        default: Any = _REQUIRED if isinstance(type_, GraphQLNonNull) else Undefined
        if definition.default_value is not None:
            default = coerce_input_literal(definition.default_value, type_)
            if default is Undefined or isinstance(default, list | dict):
                default = _REQUIRED
        return definition.variable.name.value, self.for_type(type_), default

    def for_type(self, type_: GraphQLInputType) -> Coercer:
        if isinstance(type_, GraphQLNonNull):
            return (
                _non_null(self.for_type(type_.of_type))
                if isinstance(type_.of_type, GraphQLList)
                else self._for_named_type(type_.of_type)
            )
        if isinstance(type_, GraphQLList):
            return _nullable(_list(self.for_type(type_.of_type)))
        return _nullable(self._for_named_type(type_))

    def _for_named_type(self, type_: Any) -> Coercer:
        """The reader of a named type, which refuses null."""
        made = self._by_type_name.get(type_.name)
        if made is None:
            made = self._for_input_object(type_) if isinstance(type_, GraphQLInputObjectType) else _leaf_coercer(type_)
            self._by_type_name[type_.name] = made
        return made

    def _for_input_object(self, type_: GraphQLInputObjectType) -> Coercer:
        definition = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        if type_.is_one_of or definition.from_input is not None:
            return _require_slow_path
        fields: dict[str, tuple[str, Coercer]] = {}
        needed: list[str] = []
        defaults: Values = {}

        def read(value: Any) -> Any:
            if value.__class__ is not dict:
                raise SlowPathNeeded
            made = defaults.copy()
            for name, inner in value.items():
                field = fields.get(name)
                if field is None:
                    raise SlowPathNeeded
                made[field[0]] = field[1](inner)
            for name in needed:
                if name not in made:
                    raise SlowPathNeeded
            return origin(**made)

        origin = definition.origin
        self._by_type_name[type_.name] = read  # before its fields: inputs such as filters hold themselves
        by_name = {self._schema.config.name_converter.from_field(each): each for each in definition.fields}
        for name, field in type_.fields.items():
            own = by_name[name].python_name
            fields[name] = (own, self.for_type(field.type))
            default = coerce_default_value(field)
            if default is not Undefined:
                if isinstance(default, list | dict):
                    return _require_slow_path
                defaults[own] = default
            elif isinstance(field.type, GraphQLNonNull):
                needed.append(own)
        return read


def _require_slow_path(value: Any) -> Any:
    raise SlowPathNeeded


def _nullable(coerce: Coercer) -> Coercer:
    return lambda value: None if value is None else coerce(value)


def _non_null(coerce: Coercer) -> Coercer:
    def reader(value: Any) -> Any:
        if value is None:
            raise SlowPathNeeded
        return coerce(value)

    return reader


def _list(coerce: Coercer) -> Coercer:
    def reader(value: Any) -> Any:
        if value.__class__ is not list:
            raise SlowPathNeeded
        return [coerce(each) for each in value]

    return reader


def _exact_type(type_: type) -> Coercer:
    def reader(value: Any) -> Any:
        if value.__class__ is not type_:
            raise SlowPathNeeded
        return value

    return reader


def _int(value: Any) -> Any:
    if value.__class__ is not int or not -2147483648 <= value <= 2147483647:
        raise SlowPathNeeded
    return value


_SCALAR_COERCERS: Mapping[str, Coercer] = {
    "ID": _exact_type(str),
    "String": _exact_type(str),
    "Boolean": _exact_type(bool),
    "Int": _int,
}


def _leaf_coercer(type_: GraphQLScalarType | GraphQLEnumType) -> Coercer:
    if isinstance(type_, GraphQLScalarType) and type_.name in _SCALAR_COERCERS:
        return _SCALAR_COERCERS[type_.name]
    if isinstance(type_, GraphQLEnumType):
        members = {name: type_.coerce_input_value(name) for name in type_.values}

        def member(value: Any) -> Any:
            if value.__class__ is not str or value not in members:
                raise SlowPathNeeded
            return members[value]

        return member
    coerce = type_.coerce_input_value

    def scalar(value: Any) -> Any:
        if value is None or (made := coerce(value)) is Undefined:
            raise SlowPathNeeded
        return made

    return scalar
