"""What the answers of a subscription depend on: the document, the variables, and the viewer's rights, or the viewer himself.

Every field is narrowed in SQL to what its viewer may see, so viewers with equal rights are told the same by every field that is
not `personal` (`schema.fields.Binding`). Where a cursor goes on has the viewer's own stream in it; it is sealed for each when his
frame is written, so that clients who resume may share nevertheless.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import orjson
from graphql import TypeInfo, TypeInfoVisitor, is_abstract_type, print_ast, visit
from graphql.language import FieldNode, FragmentDefinitionNode, Visitor
from graphql.type import GraphQLSchema
from strawberry.schema import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.execution.compiled.arguments import Arguments
from gateway.execution.compiled.program import Programs
from gateway.execution.documents import Operation
from gateway.execution.executor import Executor, Prepared
from persistence.rights import Rights
from resolvers.context import Context
from resolvers.subscription_topic import Theme
from schema.fields import Binding, check

_MOST = 1_000
_CURSOR = "after"


class Plan:
    """How one subscription is followed, and with whom it may be shared."""

    def __init__(
        self,
        operation: Operation,
        binding: Binding,
        theme: Callable[..., Theme],
        arguments: Arguments,
        *,
        personal: bool,
        waits: bool,
    ) -> None:
        self._operation = operation
        self._binding = binding
        self._theme = theme
        self._arguments = arguments
        self._personal = personal
        self.waits = waits
        """Whether executing an event may have to wait for the database."""
        self._apart = _only_cursors(operation, arguments)
        self.selection = None if personal or waits else _selection(operation)
        """What alone decides what is told of an event, whatever the scope; None where variables or rights do too."""

    def theme(self, programs: Programs, prepared: Prepared, context: Context) -> Theme:
        """What this subscription is about. Raises what refuses it."""
        check(self._binding.guard, context)
        return self._theme(context, **self._arguments.make(programs.variables(prepared.operation, prepared.variables)))

    def key(self, prepared: Prepared, context: Context, rights: Rights) -> Hashable:
        """Equal for those who are told the same from now on."""
        given = {name: value for name, value in prepared.variables.items() if name not in self._apart}
        variables = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
        viewer = context.viewer
        return self._operation, variables, viewer.scopes, rights.key, viewer if self._personal or not rights.teams else None


class Plans:
    """The plans of the operations that were subscribed to last."""

    def __init__(self, executor: Executor) -> None:
        self._schema: Schema = executor.schema
        self._bindings = executor.bindings
        core = executor.schema._schema  # noqa: SLF001
        self._personal = _where(lambda each: each.personal, executor.bindings, core)
        self._waiting = _where(lambda each: each.kind == "relation" and each.waits, executor.bindings, core)
        self._plans: dict[int, tuple[Operation, Plan | None]] = {}

    def of(self, operation: Operation) -> Plan | None:
        """The plan of a subscription; None when only graphql-core can follow it."""
        known = self._plans.get(id(operation))
        if known is None or known[0] is not operation:
            while len(self._plans) >= _MOST:
                del self._plans[next(iter(self._plans))]
            known = self._plans[id(operation)] = operation, self._made(operation)
        return known[1]

    def _made(self, operation: Operation) -> Plan | None:
        core = self._schema._schema  # noqa: SLF001
        root = core.subscription_type
        match operation.definition.selection_set.selections:
            case (FieldNode() as node,) if root is not None and not node.directives:
                pass
            case _:
                return None
        binding = self._bindings.get(f"{root.name}.{node.name.value}")
        if binding is None or binding.theme is None:
            return None
        field = root.fields[node.name.value]
        declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        arguments = Arguments(self._schema, field, declared, binding, node)
        personal, waits = (_asks(operation, core, each) for each in (self._personal, self._waiting))
        return Plan(operation, binding, binding.theme, arguments, personal=personal, waits=waits)


def _where(chosen: Callable[[Binding], bool], bindings: Mapping[str, Binding], schema: GraphQLSchema) -> frozenset[str]:
    """The coordinates of such fields, those of the interfaces that objects with them have too."""
    own = {coordinate for coordinate, binding in bindings.items() if chosen(binding)}
    shared = set()
    for type_ in schema.type_map.values():
        if is_abstract_type(type_):
            for possible in schema.get_possible_types(type_):
                shared |= {f"{type_.name}.{each.partition('.')[2]}" for each in own if each.startswith(f"{possible.name}.")}
    return frozenset(own | shared)


def _asks(operation: Operation, schema: GraphQLSchema, coordinates: frozenset[str]) -> bool:
    """Whether one of the fields stands anywhere in the document."""
    types = TypeInfo(schema)
    found = False

    class Finder(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            nonlocal found
            parent = types.get_parent_type()
            found |= parent is not None and f"{parent.name}.{node.name.value}" in coordinates

    visit(operation.document, TypeInfoVisitor(types, Finder()))
    return found


def _selection(operation: Operation) -> str | None:
    """The text of what is asked for below the root field, with all fragments of the document; None when variables stand in it."""
    (root,) = operation.definition.selection_set.selections
    assert isinstance(root, FieldNode)
    fragments = [each for each in operation.document.definitions if isinstance(each, FragmentDefinitionNode)]
    texts = [f"{root.alias.value if root.alias else ''} {root.name.value}"]
    texts += [print_ast(each) for each in (root.selection_set, *fragments) if each is not None]
    return None if any("$" in text for text in texts) else "\n".join(texts)


def _only_cursors(operation: Operation, arguments: Arguments) -> frozenset[str]:
    """The variables that say where to begin and nothing else."""
    used: list[str] = []
    at_root = arguments.variable(_CURSOR)

    class Finder(Visitor):
        def enter_variable_definition(self, *_: Any) -> Any:
            return self.SKIP

        def enter_variable(self, node: Any, *_: Any) -> None:
            used.append(node.name.value)

    visit(operation.document, Finder())
    return frozenset({at_root} if at_root is not None and used.count(at_root) == 1 else ())
