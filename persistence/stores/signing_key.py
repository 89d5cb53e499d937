"""The server's signing keys, shared by all its processes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import signing_keys

_ADD = Statement(
    insert(signing_keys)
    .values(kid=bindparam("kid"), private_jwk=bindparam("jwk", type_=JSONB), only=True)
    .on_conflict_do_nothing()
)
_ALL = Statement(select(signing_keys.c.private_jwk).order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid))


async def list_keys(database: Database) -> list[Mapping[str, Any]]:
    """Every key that may have signed a token which is still valid, the newest first; private JWKs."""
    return [row[0] for row in await database.fetch(_ALL)]


async def insert_first_key(database: Database, kid: str, private_jwk: Mapping[str, Any]) -> None:
    """Insert the first key; when another process was faster, its key stays."""
    async with database.begin() as connection:
        await connection.execute(_ADD, kid=kid, jwk=dict(private_jwk))
