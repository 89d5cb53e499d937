"""URLs that lead a server into its own network, each in the notations that some parser or resolver follows."""

import ipaddress
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

FORBIDDEN_IPV4 = (
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.1",
    "10.0.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
)
FORBIDDEN_IPV6 = (
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
)
_OTHER_URLS = (
    "",
    "https",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:///127.0.0.1/",
    "https:/127.0.0.1/",
    "https:127.0.0.1",
    "//127.0.0.1/",
    "127.0.0.1",
    "/graphql",
    "http://example.com/",
    "http://127.0.0.1/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:6379/INFO",
    "ldap://127.0.0.1/",
    "ws://127.0.0.1/",
    "wss://127.0.0.1/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "https+unix://%2Fvar%2Frun/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://redis/",
    "https://kubernetes/",
    "https://example.com@127.0.0.1/",
    "https://example.com:443@127.0.0.1/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://@example.com/",
    "https://:@example.com/",
    "https://127.0.0.1@example.com/",
    "https://127.0.0.1:443@example.com@127.0.0.1/",
    "https://example.com%40127.0.0.1/",
    "https://127.0.0.1%2f.example.com/",
    "https://127.0.0.1%23.example.com/",
    "https://127.0.0.1\\@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    "https://127.0.0.1#@example.com/",
    "https://example.com#@127.0.0.1/",
    "https://example.com/#fragment",
    "https://127.0.0.1;.example.com/",
    "https://127.0.0.1,example.com/",
    "https://127.0.0.1&@example.com/",
    "https://127.0.0.1 .example.com/",
    "https://127.0.0.1\t/",
    "https://127.0.0.1\n/",
    "https://127.0.0.1\r\nHost: example.com/",
    "https://exa\tmple.com/",
    "https://exa\nmple.com/",
    " https://example.com/",
    "https://example.com/ HTTP/1.1\r\nX: y",
    "https://example.com/\x00",
    "https://example.com\x00.127.0.0.1/",
    "https://%6c%6f%63%61%6c%68%6f%73%74/",
    "https://example..com/",
    "https://.example.com/",
    "https://example.com./",
    "https://-example.com/",
    "https://example-.com/",
    "https://exa*mple.com/",
    "https://exa!mple.com/",
    "https://bücher.example/",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://example。com/",
    "https://ex\u00adample.com/",
    "https://[/",
    "https://]/",
    "https://[]/",
    "https://[::1/",
    "https://::1/",
    "https://[::1]x/",
    "https://[::1]443/",
    "https://x[::1]/",
    "https://[v1.fe]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::1%25lo]/",
    "https://[2606:4700::1111%25lo]/",
    "https://[127.0.0.1]/",
    "https://[example.com]/",
    "https://[[::1]]/",
    "https://[::ffff:127.0.0.1.]/",
    "https://[::ffff:0x7f.1]/",
    "https://" + "a" * 64 + ".example/",
    "https://" + ".".join(["a" * 60] * 5) + "/",
    "https://example.com/" + "a" * 2000,
    *(f"https://example.com:{port}/" for port in (0, 1, 22, 25, 80, 110, 444, 2375, 3306, 5432, 6379, 8080, 9200, 11211)),
    *(
        f"https://example.com:{port}/"
        for port in ("", "-1", "65536", "65979", "99999", "4 43", "443:443", "0x1bb", "443a", "٤٤٣")
    ),
)


def hostile_urls(port: int) -> tuple[str, ...]:
    """Those that are refused before anything is looked up or connected. `port`: one that may be called."""
    hosts = [notation for address in FORBIDDEN_IPV4 for notation in _ipv4_notations(IPv4Address(address))]
    hosts += [f"[{notation}]" for address in FORBIDDEN_IPV4 for notation in _ipv6_forms(IPv4Address(address))]
    hosts += [f"[{notation}]" for address in FORBIDDEN_IPV6 for notation in (address, IPv6Address(address).exploded)]
    return tuple(dict.fromkeys([*(f"https://{host}:{port}/" for host in hosts), *_OTHER_URLS]))


def hostile_names(public: str) -> dict[str, list[str]]:
    """Names of hosts, and the addresses to which their owners let them resolve: forbidden ones, alone and beside a public one."""
    forbidden = [*FORBIDDEN_IPV4, *FORBIDDEN_IPV6, "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "fe80::1%lo"]
    names = {}
    for number, address in enumerate(forbidden):
        names[f"alone{number}.example"] = [address]
        names[f"first{number}.example"] = [address, public]
        names[f"last{number}.example"] = [public, address]
    return names


def _ipv4_notations(address: IPv4Address) -> Iterator[str]:
    """What `inet_aton`, browsers and old libraries read as the address."""
    number = int(address)
    a, b, c, d = address.packed
    yield from (f"{address}", f"{address}.", f"{number}", f"0x{number:x}", f"0X{number:08X}", f"0{number:o}", f"{number + 2**32}")
    yield from (f"{a}.{(b << 16) + (c << 8) + d}", f"{a}.{b}.{(c << 8) + d}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}")
    yield from (
        f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"0x{a:x}.{b}.0{c:o}.{d}",
        f"{a:03}.{b:03}.{c:03}.{d:03}",
        f"{a:010o}.{b}.{c}.{d}",
    )
    yield from (
        f"{a + 256}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.{d + 256}",
        f"{address}".replace(".", "%2e"),
        f"%{ord(str(a)[0]):x}{str(address)[1:]}",
    )
    yield from (
        f"{address}".replace(".", "。"),
        "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in str(address)),
    )


def _ipv6_forms(address: IPv4Address) -> Iterator[str]:
    """IPv6 addresses that hold the address, and lead to it where a network translates."""
    high, low = divmod(int(address), 2**16)
    yield from (
        f"::ffff:{address}",
        f"::ffff:{high:x}:{low:x}",
        f"0:0:0:0:0:ffff:{address}",
        f"::{address}",
        f"::ffff:0:{address}",
    )
    yield from (f"64:ff9b::{address}", f"64:ff9b:1::{high:x}:{low:x}", f"2002:{high:x}:{low:x}::1", f"fe80::5efe:{address}")
    yield f"2001:0:{high:x}:{low:x}::{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}"
    yield str(ipaddress.IPv6Address(int(IPv6Address("2001:db8::")) + int(address)))
