"""Documents are found valid and invalid as graphql-core finds them, whatever is left out to save time."""

import random
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError, parse, validate
from graphql.language import DocumentNode
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.execution.documents import DocumentCache, InvalidDocument, ParsedDocument
from gateway.execution.limits import Limits
from gateway.execution.tokens import TokenLocations, document_key, scan
from gateway.execution.validation import Validator
from schema.field_rules import field_weights
from schema.root import bindings, schema
from tests.support.random_operations import OperationGenerator

_CORE = schema._schema
_LIMITS = Limits(aliases=10_000, directives=10_000, comparisons=10**9, validation_errors=100)
_VALIDATOR = Validator(_CORE, _LIMITS, hints=True)
_WORDS = [
    "id",
    "name",
    "title",
    "nope",
    "tasks",
    "nodes",
    "x",
    "Task",
    "Query",
    "$v",
    "(",
    ")",
    "{",
    "}",
    "...",
    ":",
    "!",
    "1",
    '"s"',
    "@skip",
]
_FIXED = [
    "{ viewer { id } }",
    "{ viewer }",
    "{ viewer { id { id } } }",
    "{ viewer { nope } }",
    "{ viewer { ...F } } fragment F on User { id ...F }",
    "{ viewer { ...F } } fragment F on Task { id }",
    "{ viewer { id } } fragment F on User { id }",
    "{ viewer { a: firstName a: lastName } }",
    "{ viewer { avatarUrl(size: 1) avatarUrl(size: 2) } }",
    "{ a: viewer { id } a: server { version } }",
    "{ node(id: 1) { ... on Task { x: title } ... on Document { x: version } } }",
    "{ node { id } }",
    "{ task { id } }",
    "{ viewer { id(x: 1) } }",
    "query ($a: ID!) { viewer { id } }",
    "query ($a: ID!, $a: ID!) { node(id: $a) { id } }",
    "query { node(id: $a) { id } }",
    "query ($a: Int) { node(id: $a) { id } }",
    "query A { viewer { id } } query A { viewer { id } }",
    "{ viewer { id } } { viewer { id } }",
    "subscription { a: changes { kind } b: changes { kind } }",
    "subscription { changes { kind } __typename }",
    "{ viewer { id @nope } }",
    "{ viewer { id @skip } }",
    "{ viewer { id @skip(if: true) @skip(if: true) } }",
    "{ viewer { id @defer } }",
    "{ viewer { ... @defer { id } } }",
    "{ __typename @stream }",
    "{ tasks(filter: { nope: 1 }) { totalCount } }",
    "{ tasks(filter: { title: { eq: 1 } }) { totalCount } }",
    '{ tasks(filter: { title: { eq: "a" }, title: { eq: "b" } }) { totalCount } }',
    "{ tasks(first: 1, first: 2) { totalCount } }",
    "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "type A { b: Int }",
    "{ ... on Nope { id } }",
    "{ ...Nope }",
    "mutation { taskCreate(input: {}) { task { id } } }",
]


def core_errors(document: DocumentNode) -> list[GraphQLError]:
    """What graphql-core finds with all rules of the specification."""
    return validate(_CORE, document, max_errors=100)


def assert_same_verdict(source: str) -> None:
    """The validator refuses what graphql-core refuses, for reasons that graphql-core has too."""
    document = parse(source, allow_empty_selection_sets=False)
    expected = {(error.message, str(error.locations)) for error in core_errors(document)}
    found = {(error.message, str(error.locations)) for error in _VALIDATOR.validate(document, source)}
    assert bool(found) == bool(expected), source
    assert found <= expected, source


@pytest.mark.parametrize("source", _FIXED)
def test_documents_of_every_rule_get_the_verdict_of_graphql_core(source: str) -> None:
    assert_same_verdict(source)


def operation_text(seed: int) -> str:
    """The text of a generated operation."""
    ids = {name: ["VGFzazow"] for name in ("Task", "Document", "Label", "Comment", "Project", "Team", "User")}
    return OperationGenerator(_CORE, ids, ["word"], seed).query().query


@settings(deadline=None)
@given(
    st.integers(0, 2_000), st.lists(st.tuples(st.integers(0, 400), st.sampled_from(_WORDS), st.sampled_from("ird")), max_size=3)
)
def test_damaged_operations_get_the_verdict_of_graphql_core(seed: int, damage: list[tuple[int, str, str]]) -> None:
    tokens = scan(operation_text(seed))
    for place, word, kind in damage:
        at = place % len(tokens)
        tokens[at : at + (kind != "i")] = [] if kind == "d" else [word]
    source = " ".join(tokens)
    try:
        parse(source, allow_empty_selection_sets=False)
    except GraphQLError:
        return
    assert_same_verdict(source)


_IGNORED = [" ", "  ", ", ", "\n", "\r\n", "\t", "# no\n", "#\r", "\ufeff"]


def spread_out(tokens: list[str], seed: int) -> str:
    """The same tokens with comments and whitespace between them."""
    dice = random.Random(seed)
    return "".join(token + dice.choice(_IGNORED) for token in tokens)


def cache() -> DocumentCache:
    """An empty cache."""
    return DocumentCache(_CORE, Limits(), weights=field_weights(bindings), hints=True)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 10**6), st.booleans())
def test_documents_that_differ_in_comments_and_whitespace_share_their_validation(seed: int, noise: int, invalid: bool) -> None:
    tokens = scan(operation_text(seed))
    if invalid:
        tokens[tokens.index("{") + 1 : tokens.index("{") + 1] = ["nope"]
    first, second = spread_out(tokens, noise), spread_out(tokens, noise + 1)
    assert scan(first) == scan(second) == tokens
    assert document_key(scan(first)) == document_key(tokens)
    shared = cache()
    one, other = shared.load(first), shared.load(second)
    fresh = cache().load(second)
    assert type(one) is type(other) is type(fresh)
    if isinstance(other, InvalidDocument) and isinstance(fresh, InvalidDocument):
        assert other.errors == fresh.errors
    if isinstance(other, ParsedDocument) and isinstance(fresh, ParsedDocument):
        operation: Any = other.select_operation(None)
        expected: Any = fresh.select_operation(None)
        assert operation.complexity.cost_with({}) == expected.complexity.cost_with({})
        assert operation.definition.loc == expected.definition.loc


def test_a_known_invalid_document_is_not_validated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = cache()
    documents.load("{ nope }")
    monkeypatch.setattr(documents, "_parse_and_validate", None)
    again: Any = documents.load("#\n{\n  nope # 2\n}")
    assert again.errors[0]["locations"] == [{"line": 3, "column": 3}]


@settings(deadline=None)
@given(st.text(alphabet='{}()[]:!$=@|&."\\#\n\r\t ,\ufeffaZ_09-+eu', max_size=60))
def test_tokens_are_found_where_they_stand(source: str) -> None:
    places = TokenLocations(source)
    for index, token in enumerate(scan(source)):
        line, column = places.location_of(index)
        assert places.token_at(line, column) == index
        if "\n" not in token and "\r" not in token:
            rows = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            assert rows[line - 1][column - 1 :].startswith(token)


@pytest.mark.parametrize(
    ("selection", "path"),
    [
        (
            "tasks(first: 100) { nodes { id comments(first: 100) { nodes { body author { id } } } } }",
            ["tasks", "nodes", "comments"],
        ),
        (
            "few: tasks(first: 1) { nodes { id } } teams(first: 100) { nodes { m: members(first: 99) { nodes { id } } } }",
            ["teams", "nodes", "m"],
        ),
        ("documents(first: 100) { nodes { ...F } } ", ["documents"]),
    ],
)
def test_the_error_of_a_cost_names_the_heaviest_path(selection: str, path: list[str]) -> None:
    fragment = " fragment F on Document { content { text } diff { added } attribution { start } }" if "...F" in selection else ""
    documents = cache()
    loaded = documents.load(f"{{ {selection} }}{fragment}")
    assert isinstance(loaded, ParsedDocument)
    operation: Any = loaded.select_operation(None)
    cost = operation.complexity.cost_with({})
    assert cost > Limits().cost
    error = documents.cost_error(operation, {}, cost)
    assert error["extensions"]["heaviestPath"] == path
    assert ".".join(path) in error["message"]


def test_contents_and_long_texts_cost_more_than_other_fields() -> None:
    def cost(selection: str) -> int:
        loaded = cache().load(f'{{ document(id: "x") {{ {selection} }} }}')
        assert isinstance(loaded, ParsedDocument)
        operation: Any = loaded.select_operation(None)
        return int(operation.complexity.cost_with({}))

    assert cost("title") == 2
    assert cost("content { text }") == 27
    assert cost("a: content { text } b: content { text }") == 53
    assert cost("comments(first: 10) { nodes { body } }") == 1 + 1 + 10 * 2


_MISTAKES = [
    "{ viewr { id } }",
    "{ viewer { idd } }",
    "{ viewer { ...F } } fragment F on Usr { id }",
    "{ node(di: 1) { id } }",
    "{ a .. }",
    "{ tasks(filter: { titel: null }) { totalCount } }",
    "{ tasks(orderBy: [{ field: TITEL }]) { totalCount } }",
]


@pytest.mark.parametrize("text", _MISTAKES)
def test_production_suggests_no_names(text: str) -> None:
    documents = DocumentCache(_CORE, Limits(), weights={}, hints=False)
    loaded = documents.load(text)
    assert isinstance(loaded, InvalidDocument)
    assert "did you mean" not in str(loaded.errors).lower()


def test_the_documented_example_costs_what_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs/limits.md").read_text()
    example = text.split("```graphql\n")[1].split("```")[0]
    loaded = cache().load(example)
    assert isinstance(loaded, ParsedDocument)
    operation: Any = loaded.select_operation("Board")
    assert operation.complexity.cost_with({}) == 554
    assert "= 554" in example
