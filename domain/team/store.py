"""Stores teams and memberships, and is the one way to open a team for writing."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.errors import NotFound, Path
from domain.permissions import Access, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.team.entity import Membership, Team


class TeamStore(Protocol):
    """Stores teams and memberships."""

    async def add(self, team: Team) -> str | None:
        """Store a new team; the name of the attribute that is taken (`id`, `name` or `key`), or None when all is well."""
        ...

    async def save(self, team: Team) -> bool:
        """Store a changed team; False when its name is taken."""
        ...

    async def lock(self, team_id: UUID, user_id: UUID) -> tuple[Team, Role] | None:
        """The team and the user's role in it, held until the end of the operation; None when they have none."""
        ...

    async def lock_by_id(self, team_id: UUID) -> Team | None:
        """A team, for anybody, held until the end of the operation; None when it was dissolved."""
        ...

    async def has_key(self, key: str) -> bool:
        """Whether a team has, or had, this key."""
        ...

    async def memberships(self, team_id: UUID) -> Sequence[Membership]: ...
    async def memberships_of(self, user_id: UUID) -> Sequence[Membership]: ...
    async def role(self, team_id: UUID, user_id: UUID) -> Role | None: ...
    async def add_member(self, membership: Membership) -> None: ...
    async def set_role(self, team_id: UUID, user_id: UUID, role: Role) -> None: ...
    async def remove_member(self, team_id: UUID, user_id: UUID) -> None:
        """End a membership, with the user's places in the team's projects and their open assignments untouched."""
        ...

    async def get(self, team_id: UUID) -> Team | None: ...
    async def dissolve(self, team_id: UUID) -> None:
        """End every membership and open invitation of a team."""
        ...


async def open_team(uow: UnitOfWork, actor: Actor, team_id: UUID, path: Path = ("input", "teamId")) -> tuple[Team, Role, Access]:
    """Fetch, lock and authorise: the team, the actor's role, and what that grants on the team. Making things in it is
    `CREATE`."""
    found = await uow.teams.lock(team_id, actor.user_id)
    if found is None:
        raise NotFound(path)
    team, role = found
    return team, role, access(actor, role, ResourceKind.TEAM)
