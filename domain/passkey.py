"""Passkeys (WebAuthn, level 3): key pairs of people's devices, which sign them in alone, or after a password as a second factor.

A ceremony begins with options that hold a challenge, and ends with a credential that has signed it. A challenge is good for five
minutes, for one *audience*, which is a browser or a session, and once: a passkey takes only challenges that were issued after the
last one that it signed. Nothing is stored of challenges that nobody signs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.user import User

CHALLENGE_SECONDS: Final = 300
GRAPH_AUDIENCE: Final = "graph"
"""The audience of challenges for clients of the graph that are not signed in."""

Options = Mapping[str, Any]
"""The JSON form of WebAuthn's options, with binary values as base64url."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What somebody presents as the answer of a passkey to a challenge; nothing of it was judged."""

    credential: object = field(repr=False)
    """The JSON form of WebAuthn's `PublicKeyCredential`."""
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """The public key of a passkey that was just made for this server, by a device that verified its user."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    """COSE."""
    sign_count: int


class RelyingParty(Protocol):
    """This server as WebAuthn sees it: begins ceremonies."""

    @property
    def is_available(self) -> bool:
        """Whether the server has a name: browsers make no passkeys for numeric addresses."""
        ...

    def creation_options(self, user: User, existing: Sequence[bytes], *, audience: str) -> Options:
        """Options for `navigator.credentials.create`; `existing`: ids of the user's credentials, whose devices get no second."""
        ...

    async def verify_creation(self, credential: object, *, audience: str) -> NewCredential | None:
        """What a device made by `creation_options` for the audience; None for anything else."""
        ...

    def request_options(self, *, audience: str) -> Options:
        """Options for `navigator.credentials.get`; they name nobody's credentials."""
        ...


def audience_of(actor: Actor | None) -> str:
    """Who may use a challenge that is asked for through the graph: the session that asks, or anybody without one."""
    return GRAPH_AUDIENCE if actor is None or actor.session_id is None else f"session {actor.session_id}"


def creation_audience(actor: Actor, factor_id: UUID) -> str:
    """Who may add a passkey: the session in which it was begun, for the factor that was begun."""
    return f"factor {factor_id} of {audience_of(actor)}"
