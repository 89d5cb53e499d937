"""Teams and memberships: the store, the loaders and the lists."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import BigInteger, Text, Uuid, bindparam, func, literal_column, select

from domain.events import team_stream
from domain.page import Order
from domain.permissions import Role
from domain.team import Member, Membership, Team
from domain.user import User
from persistence.access import VIEWER, any_id, team_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Database
from persistence.engine.lookup import ByIdQuery, Joins
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.stores.user import matches_query, name_order
from persistence.tables import invitations, project_members, projects, streams, team_members, team_role, teams, users
from persistence.transaction import Transaction

_ID = bindparam("id", type_=Uuid)
_TEAM, _USER = bindparam("team", type_=Uuid), bindparam("user", type_=Uuid)
_m = team_members
_MEMBERSHIP = (_m.c.team_id == _TEAM) & (_m.c.user_id == _USER)

_SAME_NAME = teams.c.name_collation == bindparam("name_collation", type_=Text)
_CONFLICTS = Statement(
    select(
        func.bool_or(teams.c.id == _ID).label("id"),
        func.bool_or(_SAME_NAME).filter(teams.c.deleted_at.is_(None)).label("name"),
        func.bool_or(teams.c.key == bindparam("key", type_=Text)).label("key"),
    ).where((teams.c.id == _ID) | _SAME_NAME | (teams.c.key == bindparam("key", type_=Text)))
)
_ADD = Statement(insert_row(Team, teams).returning(teams.c.id))
_SAVE = Statement(update_row(Team, teams))
_LOCK = Statement(
    select(*columns(Team, teams), _m.c.role)
    .select_from(teams.join(_m, _m.c.team_id == teams.c.id))
    .where(teams.c.id == _ID, _m.c.user_id == _USER, teams.c.deleted_at.is_(None))
    .with_for_update(of=[teams, _m], key_share=True)
)
_HAS_KEY = Statement(select(teams.c.id).where(teams.c.key == bindparam("key", type_=Text)))
_GET = Statement(select(*columns(Team, teams)).where(teams.c.id == _ID))
_LOCK_UNCHECKED = Statement(
    select(*columns(Team, teams)).where(teams.c.id == _ID, teams.c.deleted_at.is_(None)).with_for_update(key_share=True)
)
_MEMBERS = Statement(select(*columns(Membership, _m)).where(_m.c.team_id == _TEAM))
_MEMBERSHIPS = Statement(select(*columns(Membership, _m)).where(_m.c.user_id == _USER).order_by(_m.c.team_id))
_ROLE = Statement(select(_m.c.role).where(_MEMBERSHIP))
_ADD_MEMBER = Statement(
    _m.insert().from_select(
        ["team_id", "user_id", "role", "joined_at", "joined_position"],
        select(
            _TEAM,
            _USER,
            bindparam("role", type_=team_role),
            bindparam("joined_at", type_=_m.c.joined_at.type),
            func.coalesce(
                select(streams.c.position).where(streams.c.stream == bindparam("stream", type_=Text)).scalar_subquery(),
                literal_column("0", BigInteger),
            ),
        ),
    )
)
_SET_ROLE = Statement(_m.update().where(_MEMBERSHIP).values(role=bindparam("role", type_=team_role)))
_REMOVE = Statement(_m.delete().where(_MEMBERSHIP))
_LEAVE_PROJECTS = Statement(
    project_members.delete().where(
        project_members.c.user_id == _USER,
        project_members.c.project_id.in_(select(projects.c.id).where(projects.c.team_id == _TEAM)),
    )
)
_DISSOLVE_MEMBERS = Statement(_m.delete().where(_m.c.team_id == _TEAM))
_DISSOLVE_INVITATIONS = Statement(invitations.delete().where(invitations.c.team_id == _TEAM))
BY_IDS = ByIdQuery(Team, teams, lambda team: team_visible(team.c.id, by_id=True))
"""The teams that the viewer belongs to."""
_ROLES = Statement(select(_m.c.team_id, _m.c.role).where(_m.c.team_id == any_id(), _m.c.user_id == VIEWER))
_JOINED_POSITIONS = Statement(select(_m.c.team_id, _m.c.joined_position).where(_m.c.user_id == VIEWER))


class SqlTeams:
    """Teams over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def add(self, team: Team) -> str | None:
        """Insert a new team; the attribute that is taken, or None."""
        params = to_params(team)
        if await self._connection.fetch_value(_ADD, **params) is not None:
            return None
        conflicts = await self._connection.fetch_row(_CONFLICTS, **params)
        return next((name for name in ("id", "name", "key") if conflicts[name]), "name")

    async def save(self, team: Team) -> bool:
        """Update a changed team; False when its name is taken."""
        try:
            async with self._connection.savepoint():
                await self._connection.execute(_SAVE, **to_params(team))
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def lock(self, team_id: UUID, user_id: UUID) -> tuple[Team, Role] | None:
        """The team and the user's role in it."""
        row = await self._connection.fetch_row(_LOCK, id=team_id, user=user_id)
        return row and (to_entity(Team, row), Role(row["role"]))

    async def get(self, team_id: UUID) -> Team | None:
        """A team, whether or not the user is a member; dissolved ones too."""
        rows = await self._connection.peek(_GET, id=team_id)
        return to_entity(Team, rows[0]) if rows else None

    async def lock_by_id(self, team_id: UUID) -> Team | None:
        """A team, locked until the end of the transaction, whether or not the user is a member; None when it was dissolved."""
        row = await self._connection.fetch_row(_LOCK_UNCHECKED, id=team_id)
        return row and to_entity(Team, row)

    async def has_key(self, key: str) -> bool:
        """Whether a team has, or had, this key."""
        return await self._connection.fetch_value(_HAS_KEY, key=key) is not None

    async def memberships(self, team_id: UUID) -> Sequence[Membership]:
        """All members of a team."""
        return [to_entity(Membership, row) for row in await self._connection.fetch(_MEMBERS, team=team_id)]

    async def memberships_of(self, user_id: UUID) -> Sequence[Membership]:
        """Every team of a user."""
        return [to_entity(Membership, row) for row in await self._connection.fetch(_MEMBERSHIPS, user=user_id)]

    async def role(self, team_id: UUID, user_id: UUID) -> Role | None:
        """A user's role in a team."""
        found = await self._connection.fetch_value(_ROLE, team=team_id, user=user_id)
        return None if found is None else Role(found)

    async def add_member(self, membership: Membership) -> None:
        """Begin a membership; the member follows the team's stream from its present position."""
        await self._connection.execute(
            _ADD_MEMBER,
            team=membership.team_id,
            user=membership.user_id,
            role=membership.role,
            joined_at=membership.joined_at,
            stream=team_stream(membership.team_id),
        )

    async def set_role(self, team_id: UUID, user_id: UUID, role: Role) -> None:
        """Change a member's role."""
        await self._connection.execute(_SET_ROLE, team=team_id, user=user_id, role=role)

    async def remove_member(self, team_id: UUID, user_id: UUID) -> None:
        """End a membership, and the user's memberships in the team's projects."""
        await self._connection.execute(_LEAVE_PROJECTS, team=team_id, user=user_id)
        await self._connection.execute(_REMOVE, team=team_id, user=user_id)

    async def dissolve(self, team_id: UUID) -> None:
        """End every membership and open invitation."""
        await self._connection.execute(_DISSOLVE_MEMBERS, team=team_id)
        await self._connection.execute(_DISSOLVE_INVITATIONS, team=team_id)


async def by_ids(
    database: Database, viewer: UUID, team_ids: Sequence[UUID], attributes: frozenset[str] | None = None, joins: Joins = ()
) -> dict[UUID, Any]:
    """Those of the teams that the viewer belongs to."""
    return await BY_IDS.fetch(database, team_ids, attributes, joins, viewer=viewer)


async def roles(database: Database, viewer: UUID, team_ids: Sequence[UUID]) -> dict[UUID, Role]:
    """The viewer's roles in teams; teams of others are missing."""
    return {row[0]: Role(row[1]) for row in await database.fetch(_ROLES, ids=list(team_ids), viewer=viewer)}


async def joined_positions(database: Database, viewer: UUID) -> dict[UUID, int]:
    """The teams whose streams the viewer may follow, with the position at which the viewer joined."""
    return {row[0]: row[1] for row in await database.fetch(_JOINED_POSITIONS, viewer=viewer)}


def _list_query(member: Any, **options: Any) -> ListQuery:
    """Teams by name, as somebody's memberships have them."""
    return ListQuery(
        cls=Team,
        source=teams,
        id=member.c.team_id,
        sorts={"NAME": (SortColumn(member.c.team_name_collation, "sort_name", selected=True),)},
        default=(Order("NAME"),),
        joined=lambda query: query.select_from(teams.join(member, member.c.team_id == teams.c.id)),
        **options,
    )


TEAMS = _list_query(_m, visible=lambda: _m.c.user_id == VIEWER)
TEAMS_OF_USER = _list_query(
    _m, parent_clause=lambda parent: _m.c.user_id == parent, visible=lambda: team_visible(_m.c.team_id, by_id=True)
)

_member_columns = {column.name: column for column in columns(User, users)} | {"role": _m.c.role, "joined_at": _m.c.joined_at}


class _MemberSource:
    """Users joined with their memberships, as a source with the columns of `Member`."""

    c = _member_columns


TEAM_MEMBERS = ListQuery(
    cls=Member,
    source=_MemberSource,
    id=_m.c.user_id,
    sorts=name_order(_m.c.user_name_collation),
    default=(Order("NAME"),),
    joined=lambda query: query.select_from(users.join(_m, _m.c.user_id == users.c.id)),
    parent_clause=lambda parent: _m.c.team_id == parent,
    visible=lambda: team_visible(_m.c.team_id),
    fields={"query": matches_query, "role": _m.c.role},
)
