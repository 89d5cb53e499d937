"""Fast path for coercing operation variables; anything unusual falls back to graphql-core.

graphql-core coerces variables to dicts, and Strawberry builds objects of these; both read the types again for every request,
which took a fifth of the time of a small query. Here the types are read once per operation, into one function per variable, which
accepts only JSON of the expected kind. Everything else (a wrong value, a single value for a list, a number as an ID, a default
that is not a leaf) raises SlowPathNeeded, and graphql-core coerces what may be coerced. A value that a scalar refuses raises the
scalar's error; in both cases graphql-core words the error.
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
    """graphql-core must coerce this value."""


class VariableCoercer:
    """Coerces the variables of one operation."""

    def __init__(self, schema: Schema, definitions: Sequence[VariableDefinitionNode]) -> None:
        coercers = _CoercerFactory(schema)
        self._variables = [coercers.for_variable(each) for each in definitions]

    def coerce(self, raw_values: Mapping[str, Any]) -> Values:
        """The values by variable; omitted variables without a default are missing. Raises SlowPathNeeded."""
        values: Values = {}
        for name, coerce, default in self._variables:
            if name in raw_values:
                values[name] = coerce(raw_values[name])
            elif default is _REQUIRED:
                raise SlowPathNeeded
            elif default is not Undefined:
                values[name] = default
        return values


class FastArguments:
    """Keyword arguments of one field, each a constant or a whole variable, from the values of a VariableCoercer."""

    def __init__(self, constants: Mapping[str, Any], variables: Sequence[tuple[str, str, bool]]) -> None:
        self._constants = constants
        self._variables = variables

    def build(self, values: Values) -> dict[str, Any]:
        """The keyword arguments, with Relay's four for paging. Raises SlowPathNeeded."""
        arguments = dict(self._constants)
        for argument, variable, required in self._variables:
            if variable in values:
                value = arguments[argument] = values[variable]
                if value is None and required:
                    raise SlowPathNeeded
            elif required:
                raise SlowPathNeeded
        return arguments


def compile_arguments(schema: Schema, field: Any, node: FieldNode) -> FastArguments | None:
    """The fast path for the arguments of a field; None if there is none."""
    declared = {
        schema.config.name_converter.from_argument(each): each
        for each in field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].arguments
    }
    literals = {argument.name.value: argument.value for argument in node.arguments or ()}
    named = []
    coerced: Values = {}
    for name, argument in field.args.items():
        default = coerce_default_value(argument)
        value = literals.get(name)
        if isinstance(value, VariableNode):
            # An argument's own default for an omitted variable is for graphql-core.
            required = isinstance(argument.type, GraphQLNonNull) or default is not Undefined
            named.append((str(declared[name].python_name), value.name.value, required))
        elif value is not None and contains_variable(value):
            return None
        elif (constant := default if value is None else coerce_input_literal(value, argument.type)) is not Undefined:
            coerced[name] = constant
        elif value is not None or isinstance(argument.type, GraphQLNonNull):
            return None
    constants = convert_arguments(coerced, list(declared.values()), schema.schema_converter.scalar_registry, schema.config)
    return FastArguments(constants, named)


def contains_variable(value: ValueNode) -> bool:
    """Whether a literal contains a variable."""
    found = False

    class Finder(Visitor):
        def enter_variable(self, *_: Any) -> None:
            nonlocal found
            found = True

    visit(value, Finder())
    return found


_REQUIRED = object()


class _CoercerFactory:
    """Builds coercers, one for each input type."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._by_type_name: dict[str, Coercer] = {}

    def for_variable(self, definition: VariableDefinitionNode) -> tuple[str, Coercer, Any]:
        """The name of a variable, its coercer, and its default: `_REQUIRED` if omitting it is for graphql-core."""
        type_: Any = type_from_ast(self._schema._schema, definition.type)  # noqa: SLF001 (Strawberry has no public name for it)
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
        """The coercer of a named type, which refuses null."""
        coercer = self._by_type_name.get(type_.name)
        if coercer is None:
            coercer = self._for_input_object(type_) if isinstance(type_, GraphQLInputObjectType) else _leaf_coercer(type_)
            self._by_type_name[type_.name] = coercer
        return coercer

    def _for_input_object(self, type_: GraphQLInputObjectType) -> Coercer:
        definition = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        if type_.is_one_of or definition.from_input is not None:
            return _require_slow_path
        fields: dict[str, tuple[str, Coercer]] = {}
        required: list[str] = []
        defaults: Values = {}

        def coerce(value: Any) -> Any:
            if value.__class__ is not dict:
                raise SlowPathNeeded
            values = defaults.copy()
            for name, inner in value.items():
                field = fields.get(name)
                if field is None:
                    raise SlowPathNeeded
                values[field[0]] = field[1](inner)
            for name in required:
                if name not in values:
                    raise SlowPathNeeded
            return origin(**values)

        origin = definition.origin
        self._by_type_name[type_.name] = coerce  # before its fields: inputs such as filters contain themselves
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
                required.append(own)
        return coerce


def _require_slow_path(value: Any) -> Any:
    raise SlowPathNeeded


def _nullable(coerce: Coercer) -> Coercer:
    return lambda value: None if value is None else coerce(value)


def _non_null(coerce: Coercer) -> Coercer:
    def coercer(value: Any) -> Any:
        if value is None:
            raise SlowPathNeeded
        return coerce(value)

    return coercer


def _list(coerce: Coercer) -> Coercer:
    def coercer(value: Any) -> Any:
        if value.__class__ is not list:
            raise SlowPathNeeded
        return [coerce(each) for each in value]

    return coercer


def _exact_type(type_: type) -> Coercer:
    def coercer(value: Any) -> Any:
        if value.__class__ is not type_:
            raise SlowPathNeeded
        return value

    return coercer


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
        try:
            coerced = Undefined if value is None else coerce(value)
        except Exception as error:
            raise SlowPathNeeded from error  # graphql-core says what is wrong with the value
        if coerced is Undefined:
            raise SlowPathNeeded
        return coerced

    return scalar
