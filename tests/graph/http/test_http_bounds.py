"""What one HTTP connection, and all of them together, may hold: bytes, requests, states and descriptors."""

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator
from typing import cast

import orjson
import pytest

from tests.support.raw_http import open_connection
from tests.support.sample_graph import Journal
from tests.support.sample_server import SampleServer, run_sample_server
from transport.connection_table import MAX_UNREAD_BYTES, ConnectionTable
from transport.http_head import MAX_HEAD_BYTES
from transport.uvicorn_http import HttpProtocol, HttpTimeouts

HOST = b"Host: x\r\n"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[SampleServer]:
    async with run_sample_server() as started:
        yield started


def post(query: str, *headers: bytes) -> bytes:
    body = orjson.dumps({"query": query})
    lines = b"".join(each + b"\r\n" for each in headers)
    return b"POST /graphql HTTP/1.1\r\n%sContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        HOST,
        lines,
        len(body),
        body,
    )


def protocols(server: SampleServer) -> list[HttpProtocol]:
    return [cast(HttpProtocol, each) for each in server.server.server_state.connections]


@pytest.mark.parametrize("kind", ["GET", "POST", "chunked", "mixed"])
async def test_pipelined_requests_wait_unparsed_and_are_answered_in_order(server: SampleServer, kind: str) -> None:
    def request(number: int) -> bytes:
        form = ("GET", "POST", "chunked")[number % 3] if kind == "mixed" else kind
        query = f"{{echo(number:{number})}}"
        if form == "GET":
            return (
                b"GET /graphql?query=" + query.replace("{", "%7B").replace("}", "%7D").encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
            )
        if form == "POST":
            return post(query)
        body = orjson.dumps({"query": query})
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    count = 600
    async with open_connection(server) as client:
        client.send(b"".join(request(number) for number in range(1, count + 1)))
        most_waiting = most_held = 0
        for number in range(1, count + 1):
            assert await client.next_data() == {"echo": number}
            for each in protocols(server):
                most_waiting = max(most_waiting, len(each.pipeline))
                most_held = max(most_held, len(each._held))
        assert most_waiting <= 2
        assert most_held <= 512 * 1024


async def test_reading_stops_while_pipelined_requests_wait_behind_a_slow_one(server: SampleServer, journal: Journal) -> None:
    async with open_connection(server) as client:
        client.send(post("{slow}"))
        await journal.wait_for("slow started")
        junk = b"GET /graphql HTTP/1.1\r\n" + HOST + b"\r\n"
        sent = 0
        try:
            async with asyncio.timeout(1):
                while True:
                    client.send(junk * 2000)
                    await client.writer.drain()
                    sent += 2000 * len(junk)
        except TimeoutError:
            pass
        (protocol,) = protocols(server)
        assert len(protocol._held) <= 512 * 1024
        assert len(protocol.pipeline) <= 2
        assert not protocol.transport.is_reading()


async def test_a_connection_is_freed_without_the_collector_whatever_it_held(server: SampleServer, journal: Journal) -> None:
    sent = [
        b"GET /graphql?query=%7Becho(number:1)%7D HTTP/1.1\r\n" + HOST + b"\r\n",
        post("{echo(number:1)}"),
        post("{slow}"),
        post("{echo(number:1)}") * 100,
        b"GET /graphql?query=%7Becho(number:1)%7D HTTP/1.1\r\n" + HOST + b"\r\n" * 2000,
        b"nonsense\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n{}",
    ]
    gc.collect()
    gc.disable()
    try:
        for data in sent:
            while protocols(server):
                await asyncio.sleep(0.01)
            async with open_connection(server) as client:
                client.send(data)
                await asyncio.sleep(0.05)
                freed = [weakref.ref(each) for each in protocols(server)]
                assert len(freed) == 1
            deadline = asyncio.get_running_loop().time() + 4
            while any(each() is not None for each in freed) and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.02)
            assert [each() for each in freed] == [None], data[:140]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(b"\r\n" * 600 + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="many ends of lines before it"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, id="two hosts in 1.0"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, id="2.0"),
        pytest.param(b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, id="0.9"),
        pytest.param(b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400, id="1.2"),
        pytest.param(b"GET / HTTP/3.1\r\nHost: a\r\n\r\n", 400, id="3.1"),
        pytest.param(b"GET /\r\n\r\n", 505, id="no version"),
        pytest.param(b"GET /files/a%0ab HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="line feed"),
        pytest.param(b"GET /files/a%0D HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="carriage return"),
        pytest.param(b"GET /files/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="nul"),
        pytest.param(b"GET /files/%7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="delete"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n", 431, id="long head, whole"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MAX_HEAD_BYTES, 431, id="long head, without end"),
        pytest.param(b"GET /" + b"a" * (MAX_HEAD_BYTES + 1), 431, id="long target"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:b\r\n" * 300 + b"\r\n", 431, id="many headers"),
    ],
)
@pytest.mark.parametrize("behind", [False, True], ids=["first", "behind another request"])
async def test_what_cannot_be_answered_is_refused_after_the_requests_before_it(
    server: SampleServer, data: bytes, status: int, behind: bool
) -> None:
    async with open_connection(server) as client:
        client.send((post("{echo(number:1)}") if behind else b"") + data)
        if behind:
            assert await client.next_data() == {"echo": 1}
        got, headers, _ = await client.next_response()
        assert (got, headers[b"connection"]) == (status, b"close")
        assert await client.read_to_end() == b""


async def test_a_head_of_64_kib_is_answered(server: SampleServer) -> None:
    async with open_connection(server) as client:
        client.send(post("{echo(number:1)}", b"X: " + b"a" * (MAX_HEAD_BYTES - 1000)))
        assert await client.next_data() == {"echo": 1}


async def test_a_trailer_is_no_header(server: SampleServer, journal: Journal) -> None:
    body = b'{"query":"{echo(number:1)}"}'
    trailers = b"Authorization: Bearer expired\r\nX-Request-Id: from-a-trailer\r\nHost: other\r\n"
    async with open_connection(server) as client:
        client.send(
            b"POST /graphql HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        client.send(b"%x\r\n%s\r\n" % (len(body), body))
        await asyncio.sleep(0.05)
        client.send(b"0\r\n" + trailers + b"\r\n")
        status, headers, answer = await client.next_response()
        assert (status, answer) == (200, b'{"data":{"echo":1}}')
        assert headers[b"x-request-id"] != b"from-a-trailer"
        client.send(post("{echo(number:2)}"))
        assert await client.next_data() == {"echo": 2}
    assert [each.credentials for each in journal.contexts] == [None, None]


async def test_a_malformed_body_is_answered_once_and_ends_the_connection(server: SampleServer) -> None:
    async with open_connection(server) as client:
        client.send(
            b"POST /graphql HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await asyncio.sleep(0.05)
        client.send(b"zz\r\nno chunk\r\n")
        answered = await client.read_to_end()
        assert answered.startswith(b"HTTP/1.1 400 ")
        assert answered.count(b"HTTP/1.1 ") == 1


BRIEF = HttpTimeouts(head_seconds=0.3, body_seconds=0.3, write_seconds=0.4, close_seconds=0.1)
STATES: dict[str, bytes] = {
    "nothing": b"",
    "a line end": b"\r\n",
    "half a head": b"POST /graphql HTTP/1.1\r\nHo",
    "a head without its body": post("{echo(number:1)}")[:-5],
    "a body for a path that is not there": b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
    "expect": b"POST /nowhere HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    "half an upgrade": b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
    "an offer without its body": b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 9"
    b"\r\n\r\n",
    "TLS": bytes.fromhex("16030100f8010000f40303"),
    "a handshake without a key": b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an answered request": post("{echo(number:1)}"),
    "a refused one": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("half_closed", [False, True], ids=["open", "half-closed"])
@pytest.mark.parametrize("state", STATES)
async def test_every_state_has_a_deadline(state: str, half_closed: bool) -> None:
    async with run_sample_server(keep_alive=0.2, timeouts=BRIEF) as brief, open_connection(brief) as client:
        client.send(STATES[state])
        if half_closed:
            await client.writer.drain()
            client.writer.write_eof()
        await client.read_to_end()
        deadline = asyncio.get_running_loop().time() + 4
        while brief.server.server_state.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        assert not brief.server.server_state.connections


@pytest.mark.parametrize("closes", [False, True], ids=["kept alive", "closing"])
async def test_an_answer_that_is_not_read_is_cut(closes: bool) -> None:
    table = ConnectionTable()
    async with run_sample_server(keep_alive=0.2, timeouts=BRIEF, table=table) as brief, open_connection(brief) as client:
        client.writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        query = "query ($text: String) {" + "".join(f"a{n}: echo(text: $text) " for n in range(20)) + "}"
        body = orjson.dumps({"query": query, "variables": {"text": "x" * (400_000 if closes else 50_000)}})
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        requests = 1 if closes else 30
        client.send((head + (b"Connection: close\r\n" if closes else b"") + b"\r\n" + body) * requests)
        async with asyncio.timeout(30):
            while not table.unread_bytes:
                await asyncio.sleep(0.01)
            while table.unread_bytes or len(table):
                await asyncio.sleep(0.01)


class FakeConnection:
    """A connection in a table."""

    def __init__(self, *, is_idle: bool = True) -> None:
        self.is_idle = is_idle
        self.ended: str | None = None

    def evict(self) -> None:
        self.ended = "evicted"

    def abort(self) -> None:
        self.ended = "aborted"


def test_unread_answers_are_bounded_together_and_the_oldest_is_cut() -> None:
    table = ConnectionTable()
    connections = [FakeConnection() for _ in range(20)]
    for each in connections:
        table.add(each)
        table.add_unread(each, MAX_UNREAD_BYTES // 16)
    assert [each.ended for each in connections] == ["aborted"] * 4 + [None] * 16
    assert table.unread_bytes == MAX_UNREAD_BYTES
    for each in connections:
        table.remove(each)
    assert (table.unread_bytes, len(table)) == (0, 0)


def test_the_oldest_idle_stranger_makes_room_then_the_oldest_idle_member_then_nobody() -> None:
    table = ConnectionTable(max_connections=4)
    member, busy, old, young = connections = [FakeConnection(), FakeConnection(is_idle=False), FakeConnection(), FakeConnection()]
    assert all(table.add(each) for each in connections)
    table.mark_authenticated(member)
    newcomers = [FakeConnection(is_idle=False) for _ in range(4)]
    assert [table.add(each) for each in newcomers] == [True, True, True, False]
    assert [each.ended for each in (old, young, member, busy)] == ["evicted", "evicted", "evicted", None]
    assert (len(table), table.evicted_count, table.refused_count) == (4, 3, 1)


async def test_when_connections_run_out_a_signed_in_person_stays_and_newcomers_are_answered() -> None:
    table = ConnectionTable(max_connections=8)
    async with run_sample_server(table=table) as crowded, open_connection(crowded) as member:
        member.send(post("{echo(number:1)}", b"Authorization: Bearer dev"))
        assert await member.next_data() == {"echo": 1}
        strangers = [await asyncio.open_connection("127.0.0.1", crowded.port) for _ in range(30)]
        await asyncio.sleep(0.05)
        async with open_connection(crowded) as newcomer:
            newcomer.send(post("{echo(number:2)}"))
            assert await newcomer.next_data() == {"echo": 2}
        member.send(post("{echo(number:3)}"))
        assert await member.next_data() == {"echo": 3}
        assert table.evicted_count >= 22
        assert len(crowded.server.server_state.connections) <= 8
        for _, writer in strangers:
            writer.close()


@pytest.mark.parametrize("between", [b"\r\n", b"\n" * 1_000])
async def test_ends_of_lines_between_requests_are_skipped_until_they_are_too_many(server: SampleServer, between: bytes) -> None:
    request = post("{echo(number:1)}")
    async with open_connection(server) as client:
        client.send(between + request + between + request + b"\n" * 1_025)
        assert await client.next_responses(3) == [200, 200, 400]
