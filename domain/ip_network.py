"""Addresses and networks of IP, as settings and headers name them."""

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


def parse_address(value: str) -> IpAddress | None:
    """An address without its zone, and an IPv4 address that stands in an IPv6 one as what it is; None for what is none."""
    try:
        address = ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def parse_networks(values: Sequence[str]) -> list[IpNetwork]:
    """Addresses and networks: `10.0.0.0/8`, `::1`. Raises ValueError, which names the one that is none."""
    return [_network(value) for value in values]


def _network(value: str) -> IpNetwork:
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        pass
    try:
        wider = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value} is no address or network: write 10.0.0.7 or 10.0.0.0/8") from None
    raise ValueError(f"{value} is an address within a network: write {wider}")
