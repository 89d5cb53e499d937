"""Teams: who belongs to one, in which role, and who owns it. Invitations are in `domain.invitation`."""

from domain.team.edit import create, delete, update
from domain.team.entity import Member, Membership, Team
from domain.team.events import (
    MembershipChanged,
    TeamAccessLost,
    TeamCreated,
    TeamDeleted,
    TeamEvent,
    TeamJoined,
    TeamUpdated,
)
from domain.team.membership import join, leave_all, remove_member, set_role
from domain.team.store import TeamStore, open_team

__all__ = [
    "Member",
    "Membership",
    "MembershipChanged",
    "Team",
    "TeamAccessLost",
    "TeamCreated",
    "TeamDeleted",
    "TeamEvent",
    "TeamJoined",
    "TeamStore",
    "TeamUpdated",
    "create",
    "delete",
    "join",
    "leave_all",
    "open_team",
    "remove_member",
    "set_role",
    "update",
]
