"""What the audit log needs from outside."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from domain.audit.entry import AuditEntry, AuditHead, Credential, Seal


class AuditStore(Protocol):
    """Stores audit logs."""

    async def team_ids(self, user_id: UUID) -> Sequence[UUID]:
        """The teams of a person, not held."""
        ...

    async def teams_of(self, user_id: UUID, ids: Collection[UUID]) -> Sequence[UUID]:
        """The teams to which objects belong, as far as the person is a member of them."""
        ...

    async def display_names(self, user_ids: Collection[UUID]) -> Mapping[UUID, str]: ...
    async def credentials(self, credential_ids: Collection[UUID]) -> Mapping[UUID, Credential]:
        """Those of the sessions, API tokens and OAuth clients that are known; ended ones too."""
        ...

    async def recorded(self, entry_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of the entries that stand in a log."""
        ...

    async def lock_heads(self, team_ids: Collection[UUID], seal: Seal) -> Mapping[UUID, AuditHead]:
        """The heads of the logs of teams, held until the end of the operation; those that are missing are made."""
        ...

    async def append(self, entries: Sequence[AuditEntry]) -> None: ...
    async def save_head(self, head: AuditHead) -> None: ...
