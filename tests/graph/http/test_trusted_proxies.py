"""Behind a proxy the server sees the client's address and scheme, and strangers cannot give themselves others."""

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from domain.ip_network import parse_networks
from tests.graph.http.test_fast_path import HEAD, post_request
from tests.support.examples import examples
from tests.support.raw_http import open_connection
from tests.support.sample_graph import Journal
from tests.support.sample_server import run_sample_server
from transport.http_response import Header
from transport.trusted_proxies import Client, TrustedProxies

PROXIES = TrustedProxies(parse_networks(["10.0.0.0/8", "2001:db8:ffff::/48"]))
PEER: Client = ("10.0.0.1", 4711)
CLIENT = ("203.0.113.7", 0)


def read(*headers: tuple[str, str]) -> tuple[Client, str]:
    """The client of a request with these headers that a proxy passes on in clear."""
    raw: list[Header] = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return PROXIES.client_of(PEER, "http", raw)


FOR, PROTO, FORWARDED = "x-forwarded-for", "x-forwarded-proto", "forwarded"


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([], (PEER, "http")),
        ([(FOR, "203.0.113.7")], (CLIENT, "http")),
        ([(FOR, "203.0.113.7"), (PROTO, "https")], (CLIENT, "https")),
        ([(PROTO, "https")], (PEER, "https")),
        ([(PROTO, "wss")], (PEER, "https")),
        ([(PROTO, "gopher")], (PEER, "http")),
        ([(FOR, "198.51.100.1, 203.0.113.7")], (CLIENT, "http")),
        ([(FOR, "198.51.100.1,203.0.113.7 , 10.0.0.2,10.9.9.9")], (CLIENT, "http")),
        ([(FOR, "203.0.113.7"), (FOR, "10.0.0.2")], (CLIENT, "http")),
        ([(FOR, "10.0.0.3, 10.0.0.2")], (("10.0.0.3", 0), "http")),
        ([(FOR, "203.0.113.7:51234")], (CLIENT, "http")),
        ([(FOR, "::ffff:203.0.113.7")], (CLIENT, "http")),
        ([(FOR, "2001:DB8:0::7")], (("2001:db8::7", 0), "http")),
        ([(FOR, "[2001:db8::7]")], (("2001:db8::7", 0), "http")),
        ([(FOR, "[2001:db8::7]:443, 2001:db8:ffff::1")], (("2001:db8::7", 0), "http")),
        ([(FOR, "fe80::7%eth0")], (("fe80::7", 0), "http")),
        ([(FOR, "203.0.113.7, unknown")], (PEER, "http")),
        ([(FOR, "203.0.113.7, unknown, 10.0.0.2"), (PROTO, "https")], (("10.0.0.2", 0), "https")),
        ([(FOR, "203.0.113.7, 999.1.1.1")], (PEER, "http")),
        ([(FOR, "203.0.113.7,")], (PEER, "http")),
        ([(FOR, "")], (PEER, "http")),
        ([(FOR, "é\x00")], (PEER, "http")),
        # the scheme is the one that the peer wrote
        ([(FOR, "203.0.113.7"), (PROTO, "https, http")], (CLIENT, "http")),
        ([(FOR, "203.0.113.7, 10.0.0.2"), (PROTO, "https, http")], (CLIENT, "http")),
        ([(FOR, "203.0.113.7"), (PROTO, "http"), (PROTO, "HTTPS")], (CLIENT, "https")),
        ([(FOR, "203.0.113.7, 10.0.0.2"), (PROTO, "https")], (CLIENT, "https")),
        # RFC 7239
        ([(FORWARDED, "for=203.0.113.7")], (CLIENT, "http")),
        ([(FORWARDED, "For=203.0.113.7;Proto=HTTPS;by=10.0.0.1;host=example.com")], (CLIENT, "https")),
        ([(FORWARDED, 'for="203.0.113.7:80" ; proto="https"')], (CLIENT, "https")),
        ([(FORWARDED, 'for="[2001:db8:cafe::17]:4711"')], (("2001:db8:cafe::17", 0), "http")),
        ([(FORWARDED, "for=198.51.100.1;proto=https, for=203.0.113.7;proto=http")], (CLIENT, "http")),
        (
            [(FORWARDED, "for=198.51.100.1;proto=http"), (FORWARDED, "for=203.0.113.7;proto=https,for=10.0.0.2")],
            (CLIENT, "https"),
        ),
        ([(FORWARDED, 'for=203.0.113.7;ext="a, for=198.51.100.1"')], (CLIENT, "http")),
        ([(FORWARDED, r'for=203.0.113.7;ext="\", for=198.51.100.1;x=\""')], (CLIENT, "http")),
        ([(FORWARDED, 'for=", for=203.0.113.7')], (CLIENT, "http")),
        ([(FORWARDED, 'for=198.51.100.1;x="'), (FORWARDED, 'for="[2001:db8::7]"')], (("2001:db8::7", 0), "http")),
        ([(FORWARDED, 'for=198.51.100.1;x=", for="[2001:db8::7]"')], (("2001:db8::7", 0), "http")),
        ([(FORWARDED, "for=_hidden;proto=https")], (PEER, "https")),
        ([(FORWARDED, "for=unknown, proto=https")], (PEER, "https")),
        ([(FORWARDED, "by=10.0.0.1")], (PEER, "http")),
        ([(FORWARDED, "junk")], (PEER, "http")),
        ([(FORWARDED, ";;==,,")], (PEER, "http")),
        ([(FORWARDED, "for=198.51.100.1"), (FOR, "203.0.113.7")], (CLIENT, "http")),
        ([(FORWARDED, "for=198.51.100.1;proto=https"), (FOR, "203.0.113.7"), (PROTO, "http")], (CLIENT, "http")),
    ],
)
def test_the_client_is_the_first_hop_from_the_right_that_is_no_proxy(
    headers: list[tuple[str, str]], client: tuple[Client, str]
) -> None:
    assert read(*headers) == client


@examples(75, many=3_000, derandomize=True, database=None)
@given(
    junk=st.lists(
        st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=40)
        | st.sampled_from(["10.0.0.9", "for=10.0.0.9", 'for="', '"', "\\", 'for="10.0.0.9, ', ";", "=", 'x="\\', "https"]),
        max_size=6,
    ),
    is_own_line=st.booleans(),
)
def test_nothing_that_a_stranger_sends_changes_what_a_proxy_says_of_them(junk: list[str], is_own_line: bool) -> None:
    for name, theirs, expected in (
        (FOR, "203.0.113.7", CLIENT),
        (FOR, "[2001:db8::7]:9, 10.0.0.2", ("2001:db8::7", 0)),
        (FORWARDED, "for=203.0.113.7;proto=http", CLIENT),
        (FORWARDED, 'for="[2001:db8::7]:9";proto=http', ("2001:db8::7", 0)),
    ):
        sent = ", ".join(junk)
        lines = [(name, sent), (name, theirs)] if is_own_line else [(name, f"{sent}, {theirs}" if sent else theirs)]
        others = [(PROTO, sent)] if name == FORWARDED else [(PROTO, f"{sent}, http"), (FORWARDED, sent)]
        assert read(*others, *lines) == (expected, "http")


@pytest.mark.parametrize("hop", ["10.0.0.2", "for=10.0.0.2", 'for="', '"', ",", 'for="10.0.0.2"', "for=10.0.0.2;x=" + "y" * 900])
def test_ten_thousand_hops_take_no_time(hop: str) -> None:
    hops = ", ".join([hop] * 10_000)
    started = time.process_time()
    for name in (FOR, FORWARDED):
        assert read((name, hops))[0] in (PEER, ("10.0.0.2", 0))
        assert read((name, hops), (name, "203.0.113.7" if name == FOR else "for=203.0.113.7"))[0] == CLIENT
    assert time.process_time() - started < 0.5


async def test_requests_and_websockets_come_from_the_address_that_a_trusted_proxy_names(journal: Journal) -> None:
    async with run_sample_server(proxies=["127.0.0.1"]) as server, open_connection(server) as line:
        for header in (
            b"x-forwarded-for: 10.1.2.3",
            b"forwarded: for=10.1.2.4",
            b"x-other: 1",
            b"x-forwarded-for: 6.6.6.6, 10.1.2.5",
        ):
            line.send(post_request("{echo(number:1)}", header))  # past ASGI
            line.send(post_request("{echo(number:1)}", header, b"expect: 100-continue"))
            assert await line.next_data() == {"echo": 1}
            assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert await line.next_data() == {"echo": 1}
        async with server.connect(additional_headers={"X-Forwarded-For": "[2001:db8::9]:80"}) as ws:
            await _echo(ws)
    addresses = ["10.1.2.3", "10.1.2.4", "127.0.0.1", "10.1.2.5"]
    assert [each.info.ip for each in journal.contexts] == [each for each in addresses for _ in range(2)] + ["2001:db8::9"]


async def test_nothing_is_believed_of_a_peer_that_is_not_trusted(journal: Journal) -> None:
    hostile = [b"x-forwarded-for: 10.1.2.3", b"x-forwarded-proto: https", b"forwarded: for=10.1.2.3;proto=https"]
    async with run_sample_server(proxies=["127.0.0.2", "::1"]) as server, open_connection(server) as line:
        line.send(post_request("{echo(number:1)}", *hostile))
        assert await line.next_data() == {"echo": 1}
        async with server.connect(additional_headers={"X-Forwarded-For": "10.1.2.3"}) as ws:
            await _echo(ws)
    assert [each.info.ip for each in journal.contexts] == ["127.0.0.1"] * 2


async def test_over_tls_a_page_in_clear_opens_no_websocket(journal: Journal) -> None:
    async with run_sample_server(proxies=["127.0.0.1"]) as server:
        own = f"127.0.0.1:{server.port}"
        for scheme, origin, is_allowed in (
            ("https", f"https://{own}", True),
            ("https", f"http://{own}", False),
            ("http", f"https://{own}", True),
            ("http", f"http://{own}", True),
        ):
            connecting = server.connect(additional_headers={"X-Forwarded-Proto": scheme}, origin=origin)
            if is_allowed:
                async with connecting:
                    pass
            else:
                with pytest.raises(InvalidStatus):
                    await connecting
    assert journal.contexts == []


async def test_a_redirect_keeps_the_scheme_of_the_client(journal: Journal) -> None:
    async with run_sample_server(proxies=["127.0.0.1"]) as server, open_connection(server) as line:
        for scheme in (b"https", b"http"):
            line.send(HEAD.replace(b"POST /graphql", b"GET /graphql/") + b"x-forwarded-proto: " + scheme + b"\r\n\r\n")
            status, headers, _ = await line.next_response()
            assert (status, headers[b"location"]) == (307, scheme + b"://graph.test/graphql")


async def _echo(ws: Any) -> None:
    messages = {
        '{"type":"connection_ack"}': {"type": "connection_init"},
        '{"id":"1","type":"next","payload":{"data":{"echo":1}}}': {
            "id": "1",
            "type": "subscribe",
            "payload": {"query": "{ echo(number: 1) }"},
        },
    }
    for answer, message in messages.items():
        await ws.send(orjson.dumps(message).decode())
        assert await ws.recv() == answer
