"""Says what a push to a device is, and what a pusher promises."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from domain.push_device import PushDevice, PushPlatform

MAX_PAYLOAD_BYTES: Final = 3_000
"""What every push service takes, encrypted and in its envelope: those of Apple and Google take 4 KB in all."""
TTL_SECONDS: Final = 24 * 3600
"""For how long a push service stores a push for a device that is away."""


class Urgency(StrEnum):
    """Whether a device is woken for a push (RFC 8030)."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushMessage:
    """
    A push. `payload`: what the client is given, as JSON, of `MAX_PAYLOAD_BYTES` at most. `title` and `body`: what a phone shows
    before its app has run. A message that is sent again has the same `id`, and replaces the one that was not shown yet.
    """

    id: UUID
    payload: Mapping[str, Any]
    title: str
    body: str
    urgency: Urgency


def encode_payload(payload: Mapping[str, Any]) -> bytes:
    """The payload as clients are given it."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


class PushUnavailable(Exception):
    """The push service cannot take the message now: try again, after `retry_after_seconds` where it says so."""

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class PushRejected(Exception):
    """The push service refuses this message for good."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeviceGone(Exception):
    """The push service does not know the device any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Pusher(Protocol):
    """Sends pushes to devices. Adapters: `push.web_push` (browsers), `push.sns` (apps)."""

    @property
    def platforms(self) -> frozenset[PushPlatform]:
        """The platforms that can be reached."""
        ...

    async def send(self, device: PushDevice, message: PushMessage) -> None:
        """Hand a message to the push service of a device. Raises PushUnavailable, PushRejected and DeviceGone."""
        ...
