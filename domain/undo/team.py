"""Reverses what happened to teams, their members and their invitations."""

from uuid import UUID

from domain import invitation as invitations
from domain.actor import Actor
from domain.errors import Invalid, NotFound, NotUndoable, NotUnique, UndoConflict
from domain.events import Entry, FieldChange
from domain.permissions import Action, Role
from domain.ports import UnitOfWork
from domain.team import MembershipChanged, TeamUpdated, join, open_team, remove_member, set_role
from domain.undo.change_log import Call, changed_fields
from domain.undo.fields import values_before
from domain.user import UserStatus
from domain.version import with_changes

_PATH = ("input", "changeId")


async def update_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A team is called and described as it was; or whoever handed it over owns it again."""
    before, _, rights = await open_team(uow, actor, entry.entity_id, path=_PATH)
    rights.require(Action.UPDATE)
    values = values_before(before, entry)
    if "owner_id" in values:
        await _hand_back(uow, actor, entry, values["owner_id"], call)
        return
    team = with_changes(before, uow.now, **values)
    if not await uow.teams.save(team):
        raise NotUnique(_PATH, "Another team has this name now.")
    uow.record(TeamUpdated(actor_id=actor.user_id, team=team, before=before))


async def _hand_back(uow: UnitOfWork, actor: Actor, entry: Entry, former_owner_id: UUID, call: Call) -> None:
    """The owner of now gives the team back, and has the role again that they had."""
    if await uow.teams.role(entry.entity_id, former_owner_id) is None:
        raise Invalid(_PATH, "Who owned the team is no member any more.")
    changes = [_member(each) for each in call.of_types("MembershipChanged")]
    before, after = next((was, now) for was, now in changes if now is not None and now["role"] == Role.OWNER)
    team = await set_role(uow, actor, entry.entity_id, former_owner_id, Role.OWNER)
    role = Role.ADMIN if before is None else Role(before["role"])
    user_id = UUID((after or {})["userId"])
    if role is not Role.ADMIN:
        await uow.teams.set_role(team.id, user_id, role)
        uow.record(MembershipChanged(actor_id=actor.user_id, team=team, user_id=user_id, before=Role.ADMIN, after=role))


async def membership_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """Who joined leaves, who was removed is a member again, and a role is what it was. Nobody who left comes back unasked."""
    before, after = _member(entry)
    user_id = UUID((before or after or {})["userId"])
    team, _, rights = await open_team(uow, actor, entry.entity_id, path=_PATH)
    if user_id != actor.user_id or after is None:
        rights.require(Action.MANAGE)
    now = await uow.teams.role(team.id, user_id)
    if now != (None if after is None else after["role"]):
        held = None if now is None else {"userId": str(user_id), "role": now}
        raise UndoConflict(team, [FieldChange(field="members", before=after, after=held)])
    user = await uow.users.lock(user_id)
    if user is not None and user.is_bot:
        raise NotUndoable("This is the bot of an OAuth client: it comes and goes with that.")
    if before is None:
        await remove_member(uow, actor, team.id, user_id)
    elif after is not None:
        await set_role(uow, actor, team.id, user_id, Role(before["role"]))
    elif entry.actor_id == user_id:
        raise NotUndoable("They left by themselves: invite them.")
    elif user is None or user.status is not UserStatus.ACTIVE:
        raise NotUndoable("This account is closed.")
    else:
        await join(uow, actor, team, Role(before["role"]), user_id=user_id)


async def revoke_invitation(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """An invitation that was made is revoked; one that was revoked is gone."""
    made = changed_fields(entry)["invitations"].get("after")
    if made is None:
        raise NotUndoable("An invitation that was revoked is gone: invite again.")
    team, _, rights = await open_team(uow, actor, entry.entity_id, path=_PATH)
    rights.require(Action.SHARE)
    try:
        await invitations.revoke(uow, actor, UUID(made["invitationId"]))
    except NotFound:
        raise UndoConflict(team, [FieldChange(field="invitations", before=made, after=None)]) from None


def _member(entry: Entry) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """Who and in which role, before and after."""
    change = changed_fields(entry)["members"]
    return change.get("before"), change.get("after")
