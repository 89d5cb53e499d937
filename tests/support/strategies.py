"""Operations that hypothesis-graphql draws from the schema, made to ask for what is there, with many of their literals as
variables.

The strategies know types only: every optional argument is given, and an id is any text. So a drawn id is a number, and what it
stands for is chosen by where it stands (`projectId`, `task(id:)`); of optional values half are left out; and a value, or a part
of it, becomes a variable, given, left to its default, null or left out, since it is variables that a compiled program reads in a
way of its own. What is changed hangs on a drawn seed, so a failure is found again and made smaller as any other.
"""

import random
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    is_required_argument,
    is_required_input_field,
    parse_const_value,
    parse_type,
    print_ast,
    value_from_ast_untyped,
    visit,
)
from graphql.language import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    IntValueNode,
    ListValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
)
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from tests.support.random_operations import GeneratedOperation

_OMIT_PROBABILITY, _WHOLE_VARIABLE_PROBABILITY, _PART_VARIABLE_PROBABILITY = 0.5, 0.4, 0.15
_TYPE_BY_WORD = {
    "label": "Label",
    "comment": "Comment",
    "document": "Document",
    "version": "DocumentVersion",
    "project": "Project",
    "team": "Team",
    "task": "Task",
    "target": "Task",
    "user": "User",
    "assignee": "User",
    "creator": "User",
    "owner": "User",
    "lead": "User",
}
_STRINGS = ["", "x", "Task 1", "mate", "Ünïcödé 🎉", "[Task](task:x)", "2026-11-22", "null"]


def _string_literals(*values: str) -> "st.SearchStrategy[ValueNode]":
    return st.sampled_from(values).map(nodes.String)


_SCALAR_STRATEGIES: dict[str, "st.SearchStrategy[ValueNode]"] = {
    "ID": st.integers(0, 20).map(nodes.Int) | _string_literals("", "x", "VGFzazp4", "VGVhbTowMTk3"),
    "Int": st.sampled_from([1, 2, 3, 5, 20, 100, 0, -1, 101]).map(nodes.Int),
    "Float": st.sampled_from([0.5, 1.0, 3.25, -1.0, 1e9]).map(nodes.Float) | st.integers(0, 9).map(nodes.Int),
    "String": st.sampled_from(_STRINGS).map(nodes.String)
    | st.text(st.characters(exclude_characters="\0"), max_size=12).map(nodes.String),
    "Markdown": st.sampled_from([*_STRINGS, "# A\n\n- [ ] b", "<b>c</b>"]).map(nodes.String),
    "Date": _string_literals(*["2026-11-22", "2026-12-01"] * 5, "2026-02-30"),
    "DateTime": _string_literals(*["2026-11-22T00:00:00Z", "2026-12-01T12:00:00+02:00"] * 5, "2026-12-01T12:00:00"),
    "UUID": st.uuids(version=4).map(str).map(nodes.String),
    "Base64": st.binary(max_size=8).map(b64encode).map(bytes.decode).map(nodes.String),
    "URL": _string_literals("https://example.com/a", "x"),
    "SyncCursor": st.integers(0, 20).map(nodes.Int) | _string_literals("", "x"),
    "JSON": _string_literals("x") | st.just(nodes.Object([])) | st.just(nodes.List([nodes.Int(1), nodes.Null])),
}
IdsByType = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class GeneratedDocument:
    """A drawn document, and the seed by which it is changed."""

    document: DocumentNode
    seed: int

    def operation(self, schema: GraphQLSchema, ids: IdsByType) -> GeneratedOperation:
        """The operation as it is sent, asking for things of these ids (by type; cursors of lists under `Cursor`)."""
        return _OperationBuilder(schema, ids, random.Random(self.seed)).build(self.document)


def generated_documents(
    schema: GraphQLSchema, *, mutations_only: bool = False, without: frozenset[str] = frozenset()
) -> "st.SearchStrategy[GeneratedDocument]":
    """Queries, or mutations: of one root field each, drawn in turn, since wide documents take ten times as long to draw."""
    root = schema.mutation_type if mutations_only else schema.query_type
    assert root is not None
    draw: Callable[..., Any] = mutations if mutations_only else queries
    of_field = {
        name: draw(schema, fields=[name], custom_scalars=_SCALAR_STRATEGIES, print_ast=lambda document: document)
        for name in root.fields
        if name not in without
    }
    documents = st.sampled_from(sorted(of_field)).flatmap(of_field.__getitem__)
    return st.builds(GeneratedDocument, documents, st.integers(0, 2**32))


def check_examples(
    strategy: "st.SearchStrategy[GeneratedDocument]",
    check: Callable[[GeneratedDocument], None],
    *,
    examples: int,
    first_seed: int,
) -> None:
    """Check so many drawn operations, the same for the same `first`; one that fails is shrunk before it is reported."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    phases = [Phase.generate, Phase.shrink]

    @seed(first_seed)
    @settings(max_examples=examples, deadline=None, database=None, phases=phases, suppress_health_check=quiet)
    @given(strategy)
    def each(example: GeneratedDocument) -> None:
        check(example)

    each()


class _OperationBuilder(Visitor):
    """Makes one operation of one document."""

    def __init__(self, schema: GraphQLSchema, ids: IdsByType, rng: random.Random) -> None:
        super().__init__()
        self._ids = ids
        self._rng = rng
        self._info = TypeInfo(schema)
        self._definitions: list[VariableDefinitionNode] = []
        self._variable_values: dict[str, Any] = {}
        self._field = ""

    def build(self, document: DocumentNode) -> GeneratedOperation:
        changed = visit(document, TypeInfoVisitor(self._info, self))
        (operation,) = changed.definitions
        assert isinstance(operation, OperationDefinitionNode)
        named = OperationDefinitionNode(
            operation=operation.operation,
            variable_definitions=tuple(self._definitions),
            directives=(),
            selection_set=operation.selection_set,
        )
        return GeneratedOperation(print_ast(DocumentNode(definitions=(named,))), self._variable_values)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        declared = self._info.get_argument()
        assert declared is not None
        if not is_required_argument(declared) and self._is_omitted():
            return REMOVE
        place = f"{self._field} {node.name.value}"
        return ArgumentNode(name=node.name, value=self._value(node.value, declared.type, place, _WHOLE_VARIABLE_PROBABILITY))

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self._field = node.name.value

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        if self._rng.random() > 0.03:
            return None
        held = VariableNode(name=NameNode(value=self._declare("Boolean!", self._rng.random() < 0.7)))
        argument = ArgumentNode(name=NameNode(value="if"), value=held)
        directive = DirectiveNode(name=NameNode(value="include"), arguments=(argument,))
        return FieldNode(
            name=node.name,
            alias=node.alias,
            arguments=node.arguments,
            directives=(directive,),
            selection_set=node.selection_set,
        )

    def _is_omitted(self) -> bool:
        return self._rng.random() < _OMIT_PROBABILITY

    def _value(self, node: ValueNode, type_: Any, path: str, as_variable: float) -> ValueNode:
        """The value that stands there: settled, and perhaps a variable, or with variables in it."""
        if self._rng.random() < as_variable:
            return self._variable(self._resolved(node, type_, path, 0.0), type_)
        return self._resolved(node, type_, path, _PART_VARIABLE_PROBABILITY if as_variable else 0.0)

    def _resolved(self, node: ValueNode, type_: Any, path: str, as_variable: float) -> ValueNode:
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList) and isinstance(node, ListValueNode):
            return nodes.List([self._value(each, inner.of_type, path, as_variable) for each in node.values])
        if isinstance(inner, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            fields = []
            for each in node.fields:
                declared = inner.fields[each.name.value]
                if is_required_input_field(declared) or not self._is_omitted():
                    where = f"{path} {each.name.value}"
                    value = self._value(each.value, declared.type, where, as_variable)
                    fields.append(ObjectFieldNode(name=each.name, value=value))
            return nodes.Object(fields)
        return self._with_real_id(node, getattr(inner, "name", ""), path)

    def _with_real_id(self, node: ValueNode, type_name: str, path: str) -> ValueNode:
        """A real id or cursor where one is meant."""
        if isinstance(node, IntValueNode) and type_name in ("ID", "SyncCursor"):
            some = self._ids[type_name] if type_name == "SyncCursor" else self._ids_for(path)
            return StringValueNode(value=some[int(node.value) % len(some)])
        if isinstance(node, StringValueNode) and path.endswith((" after", " before")) and self._rng.random() < 0.6:
            return StringValueNode(value=self._rng.choice(self._ids["Cursor"]))
        return node

    def _ids_for(self, path: str) -> Sequence[str]:
        """Ids of the kind that is meant there, by the last word that names a kind; of any kind where none does, and now and then."""
        if self._rng.random() < 0.9:
            for word in reversed(path.lower().split()):
                for sign, kind in _TYPE_BY_WORD.items():
                    if sign in word and self._ids.get(kind):
                        return self._ids[kind]
        return [each for kind, some in self._ids.items() if "Cursor" not in kind for each in some]

    def _variable(self, node: ValueNode, type_: Any) -> ValueNode:
        optional = not isinstance(type_, GraphQLNonNull)
        luck = self._rng.random()
        if optional and luck < 0.1:
            return VariableNode(name=NameNode(value=self._declare(str(type_), ...)))
        if luck < 0.2 and not isinstance(node, NullValueNode):
            return VariableNode(name=NameNode(value=self._declare(str(type_), ..., default=node)))
        value = value_from_ast_untyped(node)
        if luck < 0.22:
            value = self._rng.choice([None, 1, "x", [], {}, [value], True])  # of another kind, or in a list
        return VariableNode(name=NameNode(value=self._declare(str(type_), value)))

    def _declare(self, type_: str, value: Any, *, default: ValueNode | None = None) -> str:
        """A new variable: its name. `...`: not given."""
        name = f"v{len(self._definitions)}"
        literal = None if default is None else parse_const_value(print_ast(default))
        self._definitions.append(
            VariableDefinitionNode(
                variable=VariableNode(name=NameNode(value=name)), type=parse_type(type_), default_value=literal
            )
        )
        if value is not ...:
            self._variable_values[name] = value
        return name
