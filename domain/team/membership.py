"""Who belongs to a team and in which role: joining, changing roles, handing over, leaving."""

from uuid import UUID

from domain.actor import Actor
from domain.errors import Forbidden, Invalid, NotFound
from domain.permissions import Action, Role
from domain.ports import UnitOfWork
from domain.team.entity import Membership, Team
from domain.team.events import MembershipChanged, TeamAccessLost, TeamJoined, TeamUpdated
from domain.team.store import open_team
from domain.version import with_changes


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
        return await _transfer_ownership(uow, actor, team, user_id, before)
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
    await _end_membership(uow, actor, team, user_id, role)
    return team


async def join(uow: UnitOfWork, actor: Actor, team: Team, role: Role, *, user_id: UUID | None = None) -> None:
    """Make the actor, or a bot of theirs, a member; the caller has checked that they may be."""
    member_id = user_id or actor.user_id
    await uow.teams.add_member(Membership(team_id=team.id, user_id=member_id, role=role, joined_at=uow.now))
    uow.record(MembershipChanged(actor_id=actor.user_id, team=team, user_id=member_id, before=None, after=role))
    uow.record(TeamJoined(actor_id=actor.user_id, team=team, user_id=member_id))


async def leave_all(uow: UnitOfWork, actor: Actor, user_id: UUID) -> None:
    """End every membership of a user who is leaving for good. Refused while they own a team; locked teams cannot become theirs
    meanwhile."""
    for membership in await uow.teams.memberships_of(user_id):
        held = await uow.teams.lock(membership.team_id, user_id)
        if held is None:
            continue
        team, role = held
        if role is Role.OWNER:
            raise Forbidden(Action.DELETE, "Hand over the teams that you own, or delete them, first.")
        await _end_membership(uow, actor, team, user_id, role)


async def _end_membership(uow: UnitOfWork, actor: Actor, team: Team, user_id: UUID, role: Role) -> None:
    await uow.projects.adopt_orphans(team.id, leaving=user_id, heir=team.owner_id)
    await uow.teams.remove_member(team.id, user_id)
    uow.record(MembershipChanged(actor_id=actor.user_id, team=team, user_id=user_id, before=role, after=None))
    uow.record(TeamAccessLost(actor_id=actor.user_id, team=team, user_id=user_id))


async def _change_role(uow: UnitOfWork, actor: Actor, team: Team, user_id: UUID, before: Role, after: Role) -> None:
    await uow.teams.set_role(team.id, user_id, after)
    uow.record(MembershipChanged(actor_id=actor.user_id, team=team, user_id=user_id, before=before, after=after))


async def _transfer_ownership(uow: UnitOfWork, actor: Actor, before: Team, new_owner_id: UUID, new_owner_role: Role) -> Team:
    team = with_changes(before, uow.now, owner_id=new_owner_id)
    await _change_role(uow, actor, team, actor.user_id, Role.OWNER, Role.ADMIN)
    await _change_role(uow, actor, team, new_owner_id, new_owner_role, Role.OWNER)
    await uow.teams.save(team)
    uow.record(TeamUpdated(actor_id=actor.user_id, team=team, before=before))
    return team
