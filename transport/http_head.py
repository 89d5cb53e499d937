"""Checks the heads of requests beyond what the parser does, and rewrites those that offer an upgrade which is not served.

The parser (llhttp) refuses what is no HTTP: control characters in lines, conflicting lengths, folded headers. It accepts versions
that are not served, requests without a Host and with several, and targets whose path decodes to control characters; and it stops
reading at any Upgrade, as if the rest of the stream were another protocol's. RFC 9110, 7.8: a server may ignore an Upgrade and
answer as if it were not there.
"""

from typing import Final
from urllib.parse import unquote_to_bytes

import httptools

from transport.http_response import Header

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 200
_HEADER_OVERHEAD_BYTES: Final = 4
_CONTROL_CHARACTERS: Final = frozenset((*range(0x20), 0x7F))


class RefusedRequest(Exception):
    """A request that is answered by its head alone, before the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def new_parser(protocol: object) -> httptools.HttpRequestParser:
    """A parser that calls a protocol; it still reads requests behind one that closes the connection, which are not answered."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def check_version_and_host(version: str, host_count: int) -> None:
    """Raises `RefusedRequest` unless this is HTTP/1.1 with one Host, or HTTP/1.0 with one at most."""
    if version == "1.1":
        if host_count != 1:
            raise RefusedRequest(400, "A request needs exactly one Host header.")
    elif version != "1.0":
        raise RefusedRequest(505, "Only HTTP/1.1 and HTTP/1.0 are served.")
    elif host_count > 1:
        raise RefusedRequest(400, "A request has at most one Host header.")


def check_head_size(url: bytes, headers: list[Header]) -> None:
    """Raises `RefusedRequest` (431) for a head that is too long or has too many headers."""
    size = len(url) + sum(len(name) + len(value) + _HEADER_OVERHEAD_BYTES for name, value in headers)
    if size > MAX_HEAD_BYTES or len(headers) > MAX_HEADERS:
        raise RefusedRequest(431, "The head is far too long.")


def check_path(url: bytes) -> None:
    """Raises `RefusedRequest` (400) where the path of a target decodes to control characters."""
    path = url.partition(b"?")[0]
    if b"%" in path and not _CONTROL_CHARACTERS.isdisjoint(unquote_to_bytes(path)):
        raise RefusedRequest(400, "The path holds control characters.")


def is_websocket_upgrade(method: bytes, version: str, headers: list[Header]) -> bool:
    """Whether an offered upgrade is one to a websocket, which is served. Raises `RefusedRequest` for one that is malformed."""
    offered = [value.strip().lower() for name, value in headers if name == b"upgrade"]
    if offered != [b"websocket"]:
        return False
    lengths = [value.strip() for name, value in headers if name == b"content-length"]
    has_body = lengths not in ([], [b"0"]) or any(name == b"transfer-encoding" for name, _ in headers)
    if method != b"GET" or version != "1.1" or has_body:
        raise RefusedRequest(400, "A websocket begins with a GET of HTTP/1.1 that has no body.")
    return True


def head_with_upgrade(url: bytes, headers: list[Header]) -> bytes:
    """The bytes of the head of a handshake, for the protocol that answers it."""
    return b"".join(
        (b"GET ", url, b" HTTP/1.1\r\n", *(part for name, value in headers for part in (name, b": ", value, b"\r\n")), b"\r\n")
    )


def head_without_upgrade(method: bytes, url: bytes, version: str, headers: list[Header]) -> bytes:
    """The bytes of a head as if it had offered no upgrade."""
    parts = [method, b" ", url, b" HTTP/", version.encode(), b"\r\n"]
    for name, value in headers:
        if name == b"upgrade":
            continue
        if name == b"connection":
            options = [each.strip() for each in value.split(b",")]
            value = b", ".join(each for each in options if each and each.lower() not in (b"upgrade", b"http2-settings"))
            if not value:
                continue
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)
