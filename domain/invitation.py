"""Invitations: asking somebody, by e-mail address, to join a team.

The token is random and only its hash is stored. The person who accepts must be signed in under the address that was invited, so a
forwarded token is worth nothing to others. It is shown to the inviter once, for a message or link of their own.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol
from uuid import UUID

from domain import team as teams
from domain.actor import Actor
from domain.email_address import email_key, validate_email
from domain.errors import Forbidden, Invalid, NotFound, NotUnique
from domain.events import ChangeKind, FieldChange
from domain.permissions import Action, Role
from domain.ports import UnitOfWork
from domain.team import Team, TeamEvent

LIFETIME = timedelta(days=14)


class InvitationStore(Protocol):
    """Stores open invitations; one that was used or revoked is deleted."""

    async def replace(self, invitation: "Invitation") -> None:
        """Store a new invitation, instead of an earlier one of the same address to the same team."""
        ...

    async def get(self, invitation_id: UUID) -> "Invitation | None": ...
    async def is_invited(self, address: str, now: datetime) -> bool:
        """Whether any team has an open invitation for an address, however that is written."""
        ...

    async def by_token(self, token_hash: bytes) -> "Invitation | None": ...
    async def remove(self, invitation_id: UUID) -> bool:
        """Forget an invitation; False when it was gone already. The caller holds the team."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One address, asked to join one team in a role."""

    type_name: ClassVar[str] = "Invitation"
    stored_properties: ClassVar[tuple[str, ...]] = ("email_key",)

    id: UUID
    team_id: UUID
    email: str
    role: Role
    invited_by_id: UUID | None
    created_at: datetime
    expires_at: datetime
    token_hash: bytes

    @property
    def email_key(self) -> str:
        """What the address is compared by."""
        return email_key(self.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationChanged(TeamEvent):
    """An invitation was made (`before` None), or revoked or used (`after` None). The address stays out of the log."""

    kind = ChangeKind.MEMBERSHIP
    invitation_id: UUID
    role: Role
    made: bool

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        what = {"invitationId": str(self.invitation_id), "role": self.role}
        return (FieldChange(field="invitations", after=what) if self.made else FieldChange(field="invitations", before=what),)


async def invite(uow: UnitOfWork, actor: Actor, team_id: UUID, address: str, role: Role) -> tuple[Team, Invitation, str]:
    """Ask an address to join; the third value is the token. An earlier invitation of the same address is replaced."""
    team, _, rights = await teams.open_team(uow, actor, team_id)
    rights.require(Action.SHARE)
    if role is Role.OWNER:
        raise Invalid(("input", "role"), "A team has one owner; invite an admin instead.")
    invited = validate_email(address, ("input", "email"))
    known = await uow.users.by_email(invited)
    if known is not None and await uow.teams.role(team_id, known.id):
        raise NotUnique(("input", "email"), "This person is a member of the team.")
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        id=uow.new_id(),
        team_id=team_id,
        email=invited,
        role=role,
        invited_by_id=actor.user_id,
        created_at=uow.now,
        expires_at=uow.now + LIFETIME,
        token_hash=_hash_token(token),
    )
    await uow.invitations.replace(invitation)
    uow.record(InvitationChanged(actor_id=actor.user_id, team=team, invitation_id=invitation.id, role=invitation.role, made=True))
    return team, invitation, token


async def accept(uow: UnitOfWork, actor: Actor, token: str) -> Team:
    """Join the team that the token invites to; a token that is used, old or meant for another address is not found."""
    invitation = await uow.invitations.by_token(_hash_token(token))
    user = await uow.users.lock(actor.user_id)
    if invitation is None or user is None or invitation.expires_at <= uow.now:
        raise NotFound(("input", "token"))
    if user.email_key != invitation.email_key:
        raise NotFound(("input", "token"))
    team = await uow.teams.lock_by_id(invitation.team_id)
    if team is None or not await uow.invitations.remove(invitation.id):
        raise NotFound(("input", "token"))
    if await uow.teams.role(team.id, user.id):
        raise Forbidden(Action.CREATE, "You are a member of this team.")
    await teams.join(uow, actor, team, invitation.role)
    return team


async def revoke(uow: UnitOfWork, actor: Actor, invitation_id: UUID) -> UUID:
    """Take an invitation back."""
    invitation = await uow.invitations.get(invitation_id)
    if invitation is None:
        raise NotFound(("input", "id"))
    team, _, rights = await teams.open_team(uow, actor, invitation.team_id, path=("input", "id"))
    rights.require(Action.SHARE)
    if not await uow.invitations.remove(invitation.id):
        raise NotFound(("input", "id"))
    uow.record(
        InvitationChanged(actor_id=actor.user_id, team=team, invitation_id=invitation.id, role=invitation.role, made=False)
    )
    return invitation.id


def _hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
