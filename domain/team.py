"""Teams: who belongs to one, in which role, and who owns it. Invitations are in `domain.invitation`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.errors import Forbidden, Invalid, NotFound, NotUnique, Path, Required
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream, user_stream
from domain.permissions import Access, Action, Kind, Role, access
from domain.ports import UnitOfWork
from domain.user import User
from domain.version import changed, require_version

_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """People who work together; everything else belongs to one team."""

    type_name: ClassVar[str] = "Team"

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    name: str
    key: str
    description: str | None = None
    owner_id: UUID
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One user's place in one team."""

    team_id: UUID
    user_id: UUID
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(User):
    """A user as a member of a team."""

    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamEvent(Event):
    """Something about a team, told to all its members."""

    team: Team

    @property
    def stream(self) -> str:
        return team_stream(self.team.id)

    @property
    def entity(self) -> Team:
        return self.team


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCreated(TeamEvent):
    """A team was founded."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamUpdated(TeamEvent):
    """A team's name, description or owner changed."""

    kind = ChangeKind.UPDATED
    before: Team

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.team)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDeleted(TeamEvent):
    """A team was dissolved, with all that belonged to it."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChanged(TeamEvent):
    """Somebody joined (`before` None), left (`after` None) or changed roles."""

    kind = ChangeKind.MEMBERSHIP
    user_id: UUID
    before: Role | None
    after: Role | None

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        was = {"userId": str(self.user_id), "role": self.before} if self.before else None
        now = {"userId": str(self.user_id), "role": self.after} if self.after else None
        return (FieldChange(field="members", before=was, after=now),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamJoined(TeamEvent):
    """The one who joined is told in his own stream, so that his subscriptions take up the team's."""

    kind = ChangeKind.MEMBERSHIP
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamAccessLost(TeamEvent):
    """The one who may no longer see the team is told in his own stream."""

    kind = ChangeKind.ACCESS_LOST
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)


class TeamStore(Protocol):
    """Where teams and memberships are kept."""

    async def add(self, team: Team) -> str | None:
        """Keep a new team; the name of the attribute that is taken (`id`, `name` or `key`), or None when all is well."""
        ...

    async def save(self, team: Team) -> bool:
        """Keep a changed team; False when its name is taken."""
        ...

    async def lock(self, team_id: UUID, user_id: UUID) -> tuple[Team, Role] | None:
        """The team and the user's role in it, held until the end of the operation; None when he has none."""
        ...

    async def has_key(self, key: str) -> bool:
        """Whether a team has, or had, this key."""
        ...

    async def owned_by(self, user_id: UUID) -> Sequence[UUID]: ...
    async def memberships(self, team_id: UUID) -> Sequence[Membership]: ...
    async def memberships_of(self, user_id: UUID) -> Sequence[Membership]: ...
    async def role(self, team_id: UUID, user_id: UUID) -> Role | None: ...
    async def add_member(self, membership: Membership) -> None: ...
    async def set_role(self, team_id: UUID, user_id: UUID, role: Role) -> None: ...
    async def remove_member(self, team_id: UUID, user_id: UUID) -> None:
        """End a membership, with the user's places in the team's projects and his open assignments untouched."""
        ...

    async def get(self, team_id: UUID) -> Team | None: ...
    async def dissolve(self, team_id: UUID) -> None:
        """End every membership and open invitation of a team."""
        ...


async def open_team(
    uow: UnitOfWork, actor: Actor, team_id: UUID, kind: Kind = Kind.TEAM, path: Path = ("input", "teamId")
) -> tuple[Team, Role, Access]:
    """Fetch, lock and authorise: the team, the actor's role, and what that grants on things of a kind in the team."""
    found = await uow.teams.lock(team_id, actor.user_id)
    if found is None:
        raise NotFound(path)
    team, role = found
    return team, role, access(actor, role, kind)


async def create(
    uow: UnitOfWork, actor: Actor, team_id: UUID | None, *, name: str, key: str | None, description: str | None
) -> Team:
    """Found a team; the founder owns it. Without a key it gets one made of its name."""
    team = Team(
        id=team_id or uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        name=text.line(name, ("input", "name")),
        key=_key(key) if key is not None else await _free_key(uow, name),
        description=text.optional_markdown(description, ("input", "description")),
        owner_id=actor.user_id,
    )
    taken = await uow.teams.add(team)
    if taken is not None:
        raise NotUnique(("input", taken), "There is a team with this value.")
    await uow.teams.add_member(Membership(team_id=team.id, user_id=actor.user_id, role=Role.OWNER, joined_at=uow.now))
    uow.record(TeamCreated(actor_id=actor.user_id, team=team))
    uow.record(TeamJoined(actor_id=actor.user_id, team=team, user_id=actor.user_id))
    return team


async def update(uow: UnitOfWork, actor: Actor, team_id: UUID, given: Mapping[str, Any], *, expected_version: int | None) -> Team:
    """Change `name` and `description` where given."""
    before, _, rights = await open_team(uow, actor, team_id, path=("input", "id"))
    rights.require(Action.UPDATE)
    require_version(before, expected_version)
    changes: dict[str, Any] = {}
    if "name" in given:
        changes["name"] = text.line(given["name"], ("input", "name"))
    if "description" in given:
        changes["description"] = text.optional_markdown(given["description"], ("input", "description"))
    team = changed(before, uow.now, **changes)
    if team is not before:
        if not await uow.teams.save(team):
            raise NotUnique(("input", "name"), "There is a team with this name.")
        uow.record(TeamUpdated(actor_id=actor.user_id, team=team, before=before))
    return team


async def delete(uow: UnitOfWork, actor: Actor, team_id: UUID, *, expected_version: int | None) -> UUID:
    """Dissolve a team: nobody has access to anything of it from then on."""
    before, _, rights = await open_team(uow, actor, team_id, path=("input", "id"))
    rights.require(Action.DELETE)
    require_version(before, expected_version)
    members = await uow.teams.memberships(team_id)
    team = changed(before, uow.now, deleted_at=uow.now)
    await uow.teams.save(team)
    await uow.teams.dissolve(team_id)
    uow.record(TeamDeleted(actor_id=actor.user_id, team=team))
    for member in members:
        uow.record(TeamAccessLost(actor_id=actor.user_id, team=team, user_id=member.user_id))
    return team.id


async def set_role(uow: UnitOfWork, actor: Actor, team_id: UUID, user_id: UUID, role: Role) -> Team:
    """Give a member another role. OWNER hands the team over: the owner becomes an admin."""
    team, own_role, rights = await open_team(uow, actor, team_id)
    rights.require(Action.MANAGE)
    before = await uow.teams.role(team_id, user_id)
    if before is None:
        raise NotFound(("input", "userId"))
    if before is role:
        return team
    if before is Role.OWNER:
        raise Invalid(("input", "role"), "Hand the team over first: give OWNER to somebody else.")
    if role is Role.OWNER:
        if own_role is not Role.OWNER:
            raise Forbidden(Action.MANAGE, "Only the owner can hand the team over.")
        return await _hand_over(uow, actor, team, user_id, before)
    await _change_role(uow, actor, team, user_id, before, role)
    return team


async def remove_member(uow: UnitOfWork, actor: Actor, team_id: UUID, user_id: UUID) -> Team:
    """Remove a member, or leave; the owner hands over first."""
    team, _, rights = await open_team(uow, actor, team_id)
    if user_id != actor.user_id:
        rights.require(Action.MANAGE)
    role = await uow.teams.role(team_id, user_id)
    if role is None:
        raise NotFound(("input", "userId"))
    if role is Role.OWNER:
        raise Invalid(("input", "userId"), "The owner cannot leave; hand the team over first.")
    await _end(uow, actor, team, user_id, role)
    return team


async def join(uow: UnitOfWork, actor: Actor, team: Team, role: Role) -> None:
    """Make the actor a member; the caller has checked that he was asked."""
    await uow.teams.add_member(Membership(team_id=team.id, user_id=actor.user_id, role=role, joined_at=uow.now))
    uow.record(MembershipChanged(actor_id=actor.user_id, team=team, user_id=actor.user_id, before=None, after=role))
    uow.record(TeamJoined(actor_id=actor.user_id, team=team, user_id=actor.user_id))


async def leave_all(uow: UnitOfWork, actor: Actor, user_id: UUID) -> None:
    """End every membership of a user who is leaving for good and owns no team."""
    for membership in await uow.teams.memberships_of(user_id):
        team = await uow.teams.get(membership.team_id)
        if team is not None:
            await _end(uow, actor, team, user_id, membership.role)


async def _end(uow: UnitOfWork, actor: Actor, team: Team, user_id: UUID, role: Role) -> None:
    await uow.projects.adopt_orphans(team.id, leaving=user_id, heir=team.owner_id)
    await uow.teams.remove_member(team.id, user_id)
    uow.record(MembershipChanged(actor_id=actor.user_id, team=team, user_id=user_id, before=role, after=None))
    uow.record(TeamAccessLost(actor_id=actor.user_id, team=team, user_id=user_id))


async def _change_role(uow: UnitOfWork, actor: Actor, team: Team, user_id: UUID, before: Role, after: Role) -> None:
    await uow.teams.set_role(team.id, user_id, after)
    uow.record(MembershipChanged(actor_id=actor.user_id, team=team, user_id=user_id, before=before, after=after))


async def _hand_over(uow: UnitOfWork, actor: Actor, before: Team, heir_id: UUID, heir_role: Role) -> Team:
    team = changed(before, uow.now, owner_id=heir_id)
    await _change_role(uow, actor, team, actor.user_id, Role.OWNER, Role.ADMIN)
    await _change_role(uow, actor, team, heir_id, heir_role, Role.OWNER)
    await uow.teams.save(team)
    uow.record(TeamUpdated(actor_id=actor.user_id, team=team, before=before))
    return team


async def _free_key(uow: UnitOfWork, name: str) -> str:
    """The initials of a name, or its first letters, with a number where that is taken."""
    words = re.findall(r"[A-Z0-9]+", name.upper())
    initials = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)[:3]
    stem = initials.lstrip("0123456789")[:7]
    stem = stem if len(stem) >= 2 else f"{stem}TM"
    for number in range(1, 1000):
        candidate = stem if number == 1 else f"{stem}{number}"
        if not await uow.teams.has_key(candidate):
            return candidate
    raise Required(("input", "key"), "No key could be made of the name; give one.")


def _key(value: str) -> str:
    key = value.strip().upper()
    if not _KEY.fullmatch(key):
        raise Invalid(("input", "key"), "A key has 2 to 10 letters and digits and begins with a letter, such as ENG.")
    return key
