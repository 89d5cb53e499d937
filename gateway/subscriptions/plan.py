"""Determines what the payloads of a subscription depend on: document, variables, and the rights of the viewer, or the viewer.

Every field is narrowed in SQL to what its viewer may see, so viewers with equal rights receive the same from every field that is
not `personal` (`schema.fields.Binding`). A cursor contains the position of the viewer's own stream; it is encoded for each
subscriber when the message is written, so that clients which resume can share nevertheless.
"""

from collections.abc import Callable, Hashable
from typing import Any

import orjson
from graphql import print_ast, visit
from graphql.language import FieldNode, FragmentDefinitionNode, Visitor
from strawberry.schema import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.execution.compiled.arguments import FieldArguments
from gateway.execution.compiled.program import ProgramCompiler
from gateway.execution.coordinates import coordinates_where, selects_any
from gateway.execution.documents import UNPLANNED, Operation
from gateway.execution.executor import Executor, PreparedOperation
from persistence.rights import Rights
from resolvers.context import Context
from resolvers.subscription_topic import Topic
from schema.fields import Binding, check_guard

_CURSOR_ARGUMENT = "after"


class SubscriptionPlan:
    """How one subscription is executed, and which subscriptions may share its payloads."""

    def __init__(
        self,
        operation: Operation,
        binding: Binding,
        topic_factory: Callable[..., Topic],
        arguments: FieldArguments,
        *,
        personal: bool,
        is_async: bool,
    ) -> None:
        self._binding = binding
        self._topic_factory = topic_factory
        self._arguments = arguments
        self._personal = personal
        self.is_async = is_async
        """Whether executing an event may have to wait for the database."""
        self._cursor_variables = _cursor_only_variables(operation, arguments)
        self.shared_selection = None if personal or is_async else _selection_text(operation)
        """The text that alone decides the payload of an event, whatever the scope; None where variables or rights do too."""

    def topic(self, programs: ProgramCompiler, prepared: PreparedOperation, context: Context) -> Topic:
        """The topic of this subscription. Raises what refuses it."""
        check_guard(self._binding.guard, context)
        return self._topic_factory(
            context, **self._arguments.build(programs.coerce_variables(prepared.operation, prepared.variables))
        )

    def key(self, prepared: PreparedOperation, context: Context, rights: Rights) -> Hashable:
        """Equal for subscriptions that receive the same from now on."""
        values = {name: value for name, value in prepared.variables.items() if name not in self._cursor_variables}
        variables = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
        viewer = context.viewer
        return prepared.operation, variables, viewer.scopes, rights.key, viewer if self._personal or not rights.teams else None


class Planner:
    """Makes the plan of an operation once; it is held by the operation, and goes with it. So a plan holds no operation."""

    def __init__(self, executor: Executor) -> None:
        self._schema: Schema = executor.schema
        self._bindings = executor.bindings
        core = executor.schema._schema  # noqa: SLF001
        self._personal = coordinates_where(lambda each: each.personal, executor.bindings, core)
        self._async = coordinates_where(lambda each: each.kind == "relation" and each.is_async, executor.bindings, core)

    def plan(self, operation: Operation) -> SubscriptionPlan | None:
        """The plan of a subscription; None when only graphql-core can execute it."""
        if operation.subscription_plan is UNPLANNED:
            operation.subscription_plan = self._build_plan(operation)
        plan: SubscriptionPlan | None = operation.subscription_plan
        return plan

    def _build_plan(self, operation: Operation) -> SubscriptionPlan | None:
        core = self._schema._schema  # noqa: SLF001
        root = core.subscription_type
        match operation.definition.selection_set.selections:
            case (FieldNode() as node,) if root is not None and not node.directives:
                pass
            case _:
                return None
        binding = self._bindings.get(f"{root.name}.{node.name.value}")
        if binding is None or binding.topic_factory is None:
            return None
        field = root.fields[node.name.value]
        declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        arguments = FieldArguments(self._schema, field, declared, binding, node)
        personal, waits = (selects_any(operation.document, core, each) for each in (self._personal, self._async))
        return SubscriptionPlan(operation, binding, binding.topic_factory, arguments, personal=personal, is_async=waits)


def _selection_text(operation: Operation) -> str | None:
    """The text of the selection below the root field, with all fragments of the document; None when it uses variables."""
    (root,) = operation.definition.selection_set.selections
    assert isinstance(root, FieldNode)
    fragments = [each for each in operation.document.definitions if isinstance(each, FragmentDefinitionNode)]
    texts = [f"{root.alias.value if root.alias else ''} {root.name.value}"]
    texts += [print_ast(each) for each in (root.selection_set, *fragments) if each is not None]
    return None if any("$" in text for text in texts) else "\n".join(texts)


def _cursor_only_variables(operation: Operation, arguments: FieldArguments) -> frozenset[str]:
    """The variables that are used as the cursor to resume from, and nowhere else."""
    used: list[str] = []
    at_root = arguments.variable_name(_CURSOR_ARGUMENT)

    class Finder(Visitor):
        def enter_variable_definition(self, *_: Any) -> Any:
            return self.SKIP

        def enter_variable(self, node: Any, *_: Any) -> None:
            used.append(node.name.value)

    visit(operation.document, Finder())
    return frozenset({at_root} if at_root is not None and used.count(at_root) == 1 else ())
