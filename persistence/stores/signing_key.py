"""The server's signing keys, shared by all its processes; private keys are encrypted by the caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, bindparam, func, select
from sqlalchemy import any_ as sql_any
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_into

from persistence.engine.database import Database
from persistence.engine.rows import columns, row_class
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, signing_keys

_k = signing_keys
_NEW: dict[str, Any] = {
    "kid": bindparam("kid", type_=Text),
    "encrypted_jwk": bindparam("encrypted", type_=Text),
    "signs_from": bindparam("signs_from", type_=INSTANT),
}
_INSERT_FIRST = Statement(insert_into(_k).values(**_NEW, only=True).on_conflict_do_nothing())
_INSERT = Statement(
    insert_into(_k).from_select(
        list(_NEW),
        select(*_NEW.values()).where(
            select(func.count()).select_from(_k).scalar_subquery() < bindparam("max_keys", type_=Integer)
        ),
    )
)
_DELETE_ALL = Statement(_k.delete())
_DELETE = Statement(_k.delete().where(_k.c.kid == sql_any(bindparam("kids", type_=ARRAY(Text)))))
_ENCRYPT = Statement(
    _k.update()
    .where(_k.c.kid == _NEW["kid"], _k.c.private_jwk.is_not(None))
    .values(encrypted_jwk=_NEW["encrypted_jwk"], private_jwk=None)
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key. `private_jwk` is set, and the other not, in rows of versions before 0012."""

    kid: str
    encrypted_jwk: str | None
    private_jwk: Any
    signs_from: datetime


_LIST = Statement(select(*columns(StoredKey, _k)).order_by(_k.c.signs_from.desc(), _k.c.kid), row_class(StoredKey))


async def list_keys(database: Database) -> Sequence[Any]:
    """All keys as rows of `StoredKey`, the newest first."""
    return await database.fetch(_LIST)


async def insert_first(database: Database, kid: str, encrypted: str, signs_from: datetime) -> None:
    """Insert the first key; when another process was faster, its key stays."""
    async with database.begin() as connection:
        await connection.execute(_INSERT_FIRST, kid=kid, encrypted=encrypted, signs_from=signs_from)


async def insert(database: Database, kid: str, encrypted: str, signs_from: datetime, *, max_keys: int) -> bool:
    """Insert a further key; False when there are too many."""
    async with database.begin() as connection:
        given = {"kid": kid, "encrypted": encrypted, "signs_from": signs_from, "max_keys": max_keys}
        return await connection.execute(_INSERT, **given) == 1


async def replace_all(database: Database, kid: str, encrypted: str, signs_from: datetime) -> None:
    """Insert a key, and delete all others."""
    async with database.begin() as connection:
        await connection.execute(_DELETE_ALL)
        await connection.execute(_INSERT_FIRST, kid=kid, encrypted=encrypted, signs_from=signs_from)


async def delete(database: Database, kids: Sequence[str]) -> None:
    """Delete keys by their ids."""
    async with database.begin() as connection:
        await connection.execute(_DELETE, kids=list(kids))


async def encrypt(database: Database, kid: str, encrypted: str) -> None:
    """Store the encrypted form of a key that is stored in clear, in its place."""
    async with database.begin() as connection:
        await connection.execute(_ENCRYPT, kid=kid, encrypted=encrypted)
