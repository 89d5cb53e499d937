"""An upgrade that is not served is ignored: the request is answered as HTTP/1.1, once, and its body is never the next request."""

import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.raw_http import open_connection
from tests.support.sample_server import SampleServer, run_sample_server

BODY = b'{"query":"{echo(text:\\"first\\")}"}'
PLAIN_BODY = b'{"query":"{echo(text:\\"second\\")}"}'
INNER_REQUEST = b"GET /graphql?query=%7Becho(text:%22smuggled%22)%7D HTTP/1.1\r\nHost: x\r\n\r\n"
TOKENS = [b"h2c", b"TLS/1.0, HTTP/1.1", b"websocket, h2c", b"HTTP/2.0", b"foo/2", b"h2c, websocket"]
CONNECTIONS = [
    b"Connection: Upgrade",
    b"connection: keep-alive, UPGRADE",
    b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk",
    b"Connection: upgrade\r\nConnection: keep-alive",
    b"Connection: keep-alive\r\nConnection: upgrade",
]


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[SampleServer]:
    async with run_sample_server() as started:
        yield started


def offer(
    body: bytes, *, token: bytes, connection: bytes, chunked: bool, method: bytes = b"POST", version: bytes = b"1.1"
) -> bytes:
    head = b"%s /graphql HTTP/%s\r\nHost: x\r\nContent-Type: application/json\r\nUpgrade: %s\r\n%s\r\n" % (
        method,
        version,
        token,
        connection,
    )
    if chunked:
        half = len(body) // 2
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def plain(body: bytes = PLAIN_BODY) -> bytes:
    return b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@examples(15, many=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    token=st.sampled_from(TOKENS),
    connection=st.sampled_from(CONNECTIONS),
    chunked=st.booleans(),
    inner=st.booleans(),
    cuts=st.sampled_from(["whole", "head apart", "randomly", "byte by byte"]),
    seed=st.integers(0, 1000),
)
async def test_each_request_is_answered_once_however_its_bytes_are_cut(
    server: SampleServer, token: bytes, connection: bytes, chunked: bool, inner: bool, cuts: str, seed: int
) -> None:
    dice = random.Random(seed)
    body = INNER_REQUEST if inner else BODY
    sent = offer(body, token=token, connection=connection, chunked=chunked) + plain()
    match cuts:
        case "whole":
            pieces = [sent]
        case "head apart":
            end = sent.index(b"\r\n\r\n") + 4
            pieces = [sent[:end], sent[end:]]
        case "randomly":
            places = sorted(dice.sample(range(1, len(sent)), 4))
            pieces = [sent[a:b] for a, b in zip([0, *places], [*places, len(sent)], strict=True)]
        case _:
            pieces = [sent[at : at + 1] for at in range(len(sent))]
    async with open_connection(server) as client:
        for piece in pieces:
            client.send(piece)
            await client.writer.drain()
        if inner:
            assert (await client.next_response())[0] == 400  # the body is no JSON, and is no request either
        else:
            assert await client.next_data() == {"echo": "first"}
        assert await client.next_data() == {"echo": "second"}
        client.writer.write_eof()
        assert await client.read_to_end() == b""


@pytest.mark.parametrize("connection", [b"Connection: close, upgrade", b"Connection: upgrade, close"])
async def test_an_offer_that_also_closes_is_answered_and_the_connection_ends(server: SampleServer, connection: bytes) -> None:
    async with open_connection(server) as client:
        client.send(offer(BODY, token=b"h2c", connection=connection, chunked=False) + plain())
        status, headers, body = await client.next_response()
        assert (status, headers[b"connection"], body) == (200, b"close", b'{"data":{"echo":"first"}}')
        assert await client.read_to_end() == b""


async def test_an_offer_of_http_1_0_is_answered_and_the_connection_ends(server: SampleServer) -> None:
    async with open_connection(server) as client:
        client.send(offer(BODY, token=b"h2c", connection=b"Connection: upgrade", chunked=False, version=b"1.0"))
        status, _, body = await client.next_response()
        assert (status, body) == (200, b'{"data":{"echo":"first"}}')
        assert await client.read_to_end() == b""


@pytest.mark.parametrize(("method", "status"), [(b"PUT", 405), (b"DELETE", 405), (b"PATCH", 405), (b"OPTIONS", 204)])
async def test_every_method_with_an_offer_is_answered_once(server: SampleServer, method: bytes, status: int) -> None:
    async with open_connection(server) as client:
        client.send(offer(BODY, token=b"h2c", connection=b"Connection: Upgrade", chunked=False, method=method))
        client.send(plain())
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        while True:  # the body, of whatever framing, up to the next response
            line = await client.reader.readline()
            if line.startswith(b"HTTP/1.1 200 ") or b"HTTP/1.1 200 " in line:
                break
        assert (await client.reader.readuntil(b'"second"}}')).count(b"HTTP/1.1 ") == 0


WEBSOCKET = (
    b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"HEAD"])
@pytest.mark.parametrize("extra", [b"", b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n"])
async def test_a_websocket_that_begins_with_anything_but_a_get_without_a_body_is_refused_and_closed(
    server: SampleServer, method: bytes, extra: bytes
) -> None:
    if method == b"GET" and not extra:
        return
    async with open_connection(server) as client:
        client.send(method + b" /graphql HTTP/1.1\r\n" + WEBSOCKET + extra + b"\r\n")
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_proxy_is_not_served(server: SampleServer) -> None:
    async with open_connection(server) as client:
        client.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n" + plain())
        answered = await client.read_to_end()
        assert answered.startswith(b"HTTP/1.1 405 ")
        assert answered.count(b"HTTP/1.1 ") == 1
