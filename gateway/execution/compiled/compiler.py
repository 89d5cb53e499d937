"""From a validated operation to straight-line Python.

A selection on an object type becomes one function over *all* objects of its level: it calls each relation's batch function once,
hands the children to the functions below, and builds the level's dicts from the bottom up. There is no future per object and no
tree walk at run time. `{ project(id: $id) { name tasks { nodes { title assignee { displayName } } } } }` becomes, names changed,

    async def task(C, A, P):
        K = present(P)
        n1 = names_in(K, "assignee_id")
        r1 = dict(zip(n1, users(await assignees(C, n1))))
        D = tasks(K, r1)
        return D if K is P else scattered(P, D)

where `users` and `tasks` make the dicts (`gateway.execution.compiled.object_builders`). Whatever graphql-core would do beyond
that (word an error, propagate a null) is left to it: generated code raises, and the operation is answered by graphql-core
(`gateway.execution.compiled.program`). What the compiler does not know it refuses when compiling (`Unsupported`): introspection,
fields without a binding, arguments that are wrong whatever the variables.

Response keys are the only text of clients in the generated code; they are GraphQL names, and stand there as Python string
literals. Rejected: a function per object, and a future for each (what makes graphql-core slow). A level's relations are asked one
after the other: a request then holds one connection at a time; asking them together was not measured.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
)
from graphql.language import FieldNode, SelectionSetNode
from strawberry.schema import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.execution.compiled import runtime
from gateway.execution.compiled.arguments import FieldArguments
from gateway.execution.compiled.object_builders import (
    GENERATED_GLOBALS,
    ComputedColumn,
    FieldSource,
    LeafField,
    LookupColumn,
    ObjectBuilder,
    foreign_keys_in,
    leaf_expression,
)
from gateway.execution.compiled.required_columns import required_columns
from gateway.execution.compiled.selections import FieldCollector
from gateway.execution.compiled.type_predicates import is_leaf_or_leaf_list, is_single_object, unwrap_non_null
from resolvers.page import ToOneLoader
from schema.fields import Binding, check_guard

_RUNTIME_FUNCTIONS = ("present", "full", "scattered", "distinct", "repeated", "flat", "nested", "by_type", "in_order")
_GENERATED_GLOBALS = {"names_in": foreign_keys_in, **GENERATED_GLOBALS}
_AWAIT = "await "


class Unsupported(Exception):
    """The compiler leaves this operation to graphql-core; the message is a short, fixed reason."""


class Compiler:
    """Compiles one operation. In generated code, `C` is the context, `A` the keyword arguments of `varying`, made anew for every
    run, `P` a list of objects with None where one is missing, `K` those that are there, `o` one of them.
    """

    def __init__(self, schema: Schema, bindings: Mapping[str, Binding], collector: FieldCollector) -> None:
        self._schema = schema
        self._bindings = bindings
        self._collector = collector
        self._functions: list[str] = []
        self._names: dict[str, Any] = {name: getattr(runtime, name) for name in _RUNTIME_FUNCTIONS} | _GENERATED_GLOBALS
        self.variable_arguments: list[FieldArguments] = []
        self.object_builders: list[ObjectBuilder] = []

    # ── what programs are made of ─────────────────────────────────────────────────────────────────────────────────────

    def root_fields(
        self, type_: GraphQLObjectType, selection_sets: Sequence[SelectionSetNode]
    ) -> list[tuple[str, "RootField | str"]]:
        """The root fields by response key, in order; a plain string is `__typename`."""
        fields: list[tuple[str, RootField | str]] = []
        for key, nodes in self._collector.collect_fields(type_, selection_sets).items():
            if nodes[0].name.value == "__typename":
                fields.append((key, type_.name))
                continue
            field, binding = self._field_and_binding(type_, nodes[0])
            call = None if binding.root is None else self._call_resolver(field, binding, nodes[0], binding.root)
            completed = self._complete(field.type, _selection_sets(nodes), "P")
            name = self._function(["return " + completed], is_async=_AWAIT in completed)
            wants = self._required_columns_step(field, nodes)
            fields.append(
                (
                    key,
                    RootField(
                        binding=binding, call=call, complete=name, is_async=_AWAIT in completed, required_columns_step=wants
                    ),
                )
            )
        return fields

    def define_function(self, lines: Sequence[str], name: str) -> None:
        """Add a function of the program's own."""
        self._functions.append("\n".join([f"async def {name}(C, A, V):", *(f"    {line}" for line in lines)]))

    def name_for(self, prefix: str, value: Any) -> str:
        """A name for a value, in the generated module."""
        name = f"{prefix}{len(self._names)}"
        self._names[name] = value
        return name

    def load_module(self) -> dict[str, Any]:
        """Run the generated module: its names."""
        names = dict(self._names)
        exec(compile(self.source, "<compiled operation>", "exec"), names)  # noqa: S102 (our own text)
        return names

    @property
    def source(self) -> str:
        """The generated module."""
        return "\n\n".join(self._functions)

    # ── levels ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _level(self, type_: GraphQLObjectType, selection_sets: Sequence[SelectionSetNode], *, nullable: bool) -> str:
        """The function over all objects of a type at one place, where there may be gaps or not: what to call it with is
        `_called`."""
        entries: list[tuple[str, FieldSource]] = []
        steps: list[str] = []
        given: list[str] = []
        for place, (key, nodes) in enumerate(self._collector.collect_fields(type_, selection_sets).items()):
            if nodes[0].name.value == "__typename":
                entries.append((key, repr(type_.name)))
                continue
            field, binding = self._field_and_binding(type_, nodes[0])
            if binding.kind == "leaf" and is_leaf_or_leaf_list(field.type):
                entries.append((key, self._leaf_field(field, binding)))
                continue
            steps += self._guard_steps(binding)
            if binding.kind == "relation":
                steps.append(self._required_columns_step(field, nodes))
            if isinstance(binding.batch, ToOneLoader):
                steps += self._to_one_steps(place, field, binding.batch, _selection_sets(nodes))
                entries.append((key, LookupColumn(place, binding.batch.attribute)))
                given.append(f"r{place}")
                continue
            values = self._values(field, binding, nodes[0])
            if binding.kind == "relation" and is_single_object(field.type):
                steps += [f"a{place} = {values}", f"d{place} = distinct(a{place})"]
                steps.append(f"r{place} = {self._complete(field.type, _selection_sets(nodes), f'd{place}')}")
                steps.append(f"r{place} = repeated(a{place}, d{place}, r{place})")
            else:
                steps.append(f"r{place} = {self._complete(field.type, _selection_sets(nodes), values)}")
            entries.append((key, ComputedColumn(place)))
            given.append(f"r{place}")
        display = self._object_builder(entries)
        if not given:
            return display
        waits = any(_AWAIT in step for step in steps)
        made = f"{display}(K, {', '.join(given)})"
        if not nullable:
            return self._function(["K = P", "if not K: return P", *steps, f"return {made}"], is_async=waits)
        lines = ["K = present(P)", "if not K: return P", *steps, f"D = {made}", "return D if K is P else scattered(P, D)"]
        return self._function(lines, is_async=waits)

    def _to_one_steps(
        self, slot: int, field: GraphQLField, batch: ToOneLoader, selection_sets: Sequence[SelectionSetNode]
    ) -> list[str]:
        """The steps that make the objects that those of a level name, each once."""
        find = self.name_for("find", batch.load_many)
        return [
            f"n{slot} = names_in(K, {batch.attribute!r})",
            f"f{slot} = await {find}(C, n{slot})",
            f"r{slot} = dict(zip(n{slot}, {self._complete(field.type, selection_sets, f'f{slot}')}))",
        ]

    def _object_builder(self, fields: Sequence[tuple[str, FieldSource]]) -> str:
        """The name of what makes the dicts of a level."""
        name = f"objects{len(self._names)}"
        display = self._names[name] = ObjectBuilder(name, fields)
        self.object_builders.append(display)
        return name

    def _abstract(self, type_: GraphQLInterfaceType | GraphQLUnionType, selection_sets: Sequence[SelectionSetNode]) -> str:
        """A function over objects of several types: a level for each, and their results back in order."""
        if type_.resolve_type is None:
            raise Unsupported("abstract type without names")
        names = self.name_for("name", _type_namer(type_))
        lines = ["made = {}"]
        known = []
        for possible in self._schema._schema.get_possible_types(type_):  # noqa: SLF001 (the graphql-core schema has no other door)
            level = self._level(possible, selection_sets, nullable=False)
            known.append(possible.name)
            lines.append(
                f"if {possible.name!r} in kinds: made[{possible.name!r}] = {self._call_function(level, f'kinds[{possible.name!r}]')}"
            )
        waits = any(_AWAIT in line for line in lines)
        lines = [f"kinds = by_type(P, {names}, {known!r})", *lines, f"return in_order(P, {names}, made)"]
        return self._function(lines, is_async=waits)

    def _function(self, lines: Sequence[str], *, is_async: bool) -> str:
        name = f"{'wait' if is_async else 'make'}{len(self._functions)}"
        head = f"async def {name}(C, A, P):" if is_async else f"def {name}(P):"
        self._functions.append("\n".join([head, *(f"    {line}" for line in lines)]))
        return name

    def _call_function(self, function: str, values: str) -> str:
        return f"await {function}(C, A, {values})" if function.startswith("wait") else f"{function}({values})"

    # ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _complete(self, type_: GraphQLOutputType, selection_sets: Sequence[SelectionSetNode], values: str) -> str:
        """An expression for the list of JSON values of a list of what resolvers gave."""
        nullable, inner = unwrap_non_null(type_)
        if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            return f"[{leaf_expression(type_, 'o', self.name_for)} for o in {values}]"
        checked = values if nullable else f"full({values})"
        if isinstance(inner, GraphQLList):
            items = self._complete(inner.of_type, selection_sets, "flat(P)")
            return self._call_function(self._function([f"return nested(P, {items})"], is_async=_AWAIT in items), checked)
        if isinstance(inner, GraphQLInterfaceType | GraphQLUnionType):
            return self._call_function(self._abstract(inner, selection_sets), checked)
        assert isinstance(inner, GraphQLObjectType)
        return self._call_function(self._level(inner, selection_sets, nullable=nullable), checked)

    def _values(self, field: GraphQLField, binding: Binding, node: FieldNode) -> str:
        """An expression for the list of a field's values on `K`."""
        if binding.batch is not None:
            return f"await {self._call_resolver(field, binding, node, binding.batch)}".replace("(C", "(C, K", 1)
        attribute = self._leaf_field(field, binding).attribute
        value = f"o.{attribute}" if binding.read is None else f"{self.name_for('read', binding.read)}(o)"
        return f"[{value} for o in K]"

    def _leaf_field(self, field: GraphQLField, binding: Binding) -> LeafField:
        if binding.kind != "leaf":
            raise Unsupported("root field below the root")
        attribute = binding.path or field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
        return LeafField(field.type, binding, attribute)

    def _field_and_binding(self, type_: GraphQLObjectType, node: FieldNode) -> tuple[GraphQLField, Binding]:
        name = node.name.value
        if name.startswith("__"):
            raise Unsupported("introspection")
        binding = self._bindings.get(f"{type_.name}.{name}")
        if binding is None:
            raise Unsupported("unbound field")
        return type_.fields[name], binding

    def _required_columns_step(self, field: GraphQLField, nodes: Sequence[FieldNode]) -> str:
        """The step that says what will be read of the rows that a field is about to fetch."""
        fetched = required_columns(field.type, _selection_sets(nodes), self._collector, self._bindings)
        return f"C.wanted = {'None' if fetched is None else self.name_for('wanted', fetched)}"

    def _guard_steps(self, binding: Binding) -> list[str]:
        return [] if binding.guard in ("parent", "public") else [f"{self.name_for('guard', guard_check(binding))}(C)"]

    def _call_resolver(self, field: GraphQLField, binding: Binding, node: FieldNode, function: Callable[..., Any]) -> str:
        """The call of a batch function or a resolver with the context and the field's arguments."""
        name = self.name_for("call", function)
        declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        arguments = FieldArguments(self._schema, field, declared, binding, node)
        if arguments.has_variables:
            self.variable_arguments.append(arguments)
            return f"{name}(C, **A[{len(self.variable_arguments) - 1}])"
        try:
            made = arguments.build(None)
        except Exception as error:
            raise Unsupported("bad argument") from error
        return f"{name}(C, **{self.name_for('given', made)})" if made else f"{name}(C)"


class RootField:
    """A root field: how it is resolved (`call`, None for an event), and the function that completes a list of its one value.

    `wants` is the step before the call.
    """

    __slots__ = ("binding", "call", "complete", "is_async", "required_columns_step")

    def __init__(self, *, binding: Binding, call: str | None, complete: str, is_async: bool, required_columns_step: str) -> None:
        self.required_columns_step = required_columns_step
        self.binding = binding
        self.call = call
        self.complete = complete
        self.is_async = is_async


def _selection_sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set is not None]


def guard_check(binding: Binding) -> Callable[[Any], None]:
    """What refuses, by its context, whoever the field's guard does not let through."""
    return lambda context: check_guard(binding.guard, context)


def _type_namer(type_: GraphQLInterfaceType | GraphQLUnionType) -> Callable[[Any], Any]:
    if isinstance(type_, GraphQLUnionType):  # Strawberry's own resolver of unions asks for an execution, which a program is not
        return attrgetter("type_name")
    resolve: Any = type_.resolve_type
    return lambda value: resolve(value, None, type_)
