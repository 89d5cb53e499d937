"""Compiles operations when they first run and caches a program for each set of `@skip`/`@include` values."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import FragmentDefinitionNode, OperationType
from strawberry.schema import Schema

from gateway.execution.compiled.compiler import Compiler, RootField, Unsupported, guard_check
from gateway.execution.compiled.selections import FieldCollector, directive_variable_names
from gateway.execution.documents import Operation
from gateway.execution.variables import SlowPathNeeded, VariableCoercer
from schema.fields import Binding, check_guard

MAX_PROGRAMS_PER_OPERATION = 16
CompiledFunction = Callable[[Any, list[dict[str, Any]], Any], Coroutine[Any, Any, dict[str, Any]]]


class NotCompiled(Exception):
    """graphql-core executes this run; the message is a short, fixed reason."""


class Program:
    """Generated code for one operation. `run` takes the context, the results of `variable_arguments`, and the event."""

    __slots__ = ("_object_builders", "_source", "run", "variable_arguments")

    def __init__(self, run: CompiledFunction, compiler: Compiler) -> None:
        self.run = run
        self.variable_arguments = tuple(compiler.variable_arguments)
        self._source = compiler.source
        self._object_builders = compiler.object_builders

    @property
    def source(self) -> str:
        """The generated code, with the object builders compiled so far."""
        return "\n\n".join([self._source, *(text for builder in self._object_builders for text in builder.sources.values())])


class ProgramCompiler:
    """Compiles operations of one schema when they first run; the programs live with the operation."""

    def __init__(self, schema: Schema, bindings: Mapping[str, Binding]) -> None:
        self._schema = schema
        self._bindings = bindings

    def compiled_for(
        self, operation: Operation, raw_variables: Mapping[str, Any]
    ) -> tuple[CompiledFunction, list[dict[str, Any]]]:
        """The code for an operation with these variables, and its arguments. Raises NotCompiled with the reason."""
        if operation.variable_coercer is None:
            operation.variable_coercer = VariableCoercer(self._schema, operation.definition.variable_definitions or ())
        try:
            values = operation.variable_coercer.coerce(raw_variables)
            program = self._get_or_compile(operation, values)
            return program.run, [each.fast(values) for each in program.variable_arguments]
        except SlowPathNeeded:
            variables = self.coerce_variables(operation, raw_variables)
            program = self._get_or_compile(operation, variables.coerced)
            return program.run, [each.build(variables) for each in program.variable_arguments]

    def coerce_variables(self, operation: Operation, raw_variables: Mapping[str, Any]) -> VariableValues:
        """The coerced variables; raises NotCompiled for values that graphql-core refuses."""
        definitions = operation.definition.variable_definitions or ()
        coerced = get_variable_values(self._schema._schema, definitions, dict(raw_variables))  # noqa: SLF001
        if isinstance(coerced, list):
            raise NotCompiled("variables")
        return coerced

    def _get_or_compile(self, operation: Operation, values: Mapping[str, Any]) -> Program:
        if operation.directive_variables is None:
            operation.directive_variables = directive_variable_names(operation.document)
        flags = tuple(values.get(name) for name in operation.directive_variables)
        program: Program | str | None = operation.programs.get(flags)
        if program is None:
            if len(operation.programs) >= MAX_PROGRAMS_PER_OPERATION:
                raise NotCompiled("flags")
            program = self._compile(operation, dict(zip(operation.directive_variables, flags, strict=True)))
            operation.programs[flags] = program
            if isinstance(program, Program):
                operation.compiled_characters += len(program.source)
                operation.on_compiled(len(program.source))
        if isinstance(program, str):
            raise NotCompiled(program)
        return program

    def _compile(self, operation: Operation, directive_variables: Mapping[str, Any]) -> Program | str:
        if not all(isinstance(value, bool) for value in directive_variables.values()):
            return "flags"
        fragments = {each.name.value: each for each in operation.document.definitions if isinstance(each, FragmentDefinitionNode)}
        core = self._schema._schema  # noqa: SLF001
        compiler = Compiler(self._schema, self._bindings, FieldCollector(core, fragments, directive_variables))
        root = core.get_root_type(operation.kind)
        assert root is not None
        try:
            fields = compiler.root_fields(root, [operation.definition.selection_set])
        except Unsupported as reason:
            return str(reason)
        compiler.define_function([*_root_steps(compiler, fields, operation.kind), f"return {_dict_expression(fields)}"], "run")
        return Program(compiler.load_module()["run"], compiler)


def _root_steps(compiler: Compiler, fields: list[tuple[str, RootField | str]], kind: OperationType) -> list[str]:
    """The steps that resolve and complete the root fields one after the other, as mutations must be."""
    steps = []
    for slot, (key, root) in enumerate(fields):
        if isinstance(root, str):
            continue
        value = f"v{slot}"
        if kind is OperationType.SUBSCRIPTION:
            steps.append(f"{value} = V")
        elif kind is OperationType.MUTATION:
            assert root.call is not None
            steps.append(f"{value} = await {compiler.name_for('once', _run_once(key, root.binding))}(C, lambda: {root.call})")
        else:
            guard = compiler.name_for("guard", guard_check(root.binding))
            steps += [f"{guard}(C)", *root.request_steps, f"{value} = await {root.call}"]
        called = f"await {root.complete}(C, A, [{value}])" if root.is_async else f"{root.complete}([{value}])"
        steps.append(f"{value} = ({called})[0]")
    return steps


def _dict_expression(fields: list[tuple[str, RootField | str]]) -> str:
    entries = [f"{key!r}: {root!r}" if isinstance(root, str) else f"{key!r}: v{slot}" for slot, (key, root) in enumerate(fields)]
    return f"{{{', '.join(entries)}}}"


def _run_once(key: str, binding: Binding) -> Callable[[Any, Callable[[], Any]], Any]:
    """A function that runs a mutation and records its result, so that graphql-core does not run it again after a failure."""

    async def run(context: Any, call: Callable[[], Any]) -> Any:
        try:
            check_guard(binding.guard, context)
            result = await call()
        except Exception as error:
            context.mutation_results[key] = error
            raise
        context.mutation_results[key] = result
        return result

    return run
