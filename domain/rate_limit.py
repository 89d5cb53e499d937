"""Rate limits: at most so many uses in any window of so many seconds, for each subject.

A subject is whoever or whatever the limit counts for, such as an account or a network address. A refused use is not counted, so
whoever waits for `retry_after_seconds` is let through.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from domain.errors import RateLimited
from domain.ip_network import parse_address

_SUBSCRIBER_PREFIX: Final = 64  # bits of an IPv6 address that a provider gives to one subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `max_uses` in any `window_seconds`."""

    name: str
    max_uses: int
    window_seconds: int


class LimitedUse(NamedTuple):
    """One use, by a subject, of what a limit is on."""

    limit: RateLimit
    subject: str


class RateLimiter(Protocol):
    """Counts uses."""

    async def take(self, *uses: LimitedUse) -> float | None:
        """Count every one of the uses and return None; or count none, and return the seconds until all would be allowed."""
        ...

    async def reset(self, *uses: LimitedUse) -> None:
        """Forget what was counted for the subjects of these."""
        ...

    async def give_back(self, *uses: LimitedUse) -> None:
        """Forget the latest use of the subjects of these: it turned out not to be of the kind that is limited."""
        ...


async def require(limiter: RateLimiter, *uses: LimitedUse) -> None:
    """Count the uses. Raises RateLimited, and then none is counted."""
    wait_seconds = await limiter.take(*uses)
    if wait_seconds is not None:
        raise RateLimited(wait_seconds)


def network_of(address: str | None) -> str:
    """What limits by address count for: an IPv4 address, or the network of 64 bits of an IPv6 address.

    Clients without an address that can be read (a socket of the machine itself) are one subject.
    """
    parsed = parse_address(address or "")
    if parsed is None:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _SUBSCRIBER_PREFIX), strict=False))
