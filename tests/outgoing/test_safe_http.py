"""What strangers name is called only where it is public, as it was looked up, in bounds of bytes and time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from itertools import count
from pathlib import Path

import pytest

from domain.ip_network import parse_networks
from domain.outgoing_url import OutgoingRules, OutgoingUrl, UnsafeUrl, is_public
from outgoing.safe_http import Failure, OutgoingError, Resolver, SafeHttpClient
from tests.support.hostile_urls import FORBIDDEN_IPV4, FORBIDDEN_IPV6, hostile_names, hostile_urls
from tests.support.mail_server import make_certificate

_PUBLIC = "93.184.215.14"
_SERVER = "127.0.0.2"  # stands for a public address: it is admitted, its neighbour 127.0.0.1 is not
_RULES = OutgoingRules([ip_network(_SERVER)])


@dataclass
class _Server:
    """Answers each connection with `answer`, and counts them."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def _serve(
    answer: bytes,
    *,
    host: str = _SERVER,
    port: int = 0,
    endless: bytes = b"",
    pause: float = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[_Server]:
    """A server that reads the head of a request and sends `answer`, then `endless` again and again."""
    server = _Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while True:
                server.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                while endless:
                    writer.write(endless)
                    await writer.drain()
                    await asyncio.sleep(pause)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, host, port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


def _resolving(names: dict[str, list[str]], asked: list[str] | None = None) -> Resolver:
    async def resolve(host: str) -> Sequence[str]:
        if asked is not None:
            asked.append(host)
        return names.get(host, [host])

    return resolve


async def _call(url: str, *, rules: OutgoingRules = _RULES, names: dict[str, list[str]] | None = None) -> tuple[int, bytes]:
    async with SafeHttpClient.open(rules, resolve=_resolving(names or {})) as http:
        answer = await http.request("GET", url)
        return answer.status, answer.body


async def test_five_hundred_hostile_urls_make_no_connection_and_no_look_up() -> None:
    asked: list[str] = []
    async with _serve(b"", host="127.0.0.1") as canary, _serve(b"", host="::1", port=canary.port) as canary6:
        rules = OutgoingRules(public_ports={443, canary.port})
        async with SafeHttpClient.open(rules, resolve=_resolving({}, asked)) as http:
            urls = hostile_urls(canary.port)
            accepted = []
            for url in urls:
                try:
                    await http.request("GET", url, timeout_seconds=1)
                except UnsafeUrl:
                    continue
                except OutgoingError as error:
                    accepted.append((url, error.failure))
            assert accepted == []
        assert len(urls) >= 500
        assert (canary.connections, canary6.connections, asked) == (0, 0, [])


async def test_names_that_resolve_to_any_address_that_is_not_public_make_no_connection() -> None:
    names = hostile_names(_PUBLIC)
    async with _serve(b"", host="127.0.0.1") as canary, _serve(b"", host="::1", port=canary.port) as canary6:
        rules = OutgoingRules(public_ports={canary.port})
        async with SafeHttpClient.open(rules, resolve=_resolving(names)) as http:
            for name in names:
                with pytest.raises(OutgoingError) as refused:
                    await http.request("GET", f"https://{name}:{canary.port}/")
                assert refused.value.failure is Failure.NOT_PUBLIC, name
        assert (canary.connections, canary6.connections) == (0, 0)


async def test_the_canary_is_reached_where_its_address_is_admitted() -> None:
    """What shows that the tests above can fail."""
    async with _serve(b"HTTP/1.1 204 No Content\r\n\r\n", host="127.0.0.1") as canary:
        rules = OutgoingRules(parse_networks(["127.0.0.1"]))
        assert await _call(f"http://name.example:{canary.port}/", rules=rules, names={"name.example": ["127.0.0.1"]}) == (
            204,
            b"",
        )
        assert canary.connections == 1


async def test_a_name_that_changes_its_address_is_connected_where_it_was_looked_up_or_not_at_all() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    async with _serve(answer) as server, _serve(answer, host="127.0.0.1", port=server.port) as canary:
        turns = count()

        async def rebinding(_: str) -> Sequence[str]:
            return [_SERVER] if next(turns) % 2 == 0 else ["127.0.0.1"]

        async with SafeHttpClient.open(_RULES, resolve=rebinding) as http:
            for _ in range(3):
                assert (await http.request("GET", f"http://rebind.example:{server.port}/")).status == 200
                with pytest.raises(OutgoingError, match="not a public one"):
                    await http.request("GET", f"http://rebind.example:{server.port}/")
        assert (server.connections, canary.connections, next(turns)) == (3, 0, 6)


async def test_public_hosts_are_not_called_by_http_or_at_other_ports_though_a_network_is_admitted() -> None:
    for url in ("http://public.example/", "http://public.example:8000/", "https://public.example:6379/"):
        with pytest.raises(OutgoingError, match="not a public one"):
            await _call(url, names={"public.example": [_PUBLIC]})


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with _serve(b"", host="127.0.0.1") as canary:
        head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 2\r\n\r\nno"
        async with _serve(head.encode()) as server:
            assert await _call(f"http://{_SERVER}:{server.port}/") == (302, b"no")
        assert canary.connections == 0


async def test_a_body_is_read_up_to_its_limit_however_it_is_sent() -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    heads = (b"Content-Length: 999999999999", b"Connection: close", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip")
    for head in heads:
        endless = chunk if b"chunked" in head else b"x" * 0x8000
        async with (
            _serve(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n", endless=endless) as server,
            SafeHttpClient.open(_RULES) as http,
        ):
            answer = await http.request("GET", f"http://{_SERVER}:{server.port}/")
            assert (answer.body, answer.truncated) == (b"x" * 65536, True), head
    async with (
        _serve(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65536) as server,
        SafeHttpClient.open(_RULES) as http,
    ):
        answer = await http.request("GET", f"http://{_SERVER}:{server.port}/")
        assert (answer.body, answer.truncated) == (b"x" * 65536, False)


async def test_a_host_that_drips_or_says_nothing_is_given_up_in_time() -> None:
    drips = (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"), (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), (b"", b"")
    for answer, endless in drips:
        async with _serve(answer, endless=endless, pause=0.01) as server, SafeHttpClient.open(_RULES) as http:
            with pytest.raises(OutgoingError, match="took too long"):
                await http.request("GET", f"http://{_SERVER}:{server.port}/", timeout_seconds=0.2)


async def test_an_endless_head_and_junk_are_no_answer() -> None:
    for answer, endless in (
        (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 60_000 + b"\r\n"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b""),
        (b"\x15\x03\x01\r\n", b"\n"),
    ):
        async with _serve(answer, endless=endless) as server:
            with pytest.raises(OutgoingError, match="does not answer as HTTP asks"):
                await _call(f"http://{_SERVER}:{server.port}/")


async def test_what_is_sent_names_the_host_of_the_url_and_nothing_of_ours() -> None:
    async with _serve(b"HTTP/1.1 200 OK\r\nx-two: 1\r\nX-TWO: 2\r\nContent-Length: 0\r\n\r\n") as server:
        async with SafeHttpClient.open(_RULES, resolve=_resolving({"a.example": [_SERVER]})) as http:
            answer = await http.request("POST", f"http://A.example:{server.port}?q=%2F", headers={"X-One": "1"}, body=b"{}")
        assert answer.headers == {"x-two": "1", "content-length": "0"}
        head = (
            f"POST /?q=%2F HTTP/1.1\r\nHost: a.example:{server.port}\r\nUser-Agent: PantheraHive\r\nAccept-Encoding: identity\r\n"
        )
        assert server.requests == [f"{head}X-One: 1\r\nContent-Length: 2\r\n\r\n".encode()]


async def test_certificates_are_checked_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    context, certificate = make_certificate(tmp_path)  # for 127.0.0.1
    rules = OutgoingRules(parse_networks(["127.0.0.0/8"]))
    names = {"a.example": ["127.0.0.1"]}
    trusting = ssl.create_default_context(cafile=certificate)
    async with _serve(b"HTTP/1.1 204 No Content\r\n\r\n", host="127.0.0.1", tls=context) as server:
        for tls, host, expected in (
            (trusting, "127.0.0.1", None),
            (trusting, "a.example", "not trusted"),
            (None, "127.0.0.1", "not trusted"),
        ):
            async with SafeHttpClient.open(rules, resolve=_resolving(names), tls=tls) as http:
                if expected is None:
                    assert (await http.request("GET", f"https://{host}:{server.port}/")).status == 204
                else:
                    with pytest.raises(OutgoingError, match=expected):
                        await http.request("GET", f"https://{host}:{server.port}/")


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    rules = OutgoingRules(parse_networks(["127.0.0.0/8"]))
    async with _serve(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        url = f"http://a.example:{server.port}/"
        assert await _call(url, rules=rules, names={"a.example": ["127.0.0.3", _SERVER]}) == (204, b"")
    with pytest.raises(OutgoingError, match="cannot be reached"):
        await _call(url, rules=rules, names={"a.example": ["127.0.0.3", _SERVER]})


async def test_a_name_without_an_address_and_one_that_no_resolver_can_take_have_no_answer() -> None:
    with pytest.raises(OutgoingError, match="has no address"):
        await _call("https://a.example/", names={"a.example": []})

    async def failing(_: str) -> Sequence[str]:
        raise OSError("Name or service not known")

    async with SafeHttpClient.open(OutgoingRules(), resolve=failing) as http:
        with pytest.raises(OutgoingError, match="has no address"):
            await http.request("GET", "https://a.example/")


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("https://example.com", ("example.com", 443, "/", "example.com")),
        ("HTTPS://EXAMPLE.com:8443/a//b/?c=d&e=%20", ("example.com", 8443, "/a//b/?c=d&e=%20", "example.com:8443")),
        ("https://example.com?a=https://127.0.0.1/@b", ("example.com", 443, "/?a=https://127.0.0.1/@b", "example.com")),
        ("https://xn--bcher-kva.example/", ("xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example")),
        ("https://_dmarc.a-b.example/", ("_dmarc.a-b.example", 443, "/", "_dmarc.a-b.example")),
        ("https://1.1.1.1.example/", ("1.1.1.1.example", 443, "/", "1.1.1.1.example")),
        ("https://8.8.8.8:443/", ("8.8.8.8", 443, "/", "8.8.8.8")),
        ("https://[2606:4700:0::1111]:8443/", ("2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443")),
        ("https://[64:ff9b::8.8.8.8]/", ("64:ff9b::808:808", 443, "/", "[64:ff9b::808:808]")),
    ],
)
def test_public_urls_are_read(url: str, parsed: tuple[str, int, str, str]) -> None:
    found = OutgoingRules().parse(url)
    assert (found.host, found.port, found.target, found.authority) == parsed
    assert OutgoingRules().parse(f"{found.scheme}://{found.authority}{found.target}") == found


def test_where_a_network_is_admitted_its_hosts_may_be_called_by_http_and_at_any_port() -> None:
    rules = OutgoingRules(parse_networks(["10.1.0.0/16"]))
    assert rules.parse("http://10.1.2.3:9000/x") == OutgoingUrl(scheme="http", host="10.1.2.3", port=9000, target="/x")
    assert rules.parse("http://receiver:9000/").host == "receiver"
    with pytest.raises(UnsafeUrl):
        rules.parse("http://10.2.0.1:9000/x")
    assert rules.permits(ip_address("10.1.2.3"), 22)
    assert not rules.permits(ip_address("::ffff:10.1.2.3"), 443)


_PUBLIC_EDGES = """
1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2000::1 2001:200::1 2003::1 2606:4700::1111 3ffe::1 64:ff9b::1.0.0.0
"""


def test_which_addresses_are_public() -> None:
    edges = _PUBLIC_EDGES.split()
    assert [each for each in edges if is_public(ip_address(each))] == edges
    assert [each for each in (*FORBIDDEN_IPV4, *FORBIDDEN_IPV6, "64:ff9b::a00:1") if is_public(ip_address(each))] == []


@pytest.mark.parametrize("value", ["10.0.0.1/8", "10.0.0", "fe80::%eth0/640", "example.com", "10.0.0.0/33", "", "10.0.0.0/8/8"])
def test_what_is_no_network_is_named(value: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_networks(["::1", value])
    assert str(refused.value).startswith(f"{value} is ")
    assert ": write 10.0.0" in str(refused.value)
