"""Finds operations that ask for nothing but their cost: a query with `rateLimit(dryRun: true)`.

In a dry run only `rateLimit`, and the root fields that may not be null, are executed; all other root fields are null. So a client
with generated types can read the answer, and the operation costs next to nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from graphql import is_non_null_type
from graphql.language import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

from gateway.execution.complexity import ComplexityVisitor

FIELD: Final = "rateLimit"
ARGUMENT: Final = "dryRun"


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What is executed in a dry run of one operation, and the response keys of its answer in their order."""

    document: DocumentNode
    keys: Sequence[str]
    is_always: bool
    variables: Mapping[str, bool]
    """The variables of which one asks for a dry run when it is true, with their defaults."""

    def is_asked(self, values: Mapping[str, Any]) -> bool:
        """Whether the values of the variables ask for a dry run."""
        return self.is_always or any(values.get(name, default) is True for name, default in self.variables.items())


def find_dry_run(document: DocumentNode, operation: OperationDefinitionNode, visitor: ComplexityVisitor) -> DryRun | None:
    """The dry run of a valid operation; None when it has no such argument."""
    root = visitor.root_type(operation)
    if operation.operation is not OperationType.QUERY or root is None:
        return None
    fields = visitor.fields_of(operation.selection_set, root)
    asked = [
        argument.value
        for node, _ in fields
        if node.name.value == FIELD
        for argument in node.arguments or ()
        if argument.name.value == ARGUMENT
    ]
    names = {value.name.value for value in asked if isinstance(value, VariableNode)}
    is_always = any(isinstance(value, BooleanValueNode) and value.value for value in asked)
    if not names and not is_always:
        return None
    executed: list[FieldNode] = []
    for node, parent in fields:
        _, definition = visitor.weight_of(node, parent)
        if node.name.value in (FIELD, "__typename") or (definition is not None and is_non_null_type(definition.type)):
            executed.append(node)
    defaults = {
        each.variable.name.value: isinstance(each.default_value, BooleanValueNode) and each.default_value.value
        for each in operation.variable_definitions or ()
    }
    reduced = replace(operation, selection_set=SelectionSetNode(selections=tuple(executed)))
    return DryRun(
        document=replace(document, definitions=tuple(reduced if each is operation else each for each in document.definitions)),
        keys=list(dict.fromkeys(node.alias.value if node.alias else node.name.value for node, _ in fields)),
        is_always=is_always,
        variables={name: defaults.get(name, False) for name in names},
    )
