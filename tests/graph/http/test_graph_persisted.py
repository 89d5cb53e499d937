"""Persisted queries: documents by their hash, and lists of trusted ones."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from typing import Any

import httpx
import orjson
import pytest

from gateway.persisted.queries import AutomaticPersistedQueries
from gateway.persisted.trusted_documents import InvalidManifest, TrustedDocuments, check_manifest, read_manifest
from persistence.persisted_queries.memory import MemoryTexts
from tests.support.sample_app import build_sample_app
from tests.support.sample_server import SampleServer, run_sample_server

QUERY, MUTATION = "query Name{__typename}", 'mutation{rename(name:"x")}'
NEW = "application/graphql-response+json"

pytestmark = pytest.mark.usefixtures("no_warnings")


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def with_hash(text: str, **changed: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest(text), **changed}}}


def error_response(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


NOT_FOUND = error_response("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
REQUIRED = error_response("PERSISTED_QUERY_REQUIRED", "Only trusted documents run here.")
NAME = {"data": {"__typename": "Query"}}


async def post(http: httpx.AsyncClient, body: dict[str, Any], accept: str = "application/json") -> tuple[int, Any]:
    answer = await http.post("/graphql", json=body, headers={"accept": accept})
    return answer.status_code, answer.json()


async def get(http: httpx.AsyncClient, **parameters: Any) -> tuple[int, Any]:
    given = {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in parameters.items()}
    answer = await http.get("/graphql", params=given)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("accept", ["application/json", NEW])
async def test_a_hash_is_unknown_until_its_text_was_sent_once(http: httpx.AsyncClient, accept: str) -> None:
    assert await post(http, with_hash(QUERY), accept) == (200, NOT_FOUND)
    assert await post(http, {"query": QUERY, **with_hash(QUERY)}, accept) == (200, NAME)
    assert await post(http, with_hash(QUERY), accept) == (200, NAME)
    assert await post(http, {"query": None, **with_hash(QUERY)}, accept) == (200, NAME)
    assert await post(http, {"query": "", **with_hash(QUERY, sha256Hash=digest(QUERY).upper())}, accept) == (200, NAME)
    assert await post(http, {"documentId": f"sha256:{digest(QUERY)}"}, accept) == (200, NAME)
    assert await get(http, **with_hash(QUERY), operationName="Name") == (200, NAME)


async def test_a_get_may_not_change_anything_by_a_hash_either(http: httpx.AsyncClient) -> None:
    assert await post(http, {"query": MUTATION, **with_hash(MUTATION)}) == (200, {"data": {"rename": "x"}})
    assert await get(http, **with_hash(MUTATION)) == (405, error_response("BAD_USER_INPUT", "A GET may only run queries."))


async def test_a_text_under_anothers_hash_is_refused_and_not_kept(http: httpx.AsyncClient) -> None:
    mismatch = error_response("BAD_USER_INPUT", "provided sha does not match query")
    assert await post(http, {"query": MUTATION, **with_hash(QUERY)}, NEW) == (400, mismatch)
    assert await post(http, with_hash(QUERY)) == (200, NOT_FOUND)
    assert await post(http, {"query": QUERY, **with_hash(QUERY)}) == (200, NAME)
    assert await post(http, {"query": MUTATION, **with_hash(QUERY)}, NEW) == (400, mismatch)


async def test_plain_queries_and_other_extensions_are_left_alone(http: httpx.AsyncClient) -> None:
    assert await post(http, {"query": QUERY, "id": "1", "documentId": "x", "extensions": {"trace": 1}}) == (200, NAME)
    assert await post(http, with_hash(QUERY)) == (200, NOT_FOUND)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"version": 2, "sha256Hash": digest(QUERY)}, "Unsupported persisted query version"),
        ({"version": 1}, "extensions.persistedQuery needs a version and a sha256Hash."),
        ({"version": 1, "sha256Hash": 1}, "extensions.persistedQuery needs a version and a sha256Hash."),
        ("x", "extensions.persistedQuery needs a version and a sha256Hash."),
    ],
)
async def test_a_name_that_is_none_is_said_so(http: httpx.AsyncClient, given: Any, message: str) -> None:
    assert await post(http, {"extensions": {"persistedQuery": given}}, NEW) == (400, error_response("BAD_USER_INPUT", message))


async def test_names_that_are_no_hashes_are_not_found(http: httpx.AsyncClient) -> None:
    for body in ({"documentId": "x"}, {"id": "x"}, {"doc_id": "x"}, with_hash(QUERY, sha256Hash="x")):
        assert await post(http, body) == (200, NOT_FOUND)
    nul = error_response("BAD_USER_INPUT", "A string holds the character U+0000.")
    assert await post(http, {"documentId": "\0"}, NEW) == (400, nul)


async def test_a_text_that_is_too_long_is_not_kept() -> None:
    texts = MemoryTexts()
    known = AutomaticPersistedQueries(texts, max_characters=16 * 1024)
    long = QUERY + "#" * 16 * 1024
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(build_sample_app(persisted_queries=known).app), base_url="http://graph.test"
    ) as http:
        status, answer = await post(http, {"query": long, **with_hash(long)}, NEW)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (400, "QUERY_TOO_COMPLEX")
    assert await texts.get(digest(long)) is None


async def test_websockets_and_streams_know_hashes_too(server: SampleServer) -> None:
    text = "subscription Counting{count(to:1)}"
    async with server.open_websocket() as ws:

        async def subscribe(payload: dict[str, Any]) -> list[Any]:
            await ws.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
            frames = [orjson.loads(await ws.recv())]
            while frames[-1]["type"] == "next":
                frames.append(orjson.loads(await ws.recv()))
            return frames

        assert await subscribe(with_hash(text)) == [{"id": "1", "type": "error", "payload": NOT_FOUND["errors"]}]
        answers = [{"id": "1", "type": "next", "payload": {"data": {"count": 0}}}, {"id": "1", "type": "complete"}]
        assert await subscribe({"query": text, **with_hash(text)}) == answers
        assert await subscribe(with_hash(text)) == answers
    async with httpx.AsyncClient(headers={"accept": "text/event-stream"}) as http:
        answer = await http.post(server.url, json=with_hash(text))
        assert answer.text == ':\n\nevent: next\ndata: {"data":{"count":0}}\n\nevent: complete\ndata:\n\n'
        unknown = await http.post(server.url, json=with_hash("{nope}"))
        assert orjson.loads(unknown.text.split("data: ")[1].partition("\n")[0]) == NOT_FOUND


async def test_memory_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    texts = MemoryTexts(max_bytes=80_000)
    names = [f"text {number}" for number in range(8)]
    for name in names:
        await texts.put(name, name[-1] * 9_600)  # 49 bytes of a str and 300 of an entry with it
    assert await texts.get(names[0]) == "0" * 9_600
    await texts.put("one more", "x" * 9_600)
    assert [await texts.get(name) is not None for name in names] == [True, False, *[True] * 6]
    await texts.put("as large as two", "é" * 4_800)
    assert await texts.get("as large as two") == "é" * 4_800
    await texts.put("too large", "x" * 10_001)
    assert await texts.get("too large") is None
    assert await texts.get(names[0]) == "0" * 9_600


@pytest.fixture
def trusted_documents_server() -> Callable[..., AbstractAsyncContextManager[SampleServer]]:
    known = TrustedDocuments({"abc": QUERY, f"sha256:{digest(MUTATION)}": MUTATION})
    return lambda: run_sample_server(persisted_queries=known)


async def test_only_trusted_documents_run_by_any_name_or_by_their_text(
    trusted_documents_server: Callable[..., AbstractAsyncContextManager[SampleServer]],
) -> None:
    async with trusted_documents_server() as server, httpx.AsyncClient(base_url=server.url.removesuffix("/graphql")) as http:
        by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}}
        for body in ({"documentId": "abc"}, {"id": "abc"}, {"doc_id": "abc"}, by_hash, {"query": QUERY}):
            assert await post(http, body) == (200, NAME)
        assert await post(http, {"query": QUERY, "id": "abc"}) == (200, NAME)
        assert await post(http, {"query": QUERY, "id": "something else"}) == (200, NAME)
        assert await post(http, {"documentId": f"sha256:{digest(MUTATION)}"}) == (200, {"data": {"rename": "x"}})
        assert await post(http, {"documentId": digest(MUTATION)}) == (200, {"data": {"rename": "x"}})
        assert await get(http, documentId="abc") == (200, NAME)
        for body in (
            {"query": QUERY + " "},
            {"query": "{__typename}", "id": "abc"},
            {"query": "{__typename}", **with_hash("{__typename}")},
            with_hash("{__typename}"),
            {"documentId": "nope"},
        ):
            assert await post(http, body, NEW) == (400, REQUIRED)
        async with server.open_websocket() as ws:
            await ws.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": {"query": "{__typename}"}}).decode())
            assert orjson.loads(await ws.recv()) == {"id": "1", "type": "error", "payload": REQUIRED["errors"]}


def apollo(*operations: Any, version: int = 1) -> bytes:
    return orjson.dumps({"format": "apollo-persisted-query-manifest", "version": version, "operations": operations})


def test_manifests_of_apollo_relay_and_codegen_are_read() -> None:
    operation = {"id": "a", "name": "Name", "type": "query", "body": QUERY}
    assert read_manifest(apollo(operation, operation)) == {"a": QUERY}
    assert read_manifest(orjson.dumps({"a": QUERY, "b": MUTATION})) == {"a": QUERY, "b": MUTATION}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "it is not JSON"),
        (b"[]", "it is neither Apollo's manifest nor a map of ids to texts."),
        (b"{}", "it has no documents."),
        (b'{"a":1}', "the text of 'a' is not a string."),
        (b'{"operations":[]}', "its format is not apollo-persisted-query-manifest, version 1."),
        (apollo(version=2), "its format is not apollo-persisted-query-manifest, version 1."),
        (apollo({"id": "a"}), "an operation has no id or no body."),
        (apollo({"id": "a", "body": QUERY}, {"id": "a", "body": MUTATION}), "two documents have the id 'a'."),
    ],
)
def test_a_manifest_that_is_none_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidManifest, match=reason):
        read_manifest(content)


def test_a_document_that_the_graph_would_refuse_is_found_at_once() -> None:
    check_manifest({"a": QUERY, "b": MUTATION}, build_sample_app().executor.document_errors)
    with pytest.raises(InvalidManifest, match=r"the document 'b' can't run: Cannot query field 'nope' on type 'Query'\."):
        check_manifest({"a": QUERY, "b": "{nope}"}, build_sample_app().executor.document_errors)
