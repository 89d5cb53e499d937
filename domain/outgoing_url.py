"""Judges which URLs of strangers the server may call, and which addresses it may connect to for them.

Written by hand over the registries of special-purpose addresses (IANA, RFC 6890): `ipaddress.is_global` of Python 3.11 takes
multicast, site-local addresses and 127.0.0.1 in the forms of NAT64 and 6to4 for global ones. IPv6 is an allow list, which grows
by a decision: global unicast (2000::/3) without the ranges inside it that lead elsewhere.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from domain.ip_network import IpAddress, IpNetwork

MAX_URL_CHARS: Final = 2000
PUBLIC_PORTS: Final = frozenset({443, 8443})
"""Where public hosts may be called: ports of HTTPS, so that nothing else is spoken to. HTTP without TLS has neither."""

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_URL_CHARS: Final = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")  # RFC 3986, without a fragment
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as the last label of a host it makes browsers and libc read an IPv4 address
_MAX_HOST_CHARS: Final = 253

_IPV4_SPECIAL: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # a public address by which machines of Azure reach their host
            "169.254.0.0/16",  # with the metadata service of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_IPV6_GLOBAL: Final = IPv6Network("2000::/3")
_IPV6_SPECIAL: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols' own, with Teredo, which has an IPv4 address inside
            "2001:db8::/32",
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


class UnsafeUrl(ValueError):
    """A URL that the server does not call; the message says why, for the person who gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingUrl:
    """A URL that may be called if its host resolves to addresses that may be connected to."""

    scheme: str
    host: str  # in lower case; an IPv6 address without brackets
    port: int
    target: str  # path and query, as they were given

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class OutgoingRules:
    """What may be called: public hosts by HTTPS, and networks that the operator admits, by HTTP as well and at any port."""

    admitted: Sequence[IpNetwork] = field(default=())
    public_ports: Collection[int] = PUBLIC_PORTS

    def parse(self, value: str) -> OutgoingUrl:
        """Read a URL without looking anything up. Raises UnsafeUrl."""
        if len(value) > MAX_URL_CHARS:
            raise UnsafeUrl(f"A URL has at most {MAX_URL_CHARS} characters.")
        if not _URL_CHARS.fullmatch(value):
            raise UnsafeUrl("A URL has only the characters of RFC 3986, and no fragment; write other hosts as xn--….")
        scheme, separator, rest = value.partition("://")
        scheme = scheme.lower()
        if not separator or scheme not in _DEFAULT_PORTS or (scheme == "http" and not self.admitted):
            raise UnsafeUrl("Use an https:// URL.")
        authority = re.split(r"[/?]", rest, maxsplit=1)[0]
        if "@" in authority:
            raise UnsafeUrl("A URL must not hold a user or a password.")
        found = _AUTHORITY.fullmatch(authority)
        if found is None:
            raise UnsafeUrl("This URL has no host that can be read.")
        host = self._host(found["host"].lower())
        port = int(found["port"]) if found["port"] is not None else _DEFAULT_PORTS[scheme]
        if not 0 < port <= 65535 or (port not in self.public_ports and not self.admitted):
            raise UnsafeUrl("Only the ports 443 and 8443 may be called.")
        target = rest[len(authority) :]
        return OutgoingUrl(scheme=scheme, host=host, port=port, target=target if target.startswith("/") else f"/{target}")

    def permits(self, address: IpAddress, port: int) -> bool:
        """Whether a connection may be made."""
        if any(address in network for network in self.admitted):
            return True
        return port in self.public_ports and is_public(address)

    def _host(self, host: str) -> str:
        if host.startswith("["):
            return str(self._literal(host[1:-1], IPv6Address))
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return str(self._literal(host, IPv4Address))
        if len(host) > _MAX_HOST_CHARS or not all(map(_LABEL.fullmatch, labels)):
            raise UnsafeUrl("This URL has no host that can be read.")
        if len(labels) == 1 and not self.admitted:
            raise UnsafeUrl("The host must be a public one, with a domain.")
        return host

    def _literal(self, text: str, kind: type[IPv4Address] | type[IPv6Address]) -> IpAddress:
        try:
            address = kind(text)
        except ValueError:
            raise UnsafeUrl("This URL has no host that can be read.") from None
        if "%" in text or not (is_public(address) or any(address in network for network in self.admitted)):
            raise UnsafeUrl("The host must be a public one.")
        return address


def is_public(address: IpAddress) -> bool:
    """Whether an address is that of one host in the public internet. Forms with an IPv4 address inside are not, but NAT64's: by
    it machines that have only IPv6 reach the rest."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_SPECIAL)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _IPV6_GLOBAL and not any(address in network for network in _IPV6_SPECIAL)
