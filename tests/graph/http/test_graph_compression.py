"""Compressed answers, where they are wanted by the deployment and by the client."""

import gzip
import threading
from typing import Any

import httpx
import orjson
import pytest

from gateway.http import compression
from tests.support.sample_app import build_sample_app

LONG, SHORT = "{nodes(ids:[" + "1 " * 200 + "]){id name}}", "{__typename}"
WHOLE = orjson.dumps({"data": {"nodes": [{"id": "1", "name": "one"}] * 200}})


async def post(query: str, accept_encoding: str | None, *, compress: bool = True, **headers: str) -> tuple[Any, ...]:
    """Length, coding, variants and body as they were sent."""
    transport = httpx.ASGITransport(build_sample_app(compress=compress).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://graph.test") as http:
        http.headers.pop("accept-encoding")
        given = headers if accept_encoding is None else {"accept-encoding": accept_encoding, **headers}
        async with http.stream("POST", "/graphql", json={"query": query}, headers=given) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
    if "content-length" in answer.headers:
        assert answer.headers["content-length"] == str(len(raw))
    return answer.headers.get("content-encoding"), answer.headers.get("vary"), raw


@pytest.mark.parametrize("accept_encoding", ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "*"])
async def test_a_long_answer_is_compressed_for_who_takes_it(accept_encoding: str) -> None:
    coding, vary, raw = await post(LONG, accept_encoding)
    assert (coding, vary, gzip.decompress(raw)) == ("gzip", "accept-encoding", WHOLE)
    assert len(raw) < len(WHOLE) / 10


@pytest.mark.parametrize("accept_encoding", [None, "identity", "br", "gzip;q=0", "*;q=0"])
async def test_who_does_not_take_it_gets_it_plain(accept_encoding: str | None) -> None:
    assert await post(LONG, accept_encoding) == (None, "accept-encoding", WHOLE)


async def test_short_answers_and_streams_are_left_alone_and_everything_by_default() -> None:
    assert await post(SHORT, "gzip") == (None, "accept-encoding", b'{"data":{"__typename":"Query"}}')
    assert await post(LONG, "gzip", compress=False) == (None, None, WHOLE)
    coding, _, raw = await post(LONG, "gzip", accept="text/event-stream")
    assert (coding, raw) == (None, b":\n\nevent: next\ndata: " + WHOLE + b"\n\nevent: complete\ndata:\n\n")


async def test_caches_name_both_that_an_answer_depends_on() -> None:
    _, vary, _ = await post(LONG, "gzip", origin="https://app.example.com")
    assert vary == "origin, accept-encoding"


@pytest.mark.parametrize(("size", "is_on_loop"), [(200_000, True), (3_000_000, False)])
async def test_a_large_body_is_compressed_in_a_thread(monkeypatch: pytest.MonkeyPatch, size: int, is_on_loop: bool) -> None:
    compress, on_loop = compression._compress, list[bool]()

    def noted(body: bytes) -> bytes:
        on_loop.append(threading.current_thread() is threading.main_thread())
        return compress(body)

    monkeypatch.setattr(compression, "_compress", noted)
    body = bytes(size)
    compressed, headers = await compression.compress_body(body, b"gzip")
    assert (gzip.decompress(compressed), headers[-1], on_loop) == (body, (b"content-encoding", b"gzip"), [is_on_loop])
