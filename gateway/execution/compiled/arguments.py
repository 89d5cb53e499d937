"""Builds the keyword arguments of a field's resolver from literals and variables.

Arguments without variables are built once, when the operation is compiled. The others are built once per run, not once per
object: by the fast path (`gateway.execution.variables`) where it suffices, else coerced by graphql-core and converted by
Strawberry.
"""

from typing import Any

from graphql import GraphQLField
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import FieldNode, VariableNode
from strawberry.schema import Schema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from gateway.execution.variables import SlowPathNeeded, Values, compile_arguments, contains_variable
from schema.fields import Binding, with_paging


class FieldArguments:
    """Builds the keyword arguments of one field in one operation."""

    def __init__(self, schema: Schema, field: GraphQLField, declared: StrawberryField, binding: Binding, node: FieldNode) -> None:
        self._field = field
        self._declared = declared.arguments
        self._is_paginated = binding.is_paginated
        self._node = node
        self._registry = schema.schema_converter.scalar_registry
        self._config = schema.config
        self.has_variables = any(contains_variable(argument.value) for argument in node.arguments or ())
        self._fast = compile_arguments(schema, field, node) if self.has_variables else None

    def fast(self, values: Values) -> dict[str, Any]:
        """The keyword arguments for variables that the fast path has coerced; raises SlowPathNeeded where it does not suffice."""
        if self._fast is None:
            raise SlowPathNeeded
        arguments = self._fast.build(values)
        return with_paging(arguments) if self._is_paginated else arguments

    def variable_name(self, name: str) -> str | None:
        """The variable that is the whole value of the argument with this name; None for any other value."""
        values = (each.value for each in self._node.arguments or () if each.name.value == name)
        return next((value.name.value for value in values if isinstance(value, VariableNode)), None)

    def build(self, variables: VariableValues | None) -> dict[str, Any]:
        """The keyword arguments; raises the errors of graphql-core and of the paging rules."""
        coerced = get_argument_values(self._field, self._node, variables)
        arguments = convert_arguments(coerced, self._declared, self._registry, self._config)
        return with_paging(arguments) if self._is_paginated else arguments
