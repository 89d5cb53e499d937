"""Personal API tokens: the store, and the queries of requests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid, bindparam, func, literal_column, or_, select

from domain.api_token import ApiToken
from persistence.access import any_id
from persistence.engine.advisory_lock import lock_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, row_class, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, api_tokens

_t = api_tokens
_USER = bindparam("user", type_=Uuid)
_NOW = bindparam("now", type_=INSTANT)
_ADD = Statement(insert_row(ApiToken, _t))
_COUNT = Statement(select(func.count()).select_from(_t).where(_t.c.user_id == _USER))
_REMOVE = Statement(_t.delete().where(_t.c.id == bindparam("id", type_=Uuid), _t.c.user_id == _USER))
_REMOVE_ALL = Statement(_t.delete().where(_t.c.user_id == _USER))
_OF_USER = Statement(
    select(*columns(ApiToken, _t)).where(_t.c.user_id == _USER).order_by(_t.c.created_at.desc(), _t.c.id), row_class(ApiToken)
)
_BY_SECRET = Statement(
    select(*columns(ApiToken, _t)).where(_t.c.secret_hash == bindparam("secret_hash", type_=LargeBinary)), row_class(ApiToken)
)
_TOUCH = Statement(
    _t.update()
    .where(_t.c.id == any_id(), or_(_t.c.last_used_at.is_(None), _t.c.last_used_at < _NOW - literal_column("interval '1 min'")))
    .values(last_used_at=_NOW)
)


class SqlApiTokens:
    """Tokens over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, token: ApiToken) -> None:
        """Insert a new token."""
        await self._connection.execute(_ADD, **to_params(token))

    async def count_locked(self, user_id: UUID) -> int:
        """How many tokens a user has; the user's id is locked until the end of the transaction."""
        await lock_id(self._connection, user_id)
        count: int = await self._connection.fetch_value(_COUNT, user=user_id)
        return count

    async def remove(self, token_id: UUID, user_id: UUID) -> bool:
        """Delete a user's token; False when there is none."""
        return await self._connection.execute(_REMOVE, id=token_id, user=user_id) == 1

    async def remove_all(self, user_id: UUID) -> None:
        """Delete all tokens of a user."""
        await self._connection.execute(_REMOVE_ALL, user=user_id)


async def of_user(database: Database, user_id: UUID) -> Sequence[Any]:
    """A user's tokens, the newest first."""
    return await database.fetch(_OF_USER, user=user_id)


async def by_ids(database: Database, viewer: UUID, token_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the tokens that are the viewer's own."""
    return {row.id: row for row in await of_user(database, viewer) if row.id in set(token_ids)}


async def by_secret(database: Database, secret_hash: bytes) -> Any:
    """The token with this hash of its secret; None when there is none."""
    return await database.fetch_row(_BY_SECRET, secret_hash=secret_hash)


async def touch(database: Database, token_ids: Sequence[UUID]) -> None:
    """Note that tokens are used now; at most once a minute for each."""
    async with database.begin() as connection:
        await connection.execute(_TOUCH, ids=list(token_ids), now=datetime.now(UTC))
