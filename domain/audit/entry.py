"""What stands in an audit log: entries, each with the SHA-256 of the one before and of itself, and the sealed head of the chain.

The hash has no key, so that whoever holds an export can check it with `sha256sum`. What keeps somebody who can write to the
database from computing a whole chain anew is the *seal* of its head: an HMAC under a key that is not in the database. The heads
themselves are numbered and chained in a registry, which is sealed too, so that no log can disappear as a whole.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import UUID

Seal = Callable[[bytes], bytes]
"""The HMAC of a head's canonical form."""
GENESIS_HASH: Final = bytes(32)
"""What the first entry of a chain takes for the hash before it."""
REGISTRY_ID: Final = UUID(int=0)
"""In place of a team's id: the head that counts and chains all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """
    One entry. Numbers of a team count from 1, without gaps.

    `actor_label` is the name of the actor at the time. `project_id`: whoever may not read that project sees no values of it.
    `detail` is JSON as text, since its bytes are what is hashed: `{"changes": […], "credential": {…}}`.
    """

    type_name: ClassVar[str] = "AuditEntry"

    id: UUID
    team_id: UUID
    number: int
    at: datetime
    actor_id: UUID | None
    actor_label: str
    action: str
    subject_type: str
    subject_id: UUID
    project_id: UUID | None
    ip_address: str | None
    user_agent: str | None
    detail: str
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """
    How far a team's chain reaches: the number and hash of its last entry.

    `ordinal`: its number among all heads. `trimmed_to` and `trimmed_hash`: the last entry that was deleted because of its age; 0
    and the genesis hash without one. `seal`: of all this; empty in a head that is not sealed yet.
    """

    team_id: UUID
    ordinal: int
    number: int = 0
    hash: bytes = GENESIS_HASH
    trimmed_to: int = 0
    trimmed_hash: bytes = GENESIS_HASH
    seal: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """With what somebody acted: a session, an API token, or an OAuth client, in whose name, if it has one."""

    id: UUID
    type: str
    name: str | None = None


def canonical_form(entry: AuditEntry) -> bytes:
    """
    The bytes of an entry that are hashed: a JSON array in ASCII without blanks.

    `[1,team id,number,id,instant,actor id,actor label,action,subject type,subject id,project id,address,user agent,detail]`,
    where the instant is UTC with six digits of seconds, and `detail` is a string that holds JSON.
    """
    parts = [
        1,
        str(entry.team_id),
        entry.number,
        str(entry.id),
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        _text(entry.actor_id),
        entry.actor_label,
        entry.action,
        entry.subject_type,
        str(entry.subject_id),
        _text(entry.project_id),
        entry.ip_address,
        entry.user_agent,
        entry.detail,
    ]
    return json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()


def chain_hash(previous_hash: bytes, entry: AuditEntry) -> bytes:
    """The hash of an entry that follows on the one with `previous_hash`."""
    return hashlib.sha256(previous_hash + canonical_form(entry)).digest()


def seal_of(head: AuditHead, seal: Seal) -> bytes:
    """The seal that belongs to a head."""
    parts = [
        1,
        str(head.team_id),
        head.ordinal,
        head.number,
        head.hash.hex(),
        head.trimmed_to,
        head.trimmed_hash.hex(),
    ]
    return seal(json.dumps(parts, separators=(",", ":")).encode())


def sealed(head: AuditHead, seal: Seal) -> AuditHead:
    """The head with its seal."""
    return replace(head, seal=seal_of(head, seal))


def registered(registry: AuditHead, team_id: UUID, seal: Seal) -> tuple[AuditHead, AuditHead]:
    """The registry with one more head, and that head."""
    grown = replace(registry, number=registry.number + 1, hash=hashlib.sha256(registry.hash + team_id.bytes).digest())
    return sealed(grown, seal), sealed(AuditHead(team_id=team_id, ordinal=grown.number), seal)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
