"""Tokens that are sent by mail: the store, and the query of requests."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Text, Uuid, bindparam, func, select

from domain.account_token import AccountToken, TokenPurpose
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, account_tokens

_t = account_tokens
_ID, _USER = bindparam("id", type_=Uuid), bindparam("user", type_=Uuid)
_ADD = Statement(insert_row(AccountToken, _t))
_BY_HASH = Statement(select(*columns(AccountToken, _t)).where(_t.c.token_hash == bindparam("token_hash", type_=LargeBinary)))
_OF_USER = Statement(select(*columns(AccountToken, _t)).where(_t.c.user_id == _USER))
_TAKE = Statement(_t.delete().where(_t.c.id == _ID))
_REMOVE_ALL = Statement(
    _t.delete().where(_t.c.user_id == _USER, _t.c.purpose == func.any(bindparam("purposes", type_=ARRAY(Text))))
)
_DELETE_EXPIRED = Statement(_t.delete().where(_t.c.expires_at <= bindparam("now", type_=INSTANT)))


class SqlAccountTokens:
    """Tokens over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, token: AccountToken) -> None:
        """Insert a new token."""
        await self._connection.execute(_ADD, **to_params(token))

    async def get(self, token_hash: bytes) -> AccountToken | None:
        """The token with this hash."""
        row = await self._connection.fetch_row(_BY_HASH, token_hash=token_hash)
        return row and to_entity(AccountToken, row)

    async def take(self, token_id: UUID) -> bool:
        """Delete a token; False when somebody else has."""
        return await self._connection.execute(_TAKE, id=token_id) == 1

    async def list_for_user(self, user_id: UUID) -> Sequence[AccountToken]:
        """The tokens of a user."""
        return [to_entity(AccountToken, row) for row in await self._connection.fetch(_OF_USER, user=user_id)]

    async def remove_all(self, user_id: UUID, purposes: Sequence[TokenPurpose]) -> None:
        """Delete the tokens of a user that are for these purposes."""
        await self._connection.execute(_REMOVE_ALL, user=user_id, purposes=list(purposes))


async def can_be_used(database: Database, token_hash: bytes, purpose: TokenPurpose, now: datetime) -> bool:
    """Whether there is a token with this hash for this purpose that has not expired."""
    row = await database.fetch_row(_BY_HASH, token_hash=token_hash)
    return row is not None and row["purpose"] == purpose and row["expires_at"] > now


async def delete_expired_tokens(database: Database, now: datetime) -> int:
    """Deletes tokens that can no longer be used; returns how many."""
    async with database.begin() as connection:
        return await connection.execute(_DELETE_EXPIRED, now=now)
