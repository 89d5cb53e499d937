"""Sessions: the store, and the queries of requests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, literal_column, or_, select, union_all

from domain.session import Session
from domain.user import User
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.stores.share_link import open_links
from persistence.tables import INSTANT, api_tokens, oauth_clients, sessions, teams, users

_ID = bindparam("id", type_=Uuid)
_ADD = Statement(insert_row(Session, sessions))
_SAVE = Statement(update_row(Session, sessions, exclude=("user_id",)))
_LOCK = Statement(select(*columns(Session, sessions)).where(sessions.c.id == _ID).with_for_update())
_USER = Statement(select(*columns(User, users)).where(users.c.id == _ID))
_REVOKE_ALL = Statement(
    sessions.update()
    .where(
        sessions.c.user_id == bindparam("user", type_=Uuid),
        sessions.c.revoked_at.is_(None),
        sessions.c.id.is_distinct_from(bindparam("except_for", type_=Uuid)),
    )
    .values(revoked_at=bindparam("at", type_=INSTANT))
    .returning(sessions.c.id)
)
_NOW = bindparam("now", type_=INSTANT)
_USER_ACTIVE = users.c.status == literal_column("'ACTIVE'")
_apps = oauth_clients.join(users, users.c.id == oauth_clients.c.bot_id).join(teams, teams.c.id == oauth_clients.c.team_id)
_FIND_ACTIVE = Statement(
    union_all(
        select(sessions.c.id)
        .select_from(sessions.join(users, users.c.id == sessions.c.user_id))
        .where(sessions.c.id == any_id(), sessions.c.revoked_at.is_(None), sessions.c.expires_at > _NOW, _USER_ACTIVE),
        select(api_tokens.c.id)
        .select_from(api_tokens.join(users, users.c.id == api_tokens.c.user_id))
        .where(api_tokens.c.id == any_id(), or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > _NOW), _USER_ACTIVE),
        select(oauth_clients.c.id)
        .select_from(_apps)
        .where(oauth_clients.c.id == any_id(), oauth_clients.c.deleted_at.is_(None), teams.c.deleted_at.is_(None), _USER_ACTIVE),
        open_links(),
    )
)
_LIST_ACTIVE = Statement(
    select(*columns(Session, sessions))
    .where(
        sessions.c.user_id == bindparam("user", type_=Uuid),
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > bindparam("now", type_=INSTANT),
    )
    .order_by(sessions.c.last_used_at.desc(), sessions.c.id)
    .limit(100),
    row_class(Session),
)


class SqlSessions:
    """Sessions over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, session: Session) -> None:
        """Insert a new session."""
        await self._connection.execute(_ADD, **to_params(session))

    async def save(self, session: Session) -> None:
        """Update a changed session."""
        await self._connection.execute(_SAVE, **to_params(session))

    async def lock(self, session_id: UUID) -> tuple[Session, User] | None:
        """A session, locked until the end of the transaction, and its user."""
        row = await self._connection.fetch_row(_LOCK, id=session_id)
        if row is None:
            return None
        user = await self._connection.fetch_row(_USER, id=row["user_id"])
        return to_entity(Session, row), to_entity(User, user)

    async def revoke_all(self, user_id: UUID, *, except_for: UUID | None, at: datetime) -> Sequence[UUID]:
        """End all open sessions of a user but one; returns their ids."""
        return [row[0] for row in await self._connection.fetch(_REVOKE_ALL, user=user_id, except_for=except_for, at=at)]


async def by_ids(database: Database, viewer: UUID, session_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the sessions that are open and the viewer's own."""
    return {row.id: row for row in await list_active(database, viewer, datetime.now(UTC)) if row.id in set(session_ids)}


async def find_active(database: Database, session_ids: Sequence[UUID], now: datetime) -> frozenset[UUID]:
    """Those of the sessions, API tokens, OAuth clients and share links that are neither revoked nor expired, and whose users are
    active."""
    return frozenset(row[0] for row in await database.fetch(_FIND_ACTIVE, ids=list(session_ids), now=now))


async def list_active(database: Database, user_id: UUID, now: datetime) -> Sequence[Any]:
    """A user's open sessions, the latest used first; at most 100."""
    return await database.fetch(_LIST_ACTIVE, user=user_id, now=now)
