"""Whole requests that go past ASGI, as bytes on a socket: what keeps one connection from holding on to the server."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

import orjson
import pytest

from tests.support.raw_http import open_connection
from tests.support.sample_graph import Journal
from tests.support.sample_server import SampleServer, run_sample_server
from transport import http_head
from transport.uvicorn_http import HttpTimeouts

pytestmark = pytest.mark.usefixtures("no_warnings")
HEAD = b"POST /graphql HTTP/1.1\r\nhost: graph.test\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[SampleServer]:
    async with run_sample_server() as started:
        yield started


def post_request(query: str, *headers: bytes, head: bytes = HEAD) -> bytes:
    body = orjson.dumps({"query": query})
    return head + b"".join(each + b"\r\n" for each in headers) + b"content-length: %d\r\n\r\n" % len(body) + body


async def test_one_write_holds_the_head_and_the_body(server: SampleServer) -> None:
    async with open_connection(server) as line:
        line.send(post_request('{echo(text:"a")}', b"x-request-id: mine"))
        status, headers, body = await line.next_response()
    assert (status, body) == (200, b'{"data":{"echo":"a"}}')
    assert headers == {
        b"content-type": b"application/json; charset=utf-8",
        b"content-length": b"21",
        b"cache-control": b"no-store",
        b"x-request-id": b"mine",
    }


async def test_requests_that_arrive_together_are_answered_in_order(server: SampleServer) -> None:
    async with open_connection(server) as line:
        line.send(b"".join(post_request(f'{{echo(text:"{number}")}}') for number in range(20)))
        assert [await line.next_data() for _ in range(20)] == [{"echo": str(number)} for number in range(20)]


async def test_a_long_way_behind_a_short_one_and_a_short_one_behind_that(server: SampleServer) -> None:
    async with open_connection(server) as line:
        chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n1c\r\n" + b'{"query":"{echo(number:2)}"}' + b"\r\n0\r\n\r\n"
        line.send(post_request("{echo(number:1)}") + chunked + post_request("{echo(number:3)}"))
        assert [await line.next_data() for _ in range(3)] == [{"echo": number} for number in (1, 2, 3)]


async def test_a_request_may_arrive_byte_by_byte(server: SampleServer) -> None:
    async with open_connection(server) as line:
        for byte in post_request('{echo(text:"slowly")}'):
            line.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await line.next_data() == {"echo": "slowly"}


@pytest.mark.parametrize(
    "header",
    [b"expect: 100-continue", b"connection: close"],
)
async def test_what_asks_for_more_is_answered_too(header: bytes, journal: Journal) -> None:
    async with run_sample_server() as server, open_connection(server) as line:
        line.send(post_request('{echo(text:"a")}', header))
        results = await line.reader.readuntil(b"\r\n\r\n")
        if header.startswith(b"expect"):
            assert results == b"HTTP/1.1 100 Continue\r\n\r\n"
            results = await line.reader.readuntil(b"\r\n\r\n")
        assert results.startswith(b"HTTP/1.1 200 OK\r\n")
        assert await line.reader.readexactly(21) == b'{"data":{"echo":"a"}}'
        assert (b"connection: close" in results) == (header == b"connection: close")
    assert [each.info.ip for each in journal.contexts] == ["127.0.0.1"]


async def test_who_is_silent_after_an_answer_is_let_go() -> None:
    async with run_sample_server(keep_alive=0.1, timeouts=HttpTimeouts(head_seconds=60)) as brief, open_connection(brief) as line:
        line.send(post_request("{echo(number:1)}"))
        await line.next_response()
        assert await line.read_to_end() == b""


async def test_a_head_that_does_not_end_in_time_ends_the_connection() -> None:
    server = run_sample_server(keep_alive=0.1, timeouts=HttpTimeouts(head_seconds=0.2))
    async with server as brief, open_connection(brief) as line, open_connection(brief) as mute:
        line.send(HEAD)
        assert await line.read_to_end() == b""
        assert await mute.read_to_end() == b""


async def test_a_head_without_end_is_refused(server: SampleServer) -> None:
    async with open_connection(server) as line:
        line.send(HEAD + b"x-endless: ")
        await asyncio.sleep(0.05)
        line.send(b"a" * (http_head.MAX_HEAD_BYTES + 1))
        status, headers, _ = await line.next_response()
        assert (status, headers[b"connection"]) == (431, b"close")
        assert await line.read_to_end() == b""


async def test_a_body_that_does_not_end_in_time_learns_so() -> None:
    async with (
        run_sample_server(keep_alive=0.1, timeouts=HttpTimeouts(body_seconds=0.2)) as brief,
        open_connection(brief) as line,
    ):
        line.send(post_request("{echo(number:1)}")[:-1])
        status, headers, body = await line.next_response()
        assert (status, headers[b"connection"], orjson.loads(body)["errors"][0]["message"]) == (
            408,
            b"close",
            "The body took too long to arrive.",
        )
        assert await line.read_to_end() == b""


async def test_an_operation_that_takes_too_long_is_cancelled_and_the_connection_goes_on(journal: Journal) -> None:
    async with run_sample_server(timeout=0.2, keep_alive=0.1) as brief, open_connection(brief) as line:
        line.send(post_request("{slow}"))
        status, headers, body = await line.next_response()
        line.send(post_request("{echo(number:1)}"))
        assert await line.next_data() == {"echo": 1}
    assert (status, b"connection" in headers) == (503, False)
    assert orjson.loads(body)["errors"][0]["message"] == "The operation took longer than 0.2 seconds."
    assert journal.events[:3] == ["slow started", "slow ended", "context closed"]


async def test_the_going_of_a_client_ends_what_is_not_nearly_done(server: SampleServer, journal: Journal) -> None:
    async with open_connection(server) as line:
        line.send(post_request("{slow}"))
        await journal.wait_for("slow started")
    await journal.wait_for("context closed")
    assert journal.events == ["slow started", "slow ended", "context closed"]


async def test_a_server_that_stops_answers_what_it_has_begun(caplog: pytest.LogCaptureFixture, journal: Journal) -> None:
    caplog.set_level(logging.INFO)
    async with run_sample_server(timeout=0.3, keep_alive=0.1) as started, open_connection(started) as line:
        line.send(post_request("{slow}"))
        await journal.wait_for("slow started")
        started.close_connections()
        status, headers, _ = await line.next_response()
        assert (status, headers[b"connection"]) == (503, b"close")
        assert await line.read_to_end() == b""


async def test_who_does_not_read_gets_no_more_until_they_do(server: SampleServer) -> None:
    query = "{" + "".join(f'a{n}:echo(text:"{"x" * 1000}")' for n in range(15)) + "}"
    async with open_connection(server) as line:
        line.writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
        line.send(b"".join(post_request(query) for _ in range(200)))
        await asyncio.sleep(0.3)
        assert {len(str(await line.next_data())) for _ in range(200)} == {15 * 1000 + len(str({f"a{n}": "" for n in range(15)}))}
