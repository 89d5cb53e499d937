"""Makes what no client sends: frames of websockets, and heads and bodies of HTTP, broken in every layer; each by its seed."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from transport import rfc6455

_OPCODES = (*range(16),)
_GARBAGE = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf{}",
    b"{",
    b"[" * 5_000,
    b"nul",
)
_VALUES: Sequence[Any] = (
    None,
    True,
    0,
    -1,
    1e308,
    2**70,
    "",
    "x" * 9_000,
    "\x00",
    "\ud800",
    [],
    {},
    [[[]]],
    {"a": {"a": {}}},
    {"query": 1},
    {"query": "{echo"},
    {"query": "{" * 900},
    {"query": "{__typename}", "variables": []},
    {"query": "{__typename}", "operationName": {}},
    {"query": "{__typename}", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}},
    {"authorization": 7},
    {"Authorization": "Bearer dev"},
)
_TYPES = (
    "connection_init",
    "subscribe",
    "complete",
    "ping",
    "pong",
    "next",
    "error",
    "start",
    "stop",
    "connection_terminate",
    "",
    "x",
)
_METHODS = (
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"get",
    b"G\x00T",
    b"",
    b"PRI",
    b"\xff",
    b"A" * 9_000,
)
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.10", b"HTTP/", b"", b"XTTP/1.1")
_PATHS = (
    *(
        b"/graphql",
        b"/",
        b"",
        b"*",
        b"//",
        b"/graphql?query=%",
        b"/graphql?query=%ff%fe",
        b"/graphql?query=%00",
        b"/graphql?" + b"&" * 3_000,
    ),
    *(
        b"http://x/graphql",
        b"/../graphql",
        b"/graphql#x",
        b"/gr\x00phql",
        b"/gr\xc3\xa9phql",
        b"/graphql?query=" + b"%7B" * 2_000,
        b"/" * 9_000,
    ),
    *(b"/graphql?query={__typename}&variables=[", b"/graphql?extensions={}&query=1"),
)
_HEADERS = (
    *(
        b"Host: x",
        b"Host: y",
        b"Host:",
        b"Host : x",
        b" Host: x",
        b"NoColon",
        b": x",
        b"A:" + b"b" * 70_000,
        b"\xff: \xff",
        b"A: \x00",
        b"A: b\x7f",
    ),
    *(
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: +5",
        b"Content-Length: 5, 5",
        b"Content-Length: 99999999999999999999",
    ),
    *(b"Content-Length: 0x5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: xchunked"),
    *(
        b"Transfer-Encoding : chunked",
        b"Connection: close",
        b"Connection: upgrade",
        b"Upgrade: websocket",
        b"Upgrade: h2c",
        b"Expect: 100-continue",
    ),
    *(
        b"Expect: x",
        b"Content-Encoding: gzip",
        b"Content-Encoding: br",
        b"Content-Type: application/json",
        b"Content-Type: text/plain",
    ),
    *(
        b"Content-Type: application/json; charset=utf-16",
        b"Content-Type: multipart/form-data; boundary=",
        b"Content-Type: multipart/form-data; boundary=x",
    ),
    *(
        b"Accept: */*;q=x",
        b"Accept: text/event-stream",
        b"Accept: multipart/mixed",
        b"Accept: ;;;",
        b"Authorization: Bearer bad!",
        b"Authorization:",
    ),
    *(
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Version: x",
        b"Sec-WebSocket-Key: x",
        b"X-Forwarded-For: \xff, ;",
        b"Forwarded: for=;;",
        b"Cookie: a=b;=;",
    ),
    *(b"Origin: null", b"Origin: \x00", b"X-Request-Id: " + b"\xe9" * 80, b"Accept-Encoding: gzip;q=9", b"\tfolded"),
)
_BODIES = (
    *(
        b"",
        b"{}",
        b"[]",
        b"null",
        b"0",
        b'"x"',
        b"{",
        b"\x00" * 100,
        b"\xff\xfe{\x00}\x00",
        b'{"query":',
        b'{"query":"{echo"}',
        b'{"query":null}',
    ),
    *(
        b'{"query":"{__typename}","variables":"x"}',
        b'{"query":"{__typename}","variables":{"a":NaN}}',
        b"[" * 20_000,
        b'{"a":' * 5_000,
    ),
    *(
        b'[{"query":"{__typename}"}]',
        b'{"query":"{__typename}","operationName":[]}',
        b'{"query":"\\ud800"}',
        b'{"query":"{__typename}"}' * 2,
    ),
    *(
        b'5\r\n{"que\r\n0\r\n\r\n',
        b"zz\r\n",
        b"ffffffffffffffffff\r\nx",
        b"5;ext=\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
        b"-1\r\n\r\n",
        b"--x\r\n\r\n--x--",
    ),
    b"\x1f\x8b\x08\x00" + b"\x00" * 40,
)


def frame(opcode: int, payload: bytes, *, first: int = 0x80, masked: bool = True, claimed: int | None = None) -> bytes:
    """A frame; `first`: the bits beside the opcode; `claimed`: the length that its header names."""
    header = bytearray(rfc6455.frame_header(opcode, len(payload) if claimed is None else claimed))
    header[0] = first | opcode
    header[1] |= 0x80 if masked else 0
    return bytes(header) + (bytes(4) if masked else b"") + payload


def hostile_frames(seed: int, count: int) -> bytes:
    """So many frames, one after the other, of which each may be broken."""
    chance = random.Random(seed)
    return b"".join(chance.choice(_FRAMES)(chance) for _ in range(count))


def hostile_request(seed: int) -> bytes:
    """A head and a body, of which one part is broken, or several."""
    chance = random.Random(seed)
    parts = ("method", "path", "version", "headers", "length", "body", "end", "byte")
    broken = set(chance.choices(parts, k=chance.choice((1, 1, 1, 2, 4))))
    body = chance.choice(_BODIES) if "body" in broken else b'{"query":"{echo(number:1)}"}'
    lines = [
        b" ".join(
            (
                chance.choice(_METHODS) if "method" in broken else b"POST",
                chance.choice(_PATHS) if "path" in broken else b"/graphql",
                chance.choice(_VERSIONS) if "version" in broken else b"HTTP/1.1",
            )
        ),
        b"Host: x",
        b"Content-Type: application/json",
        b"Content-Length: %d" % max(0, len(body) + (chance.choice((-1, 1, 100)) if "length" in broken else 0)),
    ]
    if "headers" in broken:
        lines += chance.choices(_HEADERS, k=chance.randrange(1, 5))
        if chance.random() < 0.3:
            del lines[chance.randrange(1, 4)]
    end = chance.choice((b"\n", b"\r", b"\n\r")) if "end" in broken else b"\r\n"
    data = end.join(lines) + end + end + body
    return _cut(chance, data) if "byte" in broken else data


def _message(chance: random.Random) -> bytes:
    fields = {"type": chance.choice(_TYPES), "id": chance.choice(("1", "1", *_VALUES)), "payload": chance.choice(_VALUES)}
    kept = {name: value for name, value in fields.items() if chance.random() < 0.85}
    text = json.dumps(kept, ensure_ascii=True).encode()
    return frame(rfc6455.TEXT, text if chance.random() < 0.8 else text[: chance.randrange(len(text))])


def _odd_header(chance: random.Random) -> bytes:
    payload = chance.choice(_GARBAGE)
    return frame(
        chance.choice(_OPCODES), payload, first=chance.choice((0, 0x80, 0xC0, 0xA0, 0x90, 0xF0)), masked=chance.random() < 0.8
    )


def _close(chance: random.Random) -> bytes:
    code = chance.choice((0, 999, 1000, 1004, 1005, 1006, 1015, 2999, 3000, 4999, 5000, 65535))
    return frame(8, chance.choice((b"", b"\x03", code.to_bytes(2, "big") + chance.choice(_GARBAGE)))[:125])


def _false_length(chance: random.Random) -> bytes:
    return frame(chance.choice((1, 2, 9)), b"x" * chance.randrange(20), claimed=chance.choice((0, 126, 65_536, 2**31, 2**63 - 1)))


def _fragments(chance: random.Random) -> bytes:
    parts = [frame(chance.choice((0, 1, 2)), chance.choice(_GARBAGE)[:200], first=chance.choice((0, 0, 0x80))) for _ in range(4)]
    return b"".join(parts)


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(1, 40))


def _cut(chance: random.Random, data: bytes) -> bytes:
    """The bytes, of some a part, or with one exchanged."""
    if not data or chance.random() < 0.7:
        return data
    at = chance.randrange(len(data))
    return data[:at] if chance.random() < 0.5 else data[:at] + chance.randbytes(1) + data[at + 1 :]


_FRAMES: Sequence[Callable[[random.Random], bytes]] = (
    *(_message,) * 6,
    _odd_header,
    _close,
    _false_length,
    _fragments,
    _noise,
    lambda chance: _cut(chance, _message(chance)),
)
