"""The origin of an operation, which stands with its events: from where it was asked for, and with which credential."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.actor import Actor
from domain.session import Device

MAX_USER_AGENT_CHARS: Final = 300
_MAX_ADDRESS_CHARS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`credential_id`: of the session, the API token, or the client that acts for itself."""

    credential_id: UUID | None = None
    ip_address: str | None = None
    user_agent: str | None = None

    def to_json(self) -> Mapping[str, Any]:
        """As it stands in the log, without what is unknown."""
        return {
            name: value
            for name, value in (
                ("credential_id", None if self.credential_id is None else str(self.credential_id)),
                ("ip_address", self.ip_address),
                ("user_agent", self.user_agent),
            )
            if value is not None
        }


def origin_of(actor: Actor | None, device: Device) -> Origin:
    """The origin of what an actor does with a device."""
    return Origin(
        credential_id=None if actor is None else actor.session_id,
        ip_address=shortened(device.ip_address, _MAX_ADDRESS_CHARS),
        user_agent=shortened(device.user_agent, MAX_USER_AGENT_CHARS),
    )


def shortened(value: str | None, limit: int) -> str | None:
    """A header's value as Postgres can hold it: no U+0000, no lone surrogates, and at most so many characters; None for none."""
    if not value:
        return None
    return value[:limit].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
