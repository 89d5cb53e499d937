"""Compiles a validated operation to straight-line Python.

A selection on an object type becomes one function over *all* objects of its level. The function calls each relation's batch
function once, passes the children to the functions of the next level, and builds the level's dicts from the bottom up: no future
per object, no tree walk at run time. `{ project(id: $id) { name tasks { nodes { title assignee { displayName } } } } }` becomes

    def make0(P):                                   # Task.assignee's fields
        return objects12(P)

    async def wait1(C, A, P):                       # the rows of the page: Task
        K = non_null(P)
        if not K: return P
        C.requested_columns = columns14             # frozenset({"display_name", …})
        n1 = foreign_keys_in(K, 'assignee_id')
        f1 = await load15(C, n1)
        r1 = dict(zip(n1, objects16(f1)))
        D = objects17(K, r1)
        return D if K is P else scatter(P, D)

    async def run(C, A, V):                         # the operation
        guard20(C)
        C.requested_columns = columns21
        v0 = await call22(C, **A[0])
        v0 = (await wait3(C, A, [v0]))[0]
        return {'project': v0}

where `objects…` makes the dicts (`gateway.execution.compiled.object_builders`) and the other names are those of
`gateway.execution.compiled.runtime`. Whatever graphql-core does beyond that (word an error, propagate a null) is left to it:
generated code raises, and graphql-core answers the operation (`gateway.execution.compiled.program`). What the compiler does not
know it refuses when it compiles (`Unsupported`): introspection, fields without a binding, arguments that are wrong whatever the
variables.

A single object may arrive with those that it refers to (`persistence.engine.lookup`); then these are taken from its row instead
of loaded: `f1 = joined_row(K[0], 'assignee_id')`.

Response keys are the only text of clients in the generated code; they are GraphQL names, written as Python string literals.
Rejected: a function per object, and a future for each (what makes graphql-core slow); `orjson.Fragment` for objects that repeat
(people of tasks are one dict each already: 50 tasks of 8 people take 14.7 µs to encode so, 15.7 with fragments). The relations of
a level are loaded one after the other, so that a request holds one connection at a time; loading them concurrently was not
measured.
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

from domain.actor import Scope
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
from gateway.execution.compiled.required_columns import required_columns, required_joins
from gateway.execution.compiled.runtime import (
    distinct,
    expand,
    flatten,
    group_by_type,
    merge_by_type,
    non_null,
    require_non_null,
    scatter,
    unflatten,
)
from gateway.execution.compiled.selections import (
    FieldCollector,
    is_leaf_or_leaf_list,
    is_single_object,
    unwrap_non_null,
)
from persistence.engine.rows import joined_row
from resolvers.page import ToOneLoader
from schema.fields import Binding, check_guard

_RUNTIME_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    non_null,
    require_non_null,
    scatter,
    distinct,
    expand,
    flatten,
    unflatten,
    group_by_type,
    merge_by_type,
    foreign_keys_in,
    joined_row,
)
_GENERATED_NAMES = {function.__name__: function for function in _RUNTIME_FUNCTIONS} | GENERATED_GLOBALS
_AWAIT = "await "


class Unsupported(Exception):
    """The compiler leaves this operation to graphql-core; the message is a short, fixed reason."""


class Compiler:
    """
    Compiles one operation.

    In generated code, `C` is the context, `A` the keyword arguments of `variable_arguments` (built anew for every run), `V` the
    event of a subscription, `P` a list of objects with None for missing ones, `K` the objects without these, `o` one of them.
    """

    def __init__(self, schema: Schema, bindings: Mapping[str, Binding], collector: FieldCollector) -> None:
        self._schema = schema
        self._bindings = bindings
        self._collector = collector
        self._functions: list[str] = []
        self._names: dict[str, Any] = dict(_GENERATED_NAMES)
        self.variable_arguments: list[FieldArguments] = []
        self.object_builders: list[ObjectBuilder] = []

    # ── the parts of a program ─────────────────────────────────────────────────────────────────────────────────────

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
            completed = self._complete(field.type, _selection_sets(nodes), "P", single=True)
            name = self._function(["return " + completed], is_async=_AWAIT in completed)
            fields.append(
                (
                    key,
                    RootField(
                        binding=binding,
                        call=call,
                        complete=name,
                        is_async=_AWAIT in completed,
                        request_steps=[self._required_columns_step(field, nodes), self._required_joins_step(field, nodes)],
                    ),
                )
            )
        return fields

    def define_function(self, lines: Sequence[str], name: str) -> None:
        """Adds a function with the given body to the generated module."""
        self._functions.append("\n".join([f"async def {name}(C, A, V):", *(f"    {line}" for line in lines)]))

    def name_for(self, prefix: str, value: Any) -> str:
        """Binds a value to a new name in the generated module and returns the name."""
        name = f"{prefix}{len(self._names)}"
        self._names[name] = value
        return name

    def load_module(self) -> dict[str, Any]:
        """Runs the generated module and returns its globals."""
        names = dict(self._names)
        exec(compile(self.source, "<compiled operation>", "exec"), names)  # noqa: S102 (our own text)
        return names

    @property
    def source(self) -> str:
        """The text of the generated module."""
        return "\n\n".join(self._functions)

    # ── levels ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _level(
        self, type_: GraphQLObjectType, selection_sets: Sequence[SelectionSetNode], *, nullable: bool, single: bool = False
    ) -> str:
        """Generates the function over all objects of one type in one selection; returns its name, for `_call_function`.

        `nullable`: whether the list of objects may hold None. `single`: whether it has one object at most, with which the objects
        that it refers to may have been read.
        """
        entries: list[tuple[str, FieldSource]] = []
        steps: list[str] = []
        columns: list[str] = []
        for slot, (key, nodes) in enumerate(self._collector.collect_fields(type_, selection_sets).items()):
            if nodes[0].name.value == "__typename":
                entries.append((key, repr(type_.name)))
                continue
            field, binding = self._field_and_binding(type_, nodes[0])
            if binding.kind == "leaf" and is_leaf_or_leaf_list(field.type):
                entries.append((key, self._leaf_field(field, binding)))
                continue
            steps += self._guard_steps(binding)
            if isinstance(binding.batch, ToOneLoader):
                joinable = single and binding.batch.query is not None
                steps += (self._joined_steps if joinable else self._to_one_steps)(slot, field, binding.batch, nodes)
                entries.append((key, ComputedColumn(slot) if joinable else LookupColumn(slot, binding.batch.attribute)))
                columns.append(f"r{slot}")
                continue
            if binding.kind == "relation":
                steps.append(self._required_columns_step(field, nodes))
            values = self._values(field, binding, nodes[0])
            if binding.kind == "relation" and is_single_object(field.type):
                steps += [f"a{slot} = {values}", f"d{slot} = distinct(a{slot})"]
                steps.append(f"r{slot} = {self._complete(field.type, _selection_sets(nodes), f'd{slot}')}")
                steps.append(f"r{slot} = expand(a{slot}, d{slot}, r{slot})")
            else:
                steps.append(f"r{slot} = {self._complete(field.type, _selection_sets(nodes), values)}")
            entries.append((key, ComputedColumn(slot)))
            columns.append(f"r{slot}")
        builder = self._object_builder(entries)
        if not columns:
            return builder
        is_async = any(_AWAIT in step for step in steps)
        built = f"{builder}(K, {', '.join(columns)})"
        if not nullable:
            return self._function(["K = P", "if not K: return P", *steps, f"return {built}"], is_async=is_async)
        lines = ["K = non_null(P)", "if not K: return P", *steps, f"D = {built}", "return D if K is P else scatter(P, D)"]
        return self._function(lines, is_async=is_async)

    def _to_one_steps(self, slot: int, field: GraphQLField, batch: ToOneLoader, nodes: Sequence[FieldNode]) -> list[str]:
        """The steps that load and complete the objects that the foreign keys of a level refer to, each once."""
        return [
            self._required_columns_step(field, nodes),
            f"n{slot} = foreign_keys_in(K, {batch.attribute!r})",
            f"f{slot} = await {self.name_for('load', batch.load_many)}(C, n{slot})",
            f"r{slot} = dict(zip(n{slot}, {self._complete(field.type, _selection_sets(nodes), f'f{slot}')}))",
        ]

    def _joined_steps(self, slot: int, field: GraphQLField, batch: ToOneLoader, nodes: Sequence[FieldNode]) -> list[str]:
        """The steps that complete the one object that the one object of a level refers to; it is loaded where it was not read
        with it."""
        return [
            f"f{slot} = joined_row(K[0], {batch.attribute!r})",
            f"if f{slot} is None:",
            f"    {self._required_columns_step(field, nodes)}",
            f"    f{slot} = await {self.name_for('load', batch.load_many)}(C, foreign_keys_in(K, {batch.attribute!r}))",
            f"r{slot} = {self._complete(field.type, _selection_sets(nodes), f'f{slot}', single=True)}",
        ]

    def _object_builder(self, fields: Sequence[tuple[str, FieldSource]]) -> str:
        """The name of the builder of a level's dicts."""
        name = f"objects{len(self._names)}"
        builder = self._names[name] = ObjectBuilder(name, fields)
        self.object_builders.append(builder)
        return name

    def _abstract(self, type_: GraphQLInterfaceType | GraphQLUnionType, selection_sets: Sequence[SelectionSetNode]) -> str:
        """Generates the function over objects of several types: one level for each type, and the results back in order."""
        if type_.resolve_type is None:
            raise Unsupported("abstract type without resolve_type")
        type_name = self.name_for("type_name", _type_namer(type_))
        lines = ["completed = {}"]
        known = []
        for possible in self._schema._schema.get_possible_types(type_):  # noqa: SLF001 (Strawberry has no public name for it)
            level = self._level(possible, selection_sets, nullable=False)
            known.append(possible.name)
            lines.append(
                f"if {possible.name!r} in groups: completed[{possible.name!r}] = "
                + self._call_function(level, f"groups[{possible.name!r}]")
            )
        is_async = any(_AWAIT in line for line in lines)
        lines = [
            f"groups = group_by_type(P, {type_name}, {known!r})",
            *lines,
            f"return merge_by_type(P, {type_name}, completed)",
        ]
        return self._function(lines, is_async=is_async)

    def _function(self, lines: Sequence[str], *, is_async: bool) -> str:
        name = f"{'wait' if is_async else 'make'}{len(self._functions)}"
        head = f"async def {name}(C, A, P):" if is_async else f"def {name}(P):"
        self._functions.append("\n".join([head, *(f"    {line}" for line in lines)]))
        return name

    def _call_function(self, function: str, values: str) -> str:
        return f"await {function}(C, A, {values})" if function.startswith("wait") else f"{function}({values})"

    # ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _complete(
        self, type_: GraphQLOutputType, selection_sets: Sequence[SelectionSetNode], values: str, *, single: bool = False
    ) -> str:
        """An expression for the list of JSON values of a list of resolved values, of a `single` one at most."""
        nullable, inner = unwrap_non_null(type_)
        if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            return f"[{leaf_expression(type_, 'o', self.name_for)} for o in {values}]"
        checked = values if nullable else f"require_non_null({values})"
        if isinstance(inner, GraphQLList):
            items = self._complete(inner.of_type, selection_sets, "flatten(P)")
            return self._call_function(self._function([f"return unflatten(P, {items})"], is_async=_AWAIT in items), checked)
        if isinstance(inner, GraphQLInterfaceType | GraphQLUnionType):
            return self._call_function(self._abstract(inner, selection_sets), checked)
        assert isinstance(inner, GraphQLObjectType)
        return self._call_function(self._level(inner, selection_sets, nullable=nullable, single=single), checked)

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
        """The step that announces which columns of its rows a field is about to read."""
        names = required_columns(field.type, _selection_sets(nodes), self._collector, self._bindings)
        return f"C.requested_columns = {'None' if names is None else self.name_for('columns', names)}"

    def _required_joins_step(self, field: GraphQLField, nodes: Sequence[FieldNode]) -> str:
        """The step that announces what the row of a field may be read together with."""
        joins = required_joins(field.type, _selection_sets(nodes), self._collector, self._bindings)
        return f"C.requested_joins = {self.name_for('joins', joins) if joins else '()'}"

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
            built = arguments.build(None)
        except Exception as error:
            raise Unsupported("bad argument") from error
        return f"{name}(C, **{self.name_for('arguments', built)})" if built else f"{name}(C)"


class RootField:
    """A root field: the expression that resolves it (`call`; None for an event) and the name of the function that completes a
    list of its one value. `request_steps` run before the call.
    """

    __slots__ = ("binding", "call", "complete", "is_async", "request_steps")

    def __init__(self, *, binding: Binding, call: str | None, complete: str, is_async: bool, request_steps: list[str]) -> None:
        self.request_steps = request_steps
        self.binding = binding
        self.call = call
        self.complete = complete
        self.is_async = is_async


def _selection_sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set is not None]


def guard_check(binding: Binding) -> Callable[[Any], None]:
    """A function that raises for a context that the field's guard does not admit."""
    guard = binding.guard
    if isinstance(guard, Scope):
        return lambda context: context.require(guard)
    return lambda context: check_guard(guard, context)


def _type_namer(type_: GraphQLInterfaceType | GraphQLUnionType) -> Callable[[Any], Any]:
    if isinstance(
        type_, GraphQLUnionType
    ):  # Strawberry's own resolver of unions needs an execution, which a program does not have
        return attrgetter("type_name")
    resolve: Any = type_.resolve_type
    return lambda value: resolve(value, None, type_)
