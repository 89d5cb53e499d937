"""A compiled operation, ready to run: for one document, one operation and one set of `@skip`/`@include` values."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import FragmentDefinitionNode, OperationType
from strawberry.schema import Schema

from gateway.execution.compiled.compiler import Compiler, Root, Unsupported, guarded
from gateway.execution.compiled.selections import Collector, flag_names
from gateway.execution.documents import Operation
from gateway.execution.variables import Intake, Unusual
from schema.fields import Binding, check

MOST_FLAGS = 16
Run = Callable[[Any, list[dict[str, Any]], Any], Coroutine[Any, Any, dict[str, Any]]]


class NotCompiled(Exception):
    """This run is graphql-core's; the message is a short, fixed reason."""


class Program:
    """Generated code for one operation: `run` is called with the context, what `varying` makes of the variables, and the
    event."""

    __slots__ = ("_displays", "_source", "run", "varying")

    def __init__(self, run: Run, compiler: Compiler) -> None:
        self.run = run
        self.varying = tuple(compiler.varying)
        self._source = compiler.source
        self._displays = compiler.displays

    @property
    def source(self) -> str:
        """The generated code, with what was written by now for classes of objects."""
        return "\n\n".join([self._source, *(text for display in self._displays for text in display.sources.values())])


class Programs:
    """Compiles operations of one schema when they are first run, and keeps the programs with them."""

    def __init__(self, schema: Schema, bindings: Mapping[str, Binding]) -> None:
        self._schema = schema
        self._bindings = bindings

    def ready(self, operation: Operation, given: Mapping[str, Any]) -> tuple[Run, list[dict[str, Any]]]:
        """The code for an operation with these variables, and its arguments; raises NotCompiled with the reason why there is
        none."""
        if operation.intake is None:
            operation.intake = Intake(self._schema, operation.definition.variable_definitions or ())
        try:
            values = operation.intake.take(given)
            program = self._program(operation, values)
            return program.run, [each.quick(values) for each in program.varying]
        except Unusual:
            variables = self.variables(operation, given)
            program = self._program(operation, variables.coerced)
            return program.run, [each.make(variables) for each in program.varying]

    def variables(self, operation: Operation, given: Mapping[str, Any]) -> VariableValues:
        """The variables, coerced; raises NotCompiled where graphql-core finds fault with them."""
        definitions = operation.definition.variable_definitions or ()
        coerced = get_variable_values(self._schema._schema, definitions, dict(given))  # noqa: SLF001
        if isinstance(coerced, list):
            raise NotCompiled("variables")
        return coerced

    def _program(self, operation: Operation, values: Mapping[str, Any]) -> Program:
        if operation.flags is None:
            operation.flags = flag_names(operation.document)
        flags = tuple(values.get(name) for name in operation.flags)
        kept: Program | str | None = operation.programs.get(flags)
        if kept is None:
            if len(operation.programs) >= MOST_FLAGS:
                raise NotCompiled("flags")
            kept = operation.programs[flags] = self._compiled(operation, dict(zip(operation.flags, flags, strict=True)))
        if isinstance(kept, str):
            raise NotCompiled(kept)
        return kept

    def _compiled(self, operation: Operation, flags: Mapping[str, Any]) -> Program | str:
        if not all(isinstance(value, bool) for value in flags.values()):
            return "flags"
        fragments = {each.name.value: each for each in operation.document.definitions if isinstance(each, FragmentDefinitionNode)}
        core = self._schema._schema  # noqa: SLF001
        compiler = Compiler(self._schema, self._bindings, Collector(core, fragments, flags))
        root = core.get_root_type(operation.kind)
        assert root is not None
        try:
            fields = compiler.root(root, [operation.definition.selection_set])
        except Unsupported as reason:
            return str(reason)
        compiler.define([*_steps(compiler, fields, operation.kind), f"return {_dict(fields)}"], "run")
        return Program(compiler.finish()["run"], compiler)


def _steps(compiler: Compiler, fields: list[tuple[str, Root | str]], kind: OperationType) -> list[str]:
    """Root fields are resolved and completed one after the other, as mutations must be."""
    steps = []
    for place, (key, root) in enumerate(fields):
        if isinstance(root, str):
            continue
        value = f"v{place}"
        if kind is OperationType.SUBSCRIPTION:
            steps.append(f"{value} = V")
        elif kind is OperationType.MUTATION:
            assert root.call is not None
            steps.append(f"{value} = await {compiler.named('once', _once(key, root.binding))}(C, lambda: {root.call})")
        else:
            guard = compiler.named("guard", guarded(root.binding))
            steps += [f"{guard}(C)", root.wants, f"{value} = await {root.call}"]
        called = f"await {root.complete}(C, A, [{value}])" if root.waits else f"{root.complete}([{value}])"
        steps.append(f"{value} = ({called})[0]")
    return steps


def _dict(fields: list[tuple[str, Root | str]]) -> str:
    entries = [
        f"{key!r}: {root!r}" if isinstance(root, str) else f"{key!r}: v{place}" for place, (key, root) in enumerate(fields)
    ]
    return f"{{{', '.join(entries)}}}"


def _once(key: str, binding: Binding) -> Callable[[Any, Callable[[], Any]], Any]:
    """Run a mutation and note what it came to, so that nobody who takes over runs it again."""

    async def run(context: Any, call: Callable[[], Any]) -> Any:
        try:
            check(binding.guard, context)
            outcome = await call()
        except Exception as error:
            context.done[key] = error
            raise
        context.done[key] = outcome
        return outcome

    return run
