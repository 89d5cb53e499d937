"""What a field's resolver is given: argument literals and variables, coerced by graphql-core and converted by Strawberry.

Arguments without variables are made once, when the operation is compiled. The others are made once per run, not once per object:
on the short way (`gateway.execution.variables`) where that is enough, else on the long one.
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
    """Makes keyword arguments of one field in one operation."""

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
        """The keyword arguments of variables that were read on the short way; raises `Unusual` where the long one is needed."""
        if self._fast is None:
            raise SlowPathNeeded
        given = self._fast.build(values)
        return with_paging(given) if self._is_paginated else given

    def variable_name(self, name: str) -> str | None:
        """The variable that alone is the argument of this name."""
        values = (each.value for each in self._node.arguments or () if each.name.value == name)
        return next((value.name.value for value in values if isinstance(value, VariableNode)), None)

    def build(self, variables: VariableValues | None) -> dict[str, Any]:
        """The keyword arguments; raises what graphql-core or the paging rules find wrong with them."""
        coerced = get_argument_values(self._field, self._node, variables)
        given = convert_arguments(coerced, self._declared, self._registry, self._config)
        return with_paging(given) if self._is_paginated else given
