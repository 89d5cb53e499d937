"""Users: the store, the loaders and the lists."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import FromClause, Integer, Select, Text, Uuid, bindparam, func, literal_column, or_, select, union_all

from domain.collation import search_key
from domain.email_address import email_key
from domain.page import Order
from domain.user import User
from persistence.access import VIEWER, administers_server, any_id, project_visible, shares_team
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Database
from persistence.engine.filter import Column
from persistence.engine.index_ranges import Ranges
from persistence.engine.lookup import ByIdQuery
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.row_updates import RowUpdate, row_version
from persistence.tables import project_members, team_members, users, watchers
from persistence.transaction import Transaction

_ID = bindparam("id", type_=Uuid)
_ADD = Statement(insert_row(User, users, "password_hash").returning(users.c.id))
_UPDATE = RowUpdate(User, users)
_by_id = select(*columns(User, users), row_version(users)).where(users.c.id == _ID)
# Rows that refer to a user can still be written.
_READ_UNLOCKED, _LOCK = Statement(_by_id), Statement(_by_id.with_for_update(key_share=True))
_HAS_EMAIL = users.c.email_key == bindparam("email_key", type_=Text)
_BY_EMAIL = Statement(select(*columns(User, users)).where(_HAS_EMAIL))
_PASSWORD_BY_ID = Statement(select(*columns(User, users), users.c.password_hash).where(users.c.id == _ID))
_PASSWORD_BY_EMAIL = Statement(select(*columns(User, users), users.c.password_hash).where(_HAS_EMAIL))
_LOCK_CREDENTIALS = Statement(
    select(*columns(User, users), users.c.password_hash).where(users.c.id == _ID).with_for_update(read=True)
)
_PASSWORD = Statement(select(users.c.password_hash).where(users.c.id == _ID))
_SET_PASSWORD = Statement(users.update().where(users.c.id == _ID).values(password_hash=bindparam("password_hash", type_=Text)))
_TEAM_IDS = Statement(select(team_members.c.team_id).where(team_members.c.user_id == _ID).order_by(team_members.c.team_id))
BY_IDS = ByIdQuery(User, users)
"""Users whom a visible object names: who sees the object sees the name."""
_VISIBLE = ByIdQuery(User, users, lambda user: shares_team(user.c.id, by_id=True))
_SHARING_TEAM = Statement(
    select(users.c.id).where(users.c.id == any_id(), or_(shares_team(users.c.id, by_id=True), administers_server()))
)


class SqlUsers:
    """Users over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def add(self, user: User, password_hash: str | None) -> bool:
        """Insert a new user; False when the e-mail address is taken."""
        params = to_params(user) | {"password_hash": password_hash}
        return await self._connection.fetch_value(_ADD, **params) is not None

    async def save(self, user: User) -> None:
        """Update a changed user."""
        await self._connection.save(_UPDATE, user)

    async def save_address(self, user: User) -> bool:
        """The same for a locked user with another address; False when that is taken."""
        try:
            async with self._connection.savepoint():
                await self._connection.save(_UPDATE, user)
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def lock(self, user_id: UUID) -> User | None:
        """A user, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK, id=user_id)
        return row and to_entity(User, row)

    async def read_unlocked(self, user_id: UUID) -> User | None:
        """The same without a lock: `save` raises StaleRow if it was changed in between."""
        row = await self._connection.read_unlocked(_READ_UNLOCKED, _LOCK, id=user_id)
        return row and to_entity(User, row)

    async def team_ids(self, user_id: UUID) -> list[UUID]:
        """The teams that the user belongs to, not held."""
        return [row[0] for row in await self._connection.peek(_TEAM_IDS, id=user_id)]

    async def by_email(self, email: str) -> User | None:
        """The user with an address, however it is written."""
        row = await self._connection.fetch_row(_BY_EMAIL, email_key=email_key(email))
        return row and to_entity(User, row)

    async def password_hash(self, user_id: UUID) -> str | None:
        """The stored hash; None for a user who cannot sign in by password."""
        found: str | None = await self._connection.fetch_value(_PASSWORD, id=user_id)
        return found

    async def lock_credentials(self, user_id: UUID) -> tuple[User, str | None] | None:
        """The user and the password's hash; neither changes until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK_CREDENTIALS, id=user_id)
        return row and (to_entity(User, row), row["password_hash"])

    async def set_password(self, user_id: UUID, password_hash: str | None) -> None:
        """Replace the hash; without one nobody can sign in by password."""
        await self._connection.execute(_SET_PASSWORD, id=user_id, password_hash=password_hash)


class Credentials:
    """A user and the hash of their password. The user is made of the row only when asked for, so that a wrong password for an
    account that there is takes no longer than for one that there is not.
    """

    __slots__ = ("_row", "password_hash")

    def __init__(self, row: Any) -> None:
        self._row = row
        self.password_hash: str | None = row["password_hash"]

    def to_user(self) -> User:
        """The user."""
        return to_entity(User, self._row)


async def get_credentials(database: Database, email: str) -> Credentials | None:
    """The user with an address, and the hash of the password."""
    row = await database.fetch_row(_PASSWORD_BY_EMAIL, email_key=email_key(email))
    return row and Credentials(row)


async def get_credentials_by_id(database: Database, user_id: UUID) -> Credentials | None:
    """A user, and the hash of the password."""
    row = await database.fetch_row(_PASSWORD_BY_ID, id=user_id)
    return row and Credentials(row)


async def by_ids(database: Database, user_ids: Sequence[UUID], attributes: frozenset[str] | None = None) -> dict[UUID, Any]:
    """Users whom a visible object names: authors, assignees, members. Who sees the object sees the name."""
    return await BY_IDS.fetch(database, user_ids, attributes)


async def visible_by_ids(
    database: Database, viewer: UUID, user_ids: Sequence[UUID], attributes: frozenset[str] | None = None
) -> dict[UUID, Any]:
    """The viewer, and those of the users who share a team with the viewer."""
    return await _VISIBLE.fetch(database, user_ids, attributes, viewer=viewer)


async def sharing_team(database: Database, viewer: UUID, user_ids: Sequence[UUID]) -> set[UUID]:
    """Whose address the viewer may see: those who share a team with them, themselves, and everybody for administrators."""
    return {row[0] for row in await database.fetch(_SHARING_TEAM, ids=list(user_ids), viewer=viewer)}


def matches_query(operator: str, parameter: str, person: FromClause = users) -> Column:
    """The query is part of the name or of the address."""
    query = bindparam(parameter, type_=Text)
    return or_(
        func.strpos(person.c.name_collation, query) > literal_column("0"),
        func.strpos(person.c.email_key, query) > literal_column("0"),
    )


_QUERY = bindparam("query", type_=Text)
_FOR_ADMINISTRATORS = Statement(
    select(*columns(User, users))
    .where(
        or_(users.c.status != literal_column("'INACTIVE'"), users.c.suspended_at.is_not(None)),
        or_(_QUERY.is_(None), matches_query("contains", "query")),
    )
    .order_by(users.c.email_key)
    .limit(bindparam("limit", type_=Integer))
)


async def find_for_administrators(database: Database, query: str | None, limit: int) -> Sequence[User]:
    """Accounts that are not closed, by address; those whose name or address holds a text."""
    key = None if not query else search_key(query)
    return [to_entity(User, row) for row in await database.fetch(_FOR_ADMINISTRATORS, query=key, limit=limit)]


def name_order(column: Column) -> dict[str, tuple[SortColumn, ...]]:
    """People by name, where a table has the names' collation keys."""
    return {"NAME": (SortColumn(column, "sort_name", selected=True),)}


_BY_NAME = name_order(users.c.name_collation)


def _list_query(key: Column = users.c.id, sorts: Mapping[str, tuple[SortColumn, ...]] = _BY_NAME, **options: Any) -> ListQuery:
    return ListQuery(cls=User, source=users, id=key, sorts=sorts, default=(Order("NAME"),), **options)


SERVER_USERS = _list_query(fields={"query": matches_query, "status": users.c.status}, visible=administers_server)

# Whoever is in a team of the viewer, and the viewer.
_account, _membership = users.alias("account"), team_members
_met = union_all(
    select(_membership.c.team_id, _membership.c.user_id, _membership.c.user_name_collation),
    select(_account.c.id, _account.c.id, _account.c.name_collation),
).subquery("met")


def _teams_and_oneself() -> Select[Any]:
    member = team_members.alias("viewer_member")
    ids = select(member.c.team_id.label("id")).where(member.c.user_id == VIEWER).union_all(select(VIEWER))
    return select(ids.subquery("place").c.id)


def _met_matches_query(operator: str, parameter: str) -> Column:
    met_id: Column = literal_column(f"{_met.name}.user_id", Uuid)
    rows: Select[Any] = select(literal_column("1")).where(_account.c.id == met_id, matches_query(operator, parameter, _account))
    return rows.offset(literal_column("0")).exists()


USERS = _list_query(
    fields={"query": _met_matches_query},
    ranges=Ranges(
        _met.c.team_id,
        lambda _: _teams_and_oneself(),
        columns={users.c.id: _met.c.user_id, users.c.name_collation: _met.c.user_name_collation},
        repeated=True,
    ),
)

_added = project_members
PROJECT_MEMBERS = _list_query(
    _added.c.user_id,
    name_order(_added.c.user_name_collation),
    joined=lambda query: query.select_from(users.join(_added, _added.c.user_id == users.c.id)),
    parent_clause=lambda parent: _added.c.project_id == parent,
    visible=lambda: project_visible(_added.c.project_id, by_id=True),
)

WATCHERS = _list_query(
    joined=lambda query: query.join(watchers, watchers.c.user_id == users.c.id),
    parent_clause=lambda parent: watchers.c.subject_id == parent,
)
