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
from gateway.execution.compiled.arguments import Arguments
from gateway.execution.compiled.object_builders import VALUES, Display, Entry, Made, Named, Read, expression, names_in
from gateway.execution.compiled.required_columns import wanted
from gateway.execution.compiled.selections import Collector
from gateway.execution.compiled.type_predicates import holds_leaves, is_one_object, unwrapped
from resolvers.page import ToOne
from schema.fields import Binding, check

_HELPERS = ("present", "full", "scattered", "distinct", "repeated", "flat", "nested", "by_type", "in_order")
_STEPS = {"names_in": names_in, **VALUES}
_WAITS = "await "


class Unsupported(Exception):
    """The compiler leaves this operation to graphql-core; the message is a short, fixed reason."""


class Compiler:
    """Compiles one operation. In generated code, `C` is the context, `A` the keyword arguments of `varying`, made anew for every
    run, `P` a list of objects with None where one is missing, `K` those that are there, `o` one of them.
    """

    def __init__(self, schema: Schema, bindings: Mapping[str, Binding], collector: Collector) -> None:
        self._schema = schema
        self._bindings = bindings
        self._collector = collector
        self._functions: list[str] = []
        self._names: dict[str, Any] = {name: getattr(runtime, name) for name in _HELPERS} | _STEPS
        self.varying: list[Arguments] = []
        self.displays: list[Display] = []

    # ── what programs are made of ─────────────────────────────────────────────────────────────────────────────────────

    def root(self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> list[tuple[str, "Root | str"]]:
        """The root fields by response key, in order; a plain string is `__typename`."""
        fields: list[tuple[str, Root | str]] = []
        for key, nodes in self._collector.fields(type_, sets).items():
            if nodes[0].name.value == "__typename":
                fields.append((key, type_.name))
                continue
            field, binding = self._bound(type_, nodes[0])
            call = None if binding.root is None else self._call(field, binding, nodes[0], binding.root)
            completed = self._complete(field.type, _selections(nodes), "P")
            name = self._function(["return " + completed], waits=_WAITS in completed)
            wants = self._wants(field, nodes)
            fields.append((key, Root(binding=binding, call=call, complete=name, waits=_WAITS in completed, wants=wants)))
        return fields

    def define(self, lines: Sequence[str], name: str) -> None:
        """Add a function of the program's own."""
        self._functions.append("\n".join([f"async def {name}(C, A, V):", *(f"    {line}" for line in lines)]))

    def named(self, prefix: str, value: Any) -> str:
        """A name for a value, in the generated module."""
        name = f"{prefix}{len(self._names)}"
        self._names[name] = value
        return name

    def finish(self) -> dict[str, Any]:
        """Run the generated module: its names."""
        names = dict(self._names)
        exec(compile(self.source, "<compiled operation>", "exec"), names)  # noqa: S102 (our own text)
        return names

    @property
    def source(self) -> str:
        """The generated module."""
        return "\n\n".join(self._functions)

    # ── levels ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _level(self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode], *, gaps: bool) -> str:
        """The function over all objects of a type at one place, where there may be gaps or not: what to call it with is
        `_called`."""
        entries: list[tuple[str, Entry]] = []
        steps: list[str] = []
        given: list[str] = []
        for place, (key, nodes) in enumerate(self._collector.fields(type_, sets).items()):
            if nodes[0].name.value == "__typename":
                entries.append((key, repr(type_.name)))
                continue
            field, binding = self._bound(type_, nodes[0])
            if binding.kind == "leaf" and holds_leaves(field.type):
                entries.append((key, self._read(field, binding)))
                continue
            steps += self._guard(binding)
            if binding.kind == "relation":
                steps.append(self._wants(field, nodes))
            if isinstance(binding.batch, ToOne):
                steps += self._named(place, field, binding.batch, _selections(nodes))
                entries.append((key, Named(place, binding.batch.attribute)))
                given.append(f"r{place}")
                continue
            values = self._values(field, binding, nodes[0])
            if binding.kind == "relation" and is_one_object(field.type):
                steps += [f"a{place} = {values}", f"d{place} = distinct(a{place})"]
                steps.append(f"r{place} = {self._complete(field.type, _selections(nodes), f'd{place}')}")
                steps.append(f"r{place} = repeated(a{place}, d{place}, r{place})")
            else:
                steps.append(f"r{place} = {self._complete(field.type, _selections(nodes), values)}")
            entries.append((key, Made(place)))
            given.append(f"r{place}")
        display = self._display(entries)
        if not given:
            return display
        waits = any(_WAITS in step for step in steps)
        made = f"{display}(K, {', '.join(given)})"
        if not gaps:
            return self._function(["K = P", "if not K: return P", *steps, f"return {made}"], waits=waits)
        lines = ["K = present(P)", "if not K: return P", *steps, f"D = {made}", "return D if K is P else scattered(P, D)"]
        return self._function(lines, waits=waits)

    def _named(self, place: int, field: GraphQLField, batch: ToOne, sets: Sequence[SelectionSetNode]) -> list[str]:
        """The steps that make the objects that those of a level name, each once."""
        find = self.named("find", batch.among)
        return [
            f"n{place} = names_in(K, {batch.attribute!r})",
            f"f{place} = await {find}(C, n{place})",
            f"r{place} = dict(zip(n{place}, {self._complete(field.type, sets, f'f{place}')}))",
        ]

    def _display(self, entries: Sequence[tuple[str, Entry]]) -> str:
        """The name of what makes the dicts of a level."""
        name = f"objects{len(self._names)}"
        display = self._names[name] = Display(name, entries)
        self.displays.append(display)
        return name

    def _abstract(self, type_: GraphQLInterfaceType | GraphQLUnionType, sets: Sequence[SelectionSetNode]) -> str:
        """A function over objects of several types: a level for each, and their results back in order."""
        if type_.resolve_type is None:
            raise Unsupported("abstract type without names")
        names = self.named("name", _namer(type_))
        lines = ["made = {}"]
        known = []
        for possible in self._schema._schema.get_possible_types(type_):  # noqa: SLF001 (the graphql-core schema has no other door)
            level = self._level(possible, sets, gaps=False)
            known.append(possible.name)
            lines.append(
                f"if {possible.name!r} in kinds: made[{possible.name!r}] = {self._called(level, f'kinds[{possible.name!r}]')}"
            )
        waits = any(_WAITS in line for line in lines)
        lines = [f"kinds = by_type(P, {names}, {known!r})", *lines, f"return in_order(P, {names}, made)"]
        return self._function(lines, waits=waits)

    def _function(self, lines: Sequence[str], *, waits: bool) -> str:
        name = f"{'wait' if waits else 'make'}{len(self._functions)}"
        head = f"async def {name}(C, A, P):" if waits else f"def {name}(P):"
        self._functions.append("\n".join([head, *(f"    {line}" for line in lines)]))
        return name

    def _called(self, function: str, values: str) -> str:
        return f"await {function}(C, A, {values})" if function.startswith("wait") else f"{function}({values})"

    # ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _complete(self, type_: GraphQLOutputType, sets: Sequence[SelectionSetNode], values: str) -> str:
        """An expression for the list of JSON values of a list of what resolvers gave."""
        nullable, inner = unwrapped(type_)
        if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            return f"[{expression(type_, 'o', self.named)} for o in {values}]"
        checked = values if nullable else f"full({values})"
        if isinstance(inner, GraphQLList):
            items = self._complete(inner.of_type, sets, "flat(P)")
            return self._called(self._function([f"return nested(P, {items})"], waits=_WAITS in items), checked)
        if isinstance(inner, GraphQLInterfaceType | GraphQLUnionType):
            return self._called(self._abstract(inner, sets), checked)
        assert isinstance(inner, GraphQLObjectType)
        return self._called(self._level(inner, sets, gaps=nullable), checked)

    def _values(self, field: GraphQLField, binding: Binding, node: FieldNode) -> str:
        """An expression for the list of a field's values on `K`."""
        if binding.batch is not None:
            return f"await {self._call(field, binding, node, binding.batch)}".replace("(C", "(C, K", 1)
        attribute = self._read(field, binding).attribute
        value = f"o.{attribute}" if binding.read is None else f"{self.named('read', binding.read)}(o)"
        return f"[{value} for o in K]"

    def _read(self, field: GraphQLField, binding: Binding) -> Read:
        if binding.kind != "leaf":
            raise Unsupported("root field below the root")
        attribute = binding.path or field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
        return Read(field.type, binding, attribute)

    def _bound(self, type_: GraphQLObjectType, node: FieldNode) -> tuple[GraphQLField, Binding]:
        name = node.name.value
        if name.startswith("__"):
            raise Unsupported("introspection")
        binding = self._bindings.get(f"{type_.name}.{name}")
        if binding is None:
            raise Unsupported("unbound field")
        return type_.fields[name], binding

    def _wants(self, field: GraphQLField, nodes: Sequence[FieldNode]) -> str:
        """The step that says what will be read of the rows that a field is about to fetch."""
        fetched = wanted(field.type, _selections(nodes), self._collector, self._bindings)
        return f"C.wanted = {'None' if fetched is None else self.named('wanted', fetched)}"

    def _guard(self, binding: Binding) -> list[str]:
        return [] if binding.guard in ("parent", "public") else [f"{self.named('guard', guarded(binding))}(C)"]

    def _call(self, field: GraphQLField, binding: Binding, node: FieldNode, function: Callable[..., Any]) -> str:
        """The call of a batch function or a resolver with the context and the field's arguments."""
        name = self.named("call", function)
        declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        arguments = Arguments(self._schema, field, declared, binding, node)
        if arguments.varies:
            self.varying.append(arguments)
            return f"{name}(C, **A[{len(self.varying) - 1}])"
        try:
            made = arguments.make(None)
        except Exception as error:
            raise Unsupported("bad argument") from error
        return f"{name}(C, **{self.named('given', made)})" if made else f"{name}(C)"


class Root:
    """A root field: how it is resolved (`call`, None for an event), and the function that completes a list of its one value.

    `wants` is the step before the call.
    """

    __slots__ = ("binding", "call", "complete", "waits", "wants")

    def __init__(self, *, binding: Binding, call: str | None, complete: str, waits: bool, wants: str) -> None:
        self.wants = wants
        self.binding = binding
        self.call = call
        self.complete = complete
        self.waits = waits


def _selections(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set is not None]


def guarded(binding: Binding) -> Callable[[Any], None]:
    """What refuses, by its context, whoever the field's guard does not let through."""
    return lambda context: check(binding.guard, context)


def _namer(type_: GraphQLInterfaceType | GraphQLUnionType) -> Callable[[Any], Any]:
    if isinstance(type_, GraphQLUnionType):  # Strawberry's own resolver of unions asks for an execution, which a program is not
        return attrgetter("type_name")
    resolve: Any = type_.resolve_type
    return lambda value: resolve(value, None, type_)
