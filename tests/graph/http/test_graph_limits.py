"""Depth, width and cost of operations: exact numbers, with fragments, variables and connections."""

import time
from typing import Any

import pytest

from gateway.execution.executor import Executor, OperationRequest, OperationResult, PreparedOperation
from gateway.execution.limits import Limits
from tests.support.machine import allowed_seconds
from tests.support.sample_graph import SCHEMA, nested_query


def prepare(query: str, limits: Limits | None = None, **variables: Any) -> PreparedOperation:
    executor = Executor(SCHEMA, limits=limits, weights={"Query.echo": 7})
    prepared = executor.prepare(OperationRequest(query=query, variables=variables))
    assert isinstance(prepared, PreparedOperation), prepared
    return prepared


def refusal_of(query: str, limits: Limits | None = None, **variables: Any) -> list[dict[str, Any]]:
    answer = Executor(SCHEMA, limits=limits).prepare(OperationRequest(query=query, variables=variables))
    assert isinstance(answer, OperationResult)
    assert not answer.executed
    return [error["extensions"] for error in answer.errors]


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{__typename}", {}, 0),
        ("{item(id:1){id name twin{id}}}", {}, 5),
        ("{echo}", {}, 7),
        ("{items{totalCount}}", {}, 2),
        ("{items(first:10){pageInfo{hasNextPage endCursor} totalCount}}", {}, 5),
        ("{items(first:10){nodes{id name}}}", {}, 21),
        ("{items(last:10){edges{cursor node{id name}}}}", {}, 31),
        ("{items{nodes{id}}}", {}, 51),
        ("{items(first:null){nodes{id}}}", {}, 51),
        ("query($n:Int){items(first:$n){nodes{id}}}", {}, 51),
        ("query($n:Int=3){items(first:$n){nodes{id}}}", {}, 4),
        ("query($n:Int=3){items(first:$n){nodes{id}}}", {"n": None}, 51),
        ("query($n:Int=3){items(first:$n){nodes{id}}}", {"n": 20}, 21),
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": -5}, 1),
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": "20"}, 51),
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": 20.0}, 21),  # which the Int of a variable accepts
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": 20.5}, 51),
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": 2**31}, 51),  # which it refuses
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": 1e300}, 51),
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": float("inf")}, 51),
        ("query($n:Int){items(first:$n){nodes{id}}}", {"n": float("nan")}, 51),
        ("{items(first:10){nodes{related(first:5){nodes{id}}}}}", {}, 61),
        ("{items(first:10){...P}} fragment P on ItemConnection{edges{node{id}} totalCount}", {}, 12),
        ("query($n:Int){items(first:$n){...P ...P}} fragment P on ItemConnection{edges{node{id}}}", {"n": 4}, 9),
        ("{nodes(ids:[1,2,3]){id name}}", {}, 7),
        ("query($i:[ID!]!){nodes(ids:$i){id}}", {"i": ["a"] * 30}, 31),
        ("{__schema{types{name fields{name type{name}}}}}", {}, 1000),
        ('{__type(name:"Item"){name}}', {}, 50),
        ("query A{item(id:1){id}} query B{item(id:1){id name}}", {"operation_name": "B"}, 3),
    ],
)
def test_what_an_operation_costs(query: str, variables: dict[str, Any], cost: int) -> None:
    name = variables.pop("operation_name", None) if "query A" in query else None
    executor = Executor(SCHEMA, weights={"Query.echo": 7})
    prepared = executor.prepare(OperationRequest(query=query, operation_name=name, variables=variables))
    assert isinstance(prepared, PreparedOperation)
    assert prepared.cost == cost


def test_depth_counts_fields_but_not_the_plumbing_of_connections() -> None:
    assert prepare(nested_query(10)).operation.complexity.depth == 10
    assert refusal_of(nested_query(11)) == [{"code": "QUERY_TOO_DEEP", "of": "depth", "limit": 10, "actual": 11}]
    related = "related(first:1){edges{node{"
    query = "{item(id:1){" + related * 8 + "id" + "}}}" * 8 + "}}"
    assert prepare(query).operation.complexity.depth == 10


def test_fragments_count_where_they_are_spread() -> None:
    chain = "".join(f"fragment F{n} on Item{{twin{{...F{n + 1}}}}}" for n in range(10)) + "fragment F10 on Item{a:name}"
    assert refusal_of("{item(id:1){...F0}}" + chain)[0]["actual"] == 12
    measure = prepare("{item(id:1){...F ...F}} fragment F on Item{a:name @skip(if:false)}").operation.complexity
    assert (measure.aliases, measure.directives, measure.root_fields) == (2, 2, 1)


def test_every_operation_of_a_document_is_measured_by_itself() -> None:
    query = "query A{...F} query B{...F ...F} fragment F on Query{__typename a:__typename}"
    executor = Executor(SCHEMA)
    for name, fields in (("A", 2), ("B", 4)):
        prepared = executor.prepare(OperationRequest(query=query, operation_name=name))
        assert isinstance(prepared, PreparedOperation)
        assert prepared.operation.complexity.root_fields == fields


def test_exponential_fragments_are_measured_in_linear_time() -> None:
    spreads = "".join(f"fragment F{n} on Item{{...F{n + 1} ...F{n + 1}}}" for n in range(100))
    page = "fragment F100 on Item{related(first:$n){nodes{id}}}"
    limits = Limits(cost=2**200)
    started = time.perf_counter()
    prepared = prepare("query($n:Int){item(id:1){...F0}}" + spreads + page, limits, n=3)
    assert prepared.cost == 1 + 2**100 * 4
    assert time.perf_counter() - started < allowed_seconds(1.0)


def test_fragments_that_spread_each_other_twice_are_refused_as_quickly() -> None:
    spreads = "".join(f"fragment F{n} on Item{{...F{n + 1} ...F{n + 1}}}" for n in range(100))
    page = "fragment F100 on Item{related(first:$n){nodes{id}}}"
    (refusal,) = refusal_of("query($n:Int){item(id:1){...F0}}" + spreads + page, n=3)  # 2^100 visits would take for ever
    assert (refusal["code"], refusal["of"], refusal["heaviestPath"]) == ("QUERY_TOO_COMPLEX", "cost", ["item", "related"])


def test_limits_can_be_set() -> None:
    assert refusal_of("{a:__typename b:__typename}", Limits(aliases=1))[0]["limit"] == 1
    assert refusal_of("{items(first:3){nodes{id}}}", Limits(cost=3)) == [
        {"code": "QUERY_TOO_COMPLEX", "of": "cost", "limit": 3, "actual": 4, "heaviestPath": ["items"]}
    ]


def test_the_introspection_of_tools_is_within_the_limits() -> None:
    from graphql import get_introspection_query

    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    measure = prepare(query).operation.complexity
    assert (measure.depth, measure.introspects) == (1, True)
    assert measure.introspection_depth <= Limits().introspection_depth


@pytest.mark.slow
def test_documents_are_remembered_within_bounds() -> None:
    executor = Executor(SCHEMA)
    documents = executor._documents
    first = documents.load("{__typename}")
    assert documents.load("{__typename}") is first
    for number in range(3_000):
        documents.load(f"{{nope{number}")
    assert documents.load("{__typename}") is first
    padding = "#" + "x" * 16_000 + "\n"
    for number in range(30):
        documents.load(f"{padding}{{strict(number:{number})}}")
    assert documents.load("{__typename}") is not first
    for cache in (documents._valid, documents._invalid, documents._by_key):
        assert 0 < cache.used_bytes <= cache.max_bytes
    assert documents._valid.evictions > 0
    assert documents._invalid.evictions > 0
