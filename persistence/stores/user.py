"""Users: the store, the loaders and the lists."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, func, literal_column, or_, select

from domain.page import Order
from domain.user import User
from persistence.access import ids, project_visible, shares_a_team
from persistence.engine.cursor import Sort
from persistence.engine.database import Database, Statement
from persistence.engine.filter import Column
from persistence.engine.lookup import Lookup
from persistence.engine.pages import Listing
from persistence.engine.rows import added, columns, values, whole
from persistence.row_updates import Kept, mark
from persistence.tables import project_members, users, watchers
from persistence.transaction import Transaction

_ID = bindparam("id", type_=Uuid)
_ADD = Statement(added(User, users, "password_hash").returning(users.c.id))
_KEPT = Kept(User, users)
_open = select(*columns(User, users), mark(users)).where(users.c.id == _ID)
# What points to a user can be written meanwhile.
_SEE, _LOCK = Statement(_open), Statement(_open.with_for_update(key_share=True))
_EMAIL = func.lower(bindparam("email", type_=Text))
_BY_EMAIL = Statement(select(*columns(User, users)).where(func.lower(users.c.email_address) == _EMAIL))
_PASSWORD_BY_EMAIL = Statement(
    select(*columns(User, users), users.c.password_hash).where(func.lower(users.c.email_address) == _EMAIL)
)
_PASSWORD = Statement(select(users.c.password_hash).where(users.c.id == _ID))
_FORGET = Statement(users.update().where(users.c.id == _ID).values(password_hash=None))
_BY_IDS = Lookup(User, users)
_VISIBLE = Lookup(User, users, shares_a_team(users.c.id, found=True))
_ACQUAINTED = Statement(select(users.c.id).where(users.c.id == ids(), shares_a_team(users.c.id, found=True)))


class SqlUsers:
    """Users over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def add(self, user: User, password_hash: str) -> bool:
        """Keep a new user; False when the e-mail address is taken."""
        given = values(user) | {"password_hash": password_hash}
        return await self._connection.fetch_value(_ADD, **given) is not None

    async def save(self, user: User) -> None:
        """Keep a changed user."""
        await self._connection.save(_KEPT, user)

    async def lock(self, user_id: UUID) -> User | None:
        """A user, held until the end of the operation."""
        row = await self._connection.fetch_row(_LOCK, id=user_id)
        return row and whole(User, row)

    async def look(self, user_id: UUID) -> User | None:
        """The same, not held: `save` keeps him if nobody wrote him meanwhile."""
        row = await self._connection.look(_SEE, _LOCK, id=user_id)
        return row and whole(User, row)

    async def by_email(self, email: str) -> User | None:
        """The user with an address, whatever its case."""
        row = await self._connection.fetch_row(_BY_EMAIL, email=email)
        return row and whole(User, row)

    async def password_hash(self, user_id: UUID) -> str | None:
        """The stored hash; None for somebody who cannot sign in by password."""
        found: str | None = await self._connection.fetch_value(_PASSWORD, id=user_id)
        return found

    async def forget_password(self, user_id: UUID) -> None:
        """Nobody can sign in by this user's password any more."""
        await self._connection.execute(_FORGET, id=user_id)


async def credentials(database: Database, email: str) -> tuple[User, str | None] | None:
    """The user with an address and the hash of his password."""
    row = await database.fetch_row(_PASSWORD_BY_EMAIL, email=email)
    return row and (whole(User, row), row["password_hash"])


async def by_ids(database: Database, user_ids: Sequence[UUID], wanted: frozenset[str] | None = None) -> dict[UUID, Any]:
    """Users that something visible names: authors, assignees, members. Names are seen with what bears them."""
    return await _BY_IDS.rows(database, user_ids, wanted)


async def visible_by_ids(
    database: Database, viewer: UUID, user_ids: Sequence[UUID], wanted: frozenset[str] | None = None
) -> dict[UUID, Any]:
    """Those of the users who share a team with the viewer, and himself."""
    return await _VISIBLE.rows(database, user_ids, wanted, viewer=viewer)


async def acquainted(database: Database, viewer: UUID, user_ids: Sequence[UUID]) -> set[UUID]:
    """Which of the users share a team with the viewer, or are himself."""
    return {row[0] for row in await database.fetch(_ACQUAINTED, ids=list(user_ids), viewer=viewer)}


NAME = func.lower(users.c.first_name + literal_column("' '") + users.c.last_name, type_=Text)


def named(operator: str, parameter: str) -> Column:
    """The query is part of the name or of the address."""
    query = func.lower(bindparam(parameter, type_=Text))
    return or_(func.strpos(NAME, query) > 0, func.strpos(func.lower(users.c.email_address), query) > 0)


def _people(cls: type[Any] = User, **more: Any) -> Listing:
    return Listing(
        cls=cls,
        id=users.c.id,
        sorts={"NAME": (Sort(NAME, "sort_name"),)},
        default=(Order("NAME"),),
        extra=(NAME.label("sort_name"),),
        **more,
    )


USERS = _people(source=users, fields={"query": named}, visible=lambda: shares_a_team(users.c.id))

PROJECT_MEMBERS = _people(
    source=users,
    joined=lambda query: query.join(project_members, project_members.c.user_id == users.c.id),
    hangs_on=lambda parent: project_members.c.project_id == parent,
    visible=lambda: project_visible(project_members.c.project_id),
)

WATCHERS = _people(
    source=users,
    joined=lambda query: query.join(watchers, watchers.c.user_id == users.c.id),
    hangs_on=lambda parent: watchers.c.subject_id == parent,
)
