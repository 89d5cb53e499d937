"""GraphQL over HTTP: media types, statuses, sign-in, GET, cancellation."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx
import orjson
import pytest

from domain.errors import RETRYABLE_CODES
from tests.support.sample_app import build_sample_app
from tests.support.sample_graph import Journal
from tests.support.sample_server import SampleServer

NEW = "application/graphql-response+json"
OLD = "application/json"


async def post(http: httpx.AsyncClient, query: str, accept: str = NEW, headers: Any = (), **parameters: Any) -> httpx.Response:
    body = orjson.dumps({"query": query, **parameters})
    return await http.post(
        "/graphql", content=body, headers={"content-type": "application/json", "accept": accept, **dict(headers)}
    )


@pytest.mark.usefixtures("no_warnings")
async def test_a_query_with_fragments_an_interface_an_enum_and_an_input(http: httpx.AsyncClient) -> None:
    query = """
      query Q($first: Int!, $filter: ItemFilter) {
        items(first: $first, filter: $filter) { ...Page totalCount }
        node(id: 1) { __typename id ... on Item { colour twin { name } } }
      }
      fragment Page on ItemConnection { edges { node { id } } }
    """
    answer = await post(http, query, variables={"first": 1, "filter": {"colour": "BLUE", "maybe": "x"}})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "data": {
                "items": {"edges": [{"node": {"id": "1"}}], "totalCount": 1},
                "node": {"__typename": "Item", "id": "1", "colour": "RED", "twin": {"name": "one"}},
            }
        },
    )


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, OLD),
        ("*/*", OLD),
        ("application/*", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD};q=0.9", NEW),
        (f"{NEW};q=0.5, {OLD}", OLD),
        (f"{OLD}, {NEW}", NEW),
        (f"{NEW};charset=utf-8", NEW),
        ("text/html, */*;q=0.1", OLD),
        (f"{OLD};q=0, */*", NEW),
    ],
)
async def test_the_media_type_is_negotiated(http: httpx.AsyncClient, accept: str | None, content_type: str) -> None:
    http.headers.pop("accept")
    headers = {"content-type": OLD} | ({"accept": accept} if accept else {})
    answer = await http.post("/graphql", content=b'{"query":"{__typename}"}', headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{content_type}; charset=utf-8")


@pytest.mark.parametrize("query", ["{", "{nope}", "query($id: ID!){item(id:$id){id}}"])
async def test_a_mistake_in_the_document_is_200_only_for_old_clients(http: httpx.AsyncClient, query: str) -> None:
    new, old = await post(http, query), await post(http, query, OLD)
    assert (new.status_code, old.status_code) == (400, 200)
    assert "data" not in new.json()
    assert new.json() == old.json()


async def test_data_that_became_null_is_200(http: httpx.AsyncClient) -> None:
    answer = await post(http, "{viewer}")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "errors": [
                {
                    "message": "Sign in first.",
                    "locations": [{"line": 1, "column": 2}],
                    "path": ["viewer"],
                    "extensions": {"code": "UNAUTHENTICATED"},
                }
            ],
            "data": None,
        },
    )


@pytest.mark.usefixtures("no_warnings")
async def test_each_of_several_domain_errors_is_reported(http: httpx.AsyncClient) -> None:
    errors = (await post(http, "{several missing}")).json()["errors"]
    assert [(error["message"], error["extensions"]) for error in errors] == [
        ("A is wrong.", {"code": "INVALID", "path": ["input", "a"]}),
        ("B is wrong.", {"code": "INVALID", "path": ["input", "b"]}),
        ("Not found.", {"code": "NOT_FOUND"}),
    ]


@pytest.mark.parametrize(("query", "said"), [("{boom}", "internal secret"), ("{big}", "32-bit"), ("{unencodable}", "64-bit")])
async def test_a_bug_is_masked_and_logged_under_its_id(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, query: str, said: str
) -> None:
    answer = await post(http, query)
    (error,) = answer.json()["errors"]
    assert error["message"] == "Internal server error."
    assert error["extensions"]["code"] == "INTERNAL"
    assert said not in answer.text
    (record,) = caplog.records
    assert record.error_id == error["extensions"]["errorId"]  # type: ignore[attr-defined]
    assert record.exc_info is not None
    assert said in str(record.exc_info[1])


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("Bearer expired", 401, "TOKEN_EXPIRED"),
        ("Bearer not-one", 401, "UNAUTHENTICATED"),
        ("Basic abc", 401, "UNAUTHENTICATED"),
        ("Bearer gone", 401, "TOKEN_EXPIRED"),
        ("Bearer down", 503, "SERVICE_UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("accept", [OLD, NEW])
@pytest.mark.usefixtures("no_warnings")
async def test_who_may_not_enter_learns_so(http: httpx.AsyncClient, token: str, status: int, code: str, accept: str) -> None:
    answer = await post(http, "{__typename}", accept, {"authorization": token})
    extensions = {"code": code, "retryable": True} if code in RETRYABLE_CODES else {"code": code}
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]) == (status, extensions)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_a_bug_in_signing_in_is_500(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = await post(http, "{__typename}", headers={"authorization": "Bearer bug"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert "secret" not in answer.text
    assert len(caplog.records) == 1


async def test_the_context_is_opened_per_operation_and_closed(http: httpx.AsyncClient, journal: Journal) -> None:
    headers = {"authorization": "Bearer ann", "x-request-id": "r-1"}
    assert (await post(http, "{viewer requestId}", headers=headers)).json()["data"] == {
        "viewer": "ann",
        "requestId": "r-1",
    }
    await post(http, "{__typename}")
    assert [(context.credentials, context.closed) for context in journal.contexts] == [("ann", True), (None, True)]


@pytest.mark.parametrize("given", ["bad id", "x" * 65, "", "ü"])
async def test_a_request_id_is_made_unless_a_plain_one_is_given(http: httpx.AsyncClient, given: str) -> None:
    answer = await post(http, "{__typename}", headers={"x-request-id": given.encode()})
    assert answer.headers["x-request-id"] not in ("", given)
    assert (await post(http, "{__typename}", headers={"x-request-id": "a.B_c-1"})).headers["x-request-id"] == "a.B_c-1"


async def test_get_runs_queries_only(http: httpx.AsyncClient, journal: Journal) -> None:
    answer = await http.get("/graphql", params={"query": "query($n:Int){strict(number:$n)}", "variables": '{"n":4}'})
    assert (answer.status_code, answer.json()) == (200, {"data": {"strict": 4}})
    refused = await http.get("/graphql", params={"query": 'mutation{rename(name:"x")}'})
    assert (refused.status_code, refused.headers["allow"], journal.events) == (405, "POST", ["context closed"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "content-type": "text/plain"}, 403),
        ({"sec-fetch-site": "cross-site", "x-hive-csrf": "1"}, 200),
        ({"sec-fetch-site": "cross-site", "apollo-require-preflight": "1"}, 200),
        ({"sec-fetch-site": "cross-site", "content-type": "application/json"}, 200),
    ],
)
async def test_a_get_from_another_site_needs_a_header(http: httpx.AsyncClient, headers: Any, status: int) -> None:
    answer = await http.get("/graphql", params={"query": "{__typename}"}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


async def test_only_listed_origins_may_read(http: httpx.AsyncClient) -> None:
    ask = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    listed = await http.options("/graphql", headers={"origin": "https://app.example.com", **ask})
    other = await http.options("/graphql", headers={"origin": "https://evil.example.com", **ask})
    assert (listed.status_code, listed.headers["access-control-allow-origin"]) == (204, "https://app.example.com")
    assert "authorization" in listed.headers["access-control-allow-headers"]
    assert other.status_code == 204
    assert "access-control-allow-origin" not in other.headers
    read = await post(http, "{__typename}", headers={"origin": "https://app.example.com"})
    assert read.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in (await post(http, "{__typename}", headers={"origin": "null"})).headers


async def test_an_operation_that_takes_too_long_is_given_up(journal: Journal) -> None:
    transport = httpx.ASGITransport(build_sample_app(timeout=0.05).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://graph.test") as http:
        answer = await post(http, "{slow}")
    assert (answer.status_code, answer.json()) == (
        503,
        {
            "errors": [
                {
                    "message": "The operation took longer than 0.05 seconds.",
                    "extensions": {"code": "SERVICE_UNAVAILABLE", "retryable": True},
                }
            ]
        },
    )
    assert journal.events == ["slow started", "slow ended", "context closed"]


@pytest.mark.usefixtures("no_warnings")
async def test_a_client_that_goes_away_cancels_its_operation(server: SampleServer, journal: Journal) -> None:
    async with httpx.AsyncClient() as http:
        with suppress(httpx.TimeoutException):
            await http.post(server.url, json={"query": "{slow}"}, timeout=0.3)
    await journal.wait_for("context closed")
    assert journal.events == ["slow started", "slow ended", "context closed"]


async def test_production_gives_no_hints_and_no_introspection() -> None:
    transport = httpx.ASGITransport(build_sample_app(hints=False).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://graph.test") as http:
        assert "Did you mean" not in (await post(http, "{nodez}")).text
        assert (
            "Did you mean"
            not in (await post(http, "query($f:ItemFilter){items(filter:$f){totalCount}}", variables={"f": {"color": 1}})).text
        )
        refused = await post(http, "{__schema{queryType{name}}}")
        assert refused.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        allowed = await post(http, "{__schema{queryType{name}}}", headers={"authorization": "Bearer dev"})
        assert allowed.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


async def test_requests_on_one_connection_do_not_mix(server: SampleServer) -> None:
    async with httpx.AsyncClient() as http:
        queries = [f"{{strict(number:{number})}}" for number in range(40)]
        answers = await asyncio.gather(*(http.post(server.url, json={"query": query}) for query in queries))
    assert [answer.json()["data"]["strict"] for answer in answers] == list(range(40))
