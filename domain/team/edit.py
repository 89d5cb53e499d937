"""Founding a team, changing what it says about itself, and dissolving it."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.errors import Forbidden, Invalid, NotUnique, Required
from domain.normalization import normalize
from domain.permissions import Action, Role
from domain.ports import UnitOfWork
from domain.team.entity import Membership, Team
from domain.team.events import TeamAccessLost, TeamCreated, TeamDeleted, TeamJoined, TeamUpdated
from domain.team.store import open_team
from domain.version import require_version, with_changes

_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}")


async def create(
    uow: UnitOfWork, actor: Actor, team_id: UUID | None, *, name: str, key: str | None, description: str | None
) -> Team:
    """Found a team; the founder owns it. Without a key it gets one made of its name. An app stays in its own team."""
    if actor.is_app:
        raise Forbidden(Action.CREATE, "An app belongs to one team and founds none.")
    team = Team(
        id=team_id or uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        name=text.validate_name(name, ("input", "name")),
        key=_key(key) if key is not None else await _free_key(uow, name),
        description=text.validate_optional_markdown(description, ("input", "description")),
        owner_id=actor.user_id,
    )
    taken = await uow.teams.add(team)
    if taken is not None:
        raise NotUnique(("input", taken), "There is a team with this value.")
    await uow.teams.add_member(Membership(team_id=team.id, user_id=actor.user_id, role=Role.OWNER, joined_at=uow.now))
    uow.record(TeamCreated(actor_id=actor.user_id, team=team))
    uow.record(TeamJoined(actor_id=actor.user_id, team=team, user_id=actor.user_id))
    return team


async def update(
    uow: UnitOfWork, actor: Actor, team_id: UUID, values: Mapping[str, Any], *, expected_version: int | None
) -> Team:
    """Change `name` and `description` where given."""
    before, _, rights = await open_team(uow, actor, team_id, path=("input", "id"))
    rights.require(Action.UPDATE)
    require_version(before, expected_version)
    changes: dict[str, Any] = {}
    if "name" in values:
        changes["name"] = text.validate_name(values["name"], ("input", "name"))
    if "description" in values:
        changes["description"] = text.validate_optional_markdown(values["description"], ("input", "description"))
    team = with_changes(before, uow.now, **changes)
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
    team = with_changes(before, uow.now, deleted_at=uow.now)
    await uow.teams.save(team)
    await uow.teams.dissolve(team_id)
    uow.record(TeamDeleted(actor_id=actor.user_id, team=team))
    for member in members:
        uow.record(TeamAccessLost(actor_id=actor.user_id, team=team, user_id=member.user_id))
    return team.id


async def _free_key(uow: UnitOfWork, name: str) -> str:
    """The initials of a name, or its first letters, with a number where that is taken."""
    words = re.findall(r"[A-Z0-9]+", normalize("NFKD", name).encode("ascii", "ignore").decode().upper())
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
