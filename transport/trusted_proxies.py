"""Reads from the headers of trusted proxies who the client is, and whether it speaks TLS.

Believed is a hop that a trusted one reports: from the socket's peer leftwards through `X-Forwarded-For`, or through `Forwarded`
(RFC 7239) where that one is absent, to the first address that is not a proxy's. What stands further left was sent by that client,
and is not looked at. A hop without an address that can be read (`unknown`, junk) ends the way: then the client is the proxy that
reported it. Where both headers arrive, `X-Forwarded-For` counts, since nearly all proxies write that one and let the other pass.

The scheme is the last in `X-Forwarded-Proto`, which the peer wrote, or with `Forwarded` that of the client's hop. Rejected:
counting schemes from the right as hops are: proxies overwrite them, and where one of several adds to a list, clients choose.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Literal

from domain.ip_network import IpNetwork, parse_address
from transport.http_response import Header

Scheme = Literal["http", "https"]

MAX_HOPS: Final = 32
"""Proxies before a server; a way that is longer ends there."""

_MAX_ELEMENT_CHARS: Final = 1024
_MAX_QUOTED_COMMAS: Final = 8
_SCHEMES: Final[Mapping[str, Scheme]] = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 (RFC 9110)
_PAIR: Final = re.compile(rf'\s*({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")\s*')
_HOST_AND_PORT: Final = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[0-9.]+):\d{1,5}|(?P<bare>.*)")

Client = tuple[str, int]
Hop = tuple[str, str]
"""What a proxy reports of whom it serves, as it is written: an address, and the scheme. Empty where it says nothing."""


class TrustedProxies:
    """The addresses of proxies whose headers are believed."""

    def __init__(self, networks: Sequence[IpNetwork]) -> None:
        self._networks = networks

    def trusts(self, address: str) -> bool:
        """Whether a peer, or a hop, is one of them."""
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client_of(self, peer: Client, scheme: Scheme, headers: Sequence[Header]) -> tuple[Client, Scheme]:
        """The address and scheme of the client of a request, which came from a trusted peer by this scheme."""
        client = peer
        for node, reported in islice(_hops(headers), MAX_HOPS):
            scheme = _SCHEMES.get(reported, scheme)
            parsed = parse_address(node)
            if parsed is None:
                break
            client = str(parsed), 0
            if not self.trusts(client[0]):
                break
        return client, scheme


NO_PROXIES: Final = TrustedProxies(())


def _hops(headers: Sequence[Header]) -> Iterator[Hop]:
    """What the proxies report, the nearest first."""
    scheme = next(_values(headers, b"x-forwarded-proto"), "")
    names = {name for name, _ in headers}
    if b"x-forwarded-for" in names:
        yield from ((_host(value), scheme) for value in _values(headers, b"x-forwarded-for"))
    elif b"forwarded" in names:
        yield from _forwarded_hops(headers)
    else:
        yield "", scheme


def _values(headers: Sequence[Header], name: bytes) -> Iterator[str]:
    """The elements of a list, which may stand in several headers, from the right."""
    for given, value in reversed(headers):
        if given == name:
            rest = value.decode("latin-1")
            comma = ","
            while comma:
                rest, comma, element = rest.rpartition(",")
                yield element.strip().lower()


def _forwarded_hops(headers: Sequence[Header]) -> Iterator[Hop]:
    """The elements of `Forwarded` from the right. A string may hold commas; one that a client left open swallows no element."""
    for given, value in reversed(headers):
        if given != b"forwarded":
            continue
        rest = value.decode("latin-1")
        while rest:
            start = len(rest)
            for _ in range(_MAX_QUOTED_COMMAS):
                start = rest.rfind(",", 0, start)
                pairs = _pairs(rest[start + 1 :]) if len(rest) - start <= _MAX_ELEMENT_CHARS else None
                if pairs is not None or start < 0:
                    break
            else:
                pairs = None
            if pairs is None:
                yield "", ""
                return
            yield _host(pairs.get("for", "")), pairs.get("proto", "").lower()
            rest = rest[: max(start, 0)]


def _pairs(element: str) -> dict[str, str] | None:
    """The parameters of an element of `Forwarded`; None for what is none."""
    pairs, at = {}, 0
    while True:
        found = _PAIR.match(element, at)
        if found is None:
            return None
        name, token, quoted = found.groups()
        pairs[name.lower()] = token if token is not None else re.sub(r"\\(.)", r"\1", quoted)
        at = found.end()
        if at == len(element):
            return pairs
        if element[at] != ";":
            return None
        at += 1


def _host(value: str) -> str:
    """The address of a node, without brackets and port."""
    found = _HOST_AND_PORT.fullmatch(value)
    return "" if found is None else next(each for each in found.groups() if each is not None)
