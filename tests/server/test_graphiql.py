"""What GraphiQL asks its server for besides the graph: its configuration, the schema, and what an operation costs."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from app.settings import DEMO_PASSWORD, DEMO_PEOPLE
from domain.session import GRAPHIQL_CLIENT_ID
from tests.support.server_process import ServerProcess, register_user

INTROSPECTION = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    experimental_directive_deprecation=True,
    one_of=True,
)
NO_COST = {"cost": None, "limit": 5000}


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def _cost(http: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    response = await http.post("/graphiql/cost", json={"query": query, "variables": variables})
    assert response.status_code == 200, response.text
    return response.json()


async def test_the_people_of_the_demo_are_named_with_their_password(http: httpx.AsyncClient, server: ServerProcess) -> None:
    config = (await http.get("/graphiql/config.json")).json()
    assert config["people"] == [{"name": name, "email": email, "password": DEMO_PASSWORD} for name, email in DEMO_PEOPLE]
    assert [person["name"] for person in config["people"]] == ["Dana Whitfield", "Priya Raghavan"]
    assert config["demo"] == {"email": "demo@pantherahive.dev", "password": "panthera-demo"}
    assert config["oauth"] == {"issuer": server.url, "clientId": str(GRAPHIQL_CLIENT_ID)}


async def test_the_schema_is_what_the_graph_says_of_itself(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": INTROSPECTION})
    assert (await http.get("/graphiql/schema.json")).json() == answer.json()


async def test_the_schema_is_compressed_and_not_sent_again(http: httpx.AsyncClient) -> None:
    plain = await http.get("/graphiql/schema.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    async with http.stream("GET", "/graphiql/schema.json", headers={"Accept-Encoding": "gzip"}) as response:
        body = b"".join([part async for part in response.aiter_raw()])
    assert (response.headers["content-encoding"], response.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(body) == plain.content
    assert len(body) < len(plain.content) / 8
    etag = plain.headers["etag"]
    assert response.headers["etag"] == etag
    for asked in (etag, etag.removeprefix("W/"), f'"other", {etag}'):
        again = await http.get("/graphiql/schema.json", headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    changed = await http.get("/graphiql/schema.json", headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.content) == (200, plain.content)


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ __typename }", {}, 0),
        ("{ viewer { id email } }", {}, 3),
        ("{ projects(first: 10) { nodes { id tasks(first: 5) { nodes { title } } } } }", {}, 1 + 10 * (1 + 1 + 5)),
        ("query ($n: Int) { projects(first: $n) { nodes { id } } }", {"n": 7}, 1 + 7),
        ("mutation ($i: TaskMoveInput!) { taskMove(input: $i) { cursor } }", {"i": {}}, 2),
        ("subscription { changes { cursor } }", {}, 2),
        ("{ projects(first: 100) { nodes { tasks(first: 100) { nodes { id } } } } }", {}, 1 + 100 * (1 + 100)),
    ],
)
async def test_a_cost_is_told_without_running_anything(
    http: httpx.AsyncClient, query: str, variables: dict[str, Any], cost: int
) -> None:
    assert await _cost(http, query, **variables) == {"cost": cost, "limit": 5000}


async def test_the_cost_of_one_of_several_operations_is_told_by_its_name(http: httpx.AsyncClient) -> None:
    query = "query A { viewer { id } } query B { viewer { id email } }"
    for name, cost in (("A", 2), ("B", 3)):
        response = await http.post("/graphiql/cost", json={"query": query, "operationName": name})
        assert response.json() == {"cost": cost, "limit": 5000}
    assert await _cost(http, query) == NO_COST


@pytest.mark.parametrize("query", ["", "{", "{ nothing }", "query ($n: Missing) { viewer { id } }", "fragment F on User { id }"])
async def test_an_operation_with_mistakes_has_no_cost(http: httpx.AsyncClient, query: str) -> None:
    assert await _cost(http, query) == NO_COST


async def test_what_is_no_request_is_refused_with_a_code(http: httpx.AsyncClient) -> None:
    json = {"Content-Type": "application/json"}
    for content, headers, status, code in (
        (b"{", json, 400, "BAD_USER_INPUT"),
        (b"[]", json, 400, "BAD_USER_INPUT"),
        (b'{"query": 1}', json, 400, "BAD_USER_INPUT"),
        (b'{"query": "{ viewer { id } }"}', {"Content-Type": "text/plain"}, 415, "BAD_USER_INPUT"),
        (b" " * 200_000, json, 413, "LIMIT_EXCEEDED"),
    ):
        response = await http.post("/graphiql/cost", content=content, headers=headers)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert (await http.get("/graphiql/cost")).status_code == 405
    assert (await http.post("/graphiql/schema.json")).status_code == 405


async def test_a_bad_token_reads_neither_the_schema_nor_a_cost(http: httpx.AsyncClient, server: ServerProcess) -> None:
    ada = await register_user(server)
    for token, status in ((ada.token, 200), (f"{ada.token}x", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        schema = await http.get("/graphiql/schema.json", headers=headers)
        cost = await http.post("/graphiql/cost", json={"query": "{ viewer { id } }"}, headers=headers)
        assert [schema.status_code, cost.status_code] == [status, status]
        if status == 401:
            assert schema.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert cost.json() == schema.json()
    await ada.close()


async def test_the_page_takes_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; connect-src 'self'" in policy
    assert "http" not in policy
    files = [part.split('"')[0] for part in page.text.split('"./graphiql/assets/')[1:]]
    assert len(files) > 3
    for name in files:
        asset = await http.get(f"/graphiql/assets/{name}")
        assert (asset.status_code, asset.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert (await http.get("/graphiql/assets/..%2F__init__.py")).status_code == 404
