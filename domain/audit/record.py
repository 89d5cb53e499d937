"""Records events in audit logs: those of a team in its own, those of a person in the logs of all their teams.

It is called with the events of a stream in order, by the transaction that moves the reader's cursor: so an event is recorded
once, and none is left out. Ids derive from the events, which keeps an event that is handled again from being recorded again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from uuid import UUID

from domain.audit.detail import detail_of
from domain.audit.entry import GENESIS_HASH, AuditEntry, Credential, Seal, chain_hash, sealed
from domain.audit.store import AuditStore
from domain.event_name import event_name
from domain.events import Entry, derived_id

SERVER_LABEL: Final = "Server"
FORMER_LABEL: Final = "Somebody"
NOT_AUDITED: Final = frozenset(
    {
        "DocumentRankCompacted",
        "NotificationCreated",
        "NotificationSettingsChanged",
        "NotificationUpdated",
        "ProjectAccessLost",
        "ProjectJoined",
        "TaskDerivedChanged",
        "TaskRankCompacted",
        "TeamAccessLost",
        "TeamJoined",
        "UserDeleted",
        "UserRegistered",
        "UserUpdated",
    }
)
"""What the server derives by itself, what only its own person sees, and what another event of the same operation records."""


class AuditUnitOfWork(Protocol):
    """What recording needs of a unit of work."""

    @property
    def audit(self) -> AuditStore: ...


@dataclass(slots=True)
class _Batch:
    """Entries to record, and what is known about them."""

    entries: Sequence[Entry]
    teams: Mapping[UUID, Sequence[UUID]]
    """By the id of each entry."""
    names: Mapping[UUID, str] = field(default_factory=dict)
    credentials: Mapping[UUID, Credential] = field(default_factory=dict)


async def record(uow: AuditUnitOfWork, entries: Sequence[Entry], seal: Seal) -> None:
    """Append the entries of one stream, in order, to the logs in which they belong."""
    chosen = [each for each in entries if each.type not in NOT_AUDITED]
    batch = _Batch(chosen, {each.id: await _teams_of(uow, each) for each in chosen})
    team_ids = sorted({team_id for found in batch.teams.values() for team_id in found})
    if not team_ids:
        return
    ids = [derived_id(each.id, "audit", team_id) for each in chosen for team_id in batch.teams[each.id]]
    known = await uow.audit.recorded(ids)
    batch.names = await uow.audit.display_names({each.actor_id for each in chosen if each.actor_id is not None})
    batch.credentials = await uow.audit.credentials({id_ for each in chosen if (id_ := _credential_id(each)) is not None})
    heads = await uow.audit.lock_heads(team_ids, seal)
    for team_id in team_ids:
        head = heads[team_id]
        added: list[AuditEntry] = []
        for each in chosen:
            if team_id not in batch.teams[each.id] or derived_id(each.id, "audit", team_id) in known:
                continue
            made = _to_audit_entry(batch, each, team_id, head.number + 1)
            made = replace(made, hash=chain_hash(head.hash, made))
            added.append(made)
            head = replace(head, number=made.number, hash=made.hash)
        if added:
            await uow.audit.append(added)
            await uow.audit.save_head(sealed(head, seal))


async def _teams_of(uow: AuditUnitOfWork, entry: Entry) -> Sequence[UUID]:
    """The teams in whose logs an entry belongs."""
    kind, _, id_ = entry.stream.partition(":")
    if kind == "team":
        return [UUID(id_)]
    named = entry.payload["entity"].get("team_ids")
    return await uow.audit.team_ids(UUID(id_)) if named is None else [UUID(each) for each in named]


def _credential_id(entry: Entry) -> UUID | None:
    found = (entry.origin or {}).get("credential_id")
    return None if found is None else UUID(found)


def _to_audit_entry(batch: _Batch, entry: Entry, team_id: UUID, number: int) -> AuditEntry:
    origin = entry.origin or {}
    credential_id = _credential_id(entry)
    credential = None if credential_id is None else batch.credentials.get(credential_id) or Credential(id=credential_id, type="")
    return AuditEntry(
        id=derived_id(entry.id, "audit", team_id),
        team_id=team_id,
        number=number,
        at=entry.at,
        actor_id=entry.actor_id,
        actor_label=SERVER_LABEL if entry.actor_id is None else batch.names.get(entry.actor_id) or FORMER_LABEL,
        action=event_name(entry.type, entry.entity_type),
        subject_type=entry.entity_type,
        subject_id=entry.entity_id,
        project_id=entry.project_id,
        ip_address=origin.get("ip_address"),
        user_agent=origin.get("user_agent"),
        detail=json.dumps(detail_of(entry, credential), ensure_ascii=True, separators=(",", ":")),
        hash=GENESIS_HASH,
    )
