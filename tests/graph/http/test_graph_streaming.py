"""Subscriptions in the body of a response: server-sent events, and Apollo's multipart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from domain.errors import RETRYABLE_CODES, TokenExpired, Unavailable
from gateway.http.stream_format import EVENT_STREAM, MULTIPART, negotiate_stream
from gateway.http.streaming import StreamLimits
from tests.support.credentials import SampleCredentials
from tests.support.sample_app import authenticate
from tests.support.sample_graph import Journal
from tests.support.sample_server import SampleServer, run_sample_server

SSE = "text/event-stream"
APOLLO = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9'
COUNT = "subscription($to:Int!,$wait:Float){count(to:$to,wait:$wait)}"
SHUTTING_DOWN_MESSAGE = "The server is going away: subscribe again, from the last cursor on."

pytestmark = [pytest.mark.usefixtures("no_warnings"), pytest.mark.slow]


def event(**payload: Any) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(payload) + b"\n\n"


def part(**body: Any) -> bytes:
    return b"\r\nContent-Type: application/json\r\n\r\n" + orjson.dumps(body) + b"\r\n--graphql"


def error_response(code: str, message: str) -> list[dict[str, Any]]:
    return [{"message": message, "extensions": {"code": code} | ({"retryable": True} if code in RETRYABLE_CODES else {})}]


COMPLETE = b"event: complete\ndata:\n\n"


@asynccontextmanager
async def open_stream(
    server: SampleServer, query: str, *, accept: str = SSE, headers: Any = (), **variables: Any
) -> AsyncIterator[httpx.Response]:
    async with (
        httpx.AsyncClient(timeout=5) as http,
        http.stream(
            "POST", server.url, json={"query": query, "variables": variables}, headers={"accept": accept, **dict(headers)}
        ) as answer,
    ):
        yield answer


async def read_all(
    server: SampleServer, query: str, *, accept: str = SSE, headers: Any = (), **variables: Any
) -> tuple[int, str, bytes]:
    """Status, media type and body."""
    async with open_stream(server, query, accept=accept, headers=headers, **variables) as answer:
        body = await answer.aread()
        return answer.status_code, answer.headers["content-type"], body


@pytest.mark.parametrize(
    ("accept", "format", "only"),
    [
        (None, None, None),
        ("*/*", None, None),
        ("application/json", None, None),
        ("text/*", None, None),
        ("text/event-stream", EVENT_STREAM, True),
        ("TEXT/Event-Stream", EVENT_STREAM, True),
        ("text/event-stream, */*;q=0.1", EVENT_STREAM, False),
        ("text/event-stream, multipart/mixed", EVENT_STREAM, True),
        ("text/event-stream;q=0.5, multipart/mixed", MULTIPART, True),
        ("text/event-stream;q=0, application/json", None, None),
        (APOLLO, MULTIPART, False),
        ('multipart/mixed; boundary=graphql; subscriptionSpec="1.0"', MULTIPART, True),
        ("multipart/mixed;subscriptionSpec=2.0,application/json", None, None),
        ("multipart/mixed;deferSpec=20220824,application/json", None, None),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", EVENT_STREAM, False),
    ],
)
def test_a_stream_is_asked_for_by_name(accept: str | None, format: Any, only: bool | None) -> None:
    found = negotiate_stream(accept.encode() if accept is not None else None)
    assert (found and found.format, found and found.is_only_choice) == (format, only)


async def test_events_end_with_complete(server: SampleServer, journal: Journal) -> None:
    async with open_stream(server, COUNT, to=2, headers={"authorization": "Bearer ann", "x-request-id": "r1"}) as answer:
        assert answer.status_code == 200
        assert {name: answer.headers[name] for name in ("content-type", "cache-control", "x-request-id")} == {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-request-id": "r1",
        }
        assert await answer.aread() == b":\n\n" + event(data={"count": 0}) + event(data={"count": 1}) + COMPLETE
    assert journal.events == ["count closed", "context closed"]
    assert [(each.credentials, each.closed, each.forgotten) for each in journal.contexts] == [("ann", True, 2)]


async def test_parts_end_with_the_last_boundary(server: SampleServer) -> None:
    status, media_type, body = await read_all(server, COUNT, accept=APOLLO, to=2)
    assert (status, media_type) == (200, 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"')
    parts = part(payload={"data": {"count": 0}}) + part(payload={"data": {"count": 1}})
    assert body == b"\r\n--graphql" + parts + b"--\r\n"


async def test_a_get_streams_too(server: SampleServer) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(server.url, params={"query": "subscription{count(to:1)}"}, headers={"accept": SSE})
        assert (answer.status_code, answer.content) == (200, b":\n\n" + event(data={"count": 0}) + COMPLETE)
        answer = await http.get(server.url, params={"query": 'mutation{rename(name:"x")}'}, headers={"accept": SSE})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_queries_and_mutations_are_events_where_only_events_are_taken(server: SampleServer, journal: Journal) -> None:
    assert await read_all(server, "{viewer}", headers={"authorization": "Bearer ann"}) == (
        200,
        "text/event-stream; charset=utf-8",
        b":\n\n" + event(data={"viewer": "ann"}) + COMPLETE,
    )
    _, _, body = await read_all(server, 'mutation{rename(name:"x")}')
    assert body == b":\n\n" + event(data={"rename": "x"}) + COMPLETE
    assert "renamed to x" in journal.events


async def test_queries_are_json_where_it_is_taken_too(server: SampleServer) -> None:
    both = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
    for accept in (both, APOLLO, f"{SSE}, */*"):
        _, media_type, body = await read_all(server, "{__typename}", accept=accept)
        assert (media_type.partition(";")[0].startswith("application/"), body) == (True, b'{"data":{"__typename":"Query"}}')


async def test_without_a_stream_a_subscription_is_refused(server: SampleServer) -> None:
    status, media_type, body = await read_all(server, COUNT, accept="application/json", to=2)
    message = "Subscriptions need a websocket, or an Accept header with text/event-stream or multipart/mixed."
    assert (status, media_type) == (400, "application/json; charset=utf-8")
    assert orjson.loads(body) == {"errors": error_response("BAD_USER_INPUT", message)}


@pytest.mark.parametrize(
    ("query", "authorization", "errors"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("subscription{nope}", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{item(id:1){id ...@defer{name}}}", None, "GRAPHQL_VALIDATION_FAILED"),
        (COUNT, None, "BAD_USER_INPUT"),
        ("subscription{breaks(expected:true)}", "Bearer expired", "TOKEN_EXPIRED"),
        ("subscription{breaks(expected:true)}", "Bearer gone", "TOKEN_EXPIRED"),
        ("subscription{breaks(expected:true)}", "nonsense", "UNAUTHENTICATED"),
    ],
)
async def test_a_refusal_is_an_answer_in_the_stream(
    server: SampleServer, query: str, authorization: str | None, errors: str
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    for accept, opening, end in ((SSE, b":\n\nevent: next\ndata: ", COMPLETE), ("multipart/mixed", b"\r\n--graphql", b"--\r\n")):
        status, media_type, body = await read_all(server, query, accept=accept, headers=headers)
        assert (status, media_type.partition(";")[0]) == (200, accept)
        assert body.startswith(opening)
        assert body.endswith(end)
        assert body.count(f'"code":"{errors}"'.encode()) == 1


async def test_what_clients_try_again_by_themselves_keeps_its_status(server: SampleServer) -> None:
    status, _, body = await read_all(server, COUNT, headers={"authorization": "Bearer down"}, to=1)
    assert (status, orjson.loads(body)["errors"][0]["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")


async def test_an_error_of_the_source_ends_the_stream(server: SampleServer) -> None:
    _, _, body = await read_all(server, "subscription{breaks(expected:true)}")
    assert body == b":\n\n" + event(data={"breaks": 1}) + event(errors=error_response("NOT_FOUND", "Not found.")) + COMPLETE
    _, _, body = await read_all(server, "subscription{breaks(expected:true)}", accept=APOLLO)
    last = part(payload={"errors": error_response("NOT_FOUND", "Not found.")})
    assert body == b"\r\n--graphql" + part(payload={"data": {"breaks": 1}}) + last + b"--\r\n"


async def read_until(chunks: AsyncIterator[bytes], until: bytes) -> bytes:
    """What was sent until something was."""
    got = b""
    async with asyncio.timeout(30):
        while until not in got:
            got += await anext(chunks)
    return got


async def test_a_client_that_goes_closes_its_subscription(server: SampleServer, journal: Journal) -> None:
    async with open_stream(server, COUNT, to=9, wait=60) as answer:
        assert await read_until(answer.aiter_raw(), b"}\n\n") == b":\n\n" + event(data={"count": 0})
        assert journal.events == []
    await journal.wait_for("context closed")
    assert journal.events == ["count closed", "context closed"]


@pytest.mark.parametrize(("accept", "beat"), [(SSE, b":\n\n"), ("multipart/mixed", part())])
async def test_silence_is_filled(accept: str, beat: bytes) -> None:
    async with (
        run_sample_server(streams=StreamLimits(keep_alive_seconds=0.05)) as server,
        open_stream(server, COUNT, accept=accept, to=9, wait=60) as answer,
    ):
        assert (await read_until(answer.aiter_raw(), beat * 3)).endswith(beat * 3)


async def test_credentials_that_end_end_the_stream_with_their_code(journal: Journal) -> None:
    asked = 0

    async def still_good(credentials: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Unavailable  # says nothing about the credentials
        raise TokenExpired

    async with run_sample_server(
        credentials=SampleCredentials(authenticate, still_good), credential_check_seconds=0.05
    ) as server:
        _, _, body = await read_all(server, COUNT, headers={"authorization": "Bearer ann"}, to=9, wait=60)
        assert (asked, journal.events) == (2, ["count closed", "context closed"])
        errors = error_response("TOKEN_EXPIRED", str(TokenExpired().message))
        assert body == b":\n\n" + event(data={"count": 0}) + event(errors=errors) + COMPLETE
        _, _, body = await read_all(server, COUNT, accept=APOLLO, headers={"authorization": "Bearer ann"}, to=9, wait=60)
        assert body == b"\r\n--graphql" + part(payload={"data": {"count": 0}}) + part(payload=None, errors=errors) + b"--\r\n"


async def test_draining_says_so_and_does_not_say_that_the_operation_is_over(journal: Journal) -> None:
    async with run_sample_server() as server, open_stream(server, COUNT, to=9, wait=60) as answer:
        chunks = answer.aiter_raw()
        await read_until(chunks, b"}\n\n")
        await server.sample_app.connections.drain()
        assert journal.events == ["count closed", "context closed"]
        assert [each async for each in chunks] == [event(errors=error_response("SERVICE_UNAVAILABLE", SHUTTING_DOWN_MESSAGE))]
        _, _, late = await read_all(server, COUNT, to=9, wait=60)
        assert late == b":\n\n" + event(errors=error_response("SERVICE_UNAVAILABLE", SHUTTING_DOWN_MESSAGE))
        _, _, late = await read_all(server, COUNT, accept="multipart/mixed", to=9, wait=60)
        assert (
            late
            == b"\r\n--graphql"
            + part(payload=None, errors=error_response("SERVICE_UNAVAILABLE", SHUTTING_DOWN_MESSAGE))
            + b"--\r\n"
        )


async def test_operations_take_turns_while_one_client_reads_nothing(journal: Journal) -> None:
    """100 KB an event: what the sockets hold, then one frame; after `stalled` the subscription is closed."""
    async with run_sample_server(streams=StreamLimits(write_timeout_seconds=0.3)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        body = b'{"query":"subscription{heavy}"}'
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n"
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )
        await journal.wait_for("heavy 5")
        _, _, other = await read_all(server, COUNT, to=1)
        assert other == b":\n\n" + event(data={"count": 0}) + COMPLETE
        await journal.wait_for("heavy closed")
        assert sum(each.startswith("heavy ") for each in journal.events) < 200
        writer.transport.abort()
        del reader
