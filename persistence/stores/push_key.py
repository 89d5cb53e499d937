"""The key with which the server identifies itself to push services, encrypted by the caller; one for all processes."""

from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import push_devices, push_keys

_k = push_keys
_FIND = Statement(select(_k.c.id, _k.c.encrypted_jwk))
_INSERT = Statement(
    insert(_k).values(id=bindparam("id", type_=Uuid), encrypted_jwk=bindparam("encrypted", type_=Text)).on_conflict_do_nothing()
)
_DELETE = Statement(_k.delete().where(_k.c.id == bindparam("id", type_=Uuid)))
_DELETE_BROWSERS = Statement(push_devices.delete().where(push_devices.c.platform == literal_column("'WEB'")))


async def find(database: Database) -> tuple[UUID, str] | None:
    """The key's id and its encrypted form."""
    row = await database.fetch_row(_FIND)
    return None if row is None else (row["id"], row["encrypted_jwk"])


async def insert_first(database: Database, key_id: UUID, encrypted: str) -> None:
    """Insert the key; when another process was faster, its key stays."""
    async with database.begin() as connection:
        await connection.execute(_INSERT, id=key_id, encrypted=encrypted)


async def delete(database: Database, key_id: UUID) -> None:
    """Delete a key, with the browsers that are registered under it: they take no pushes of another."""
    async with database.begin() as connection:
        if await connection.execute(_DELETE, id=key_id):
            await connection.execute(_DELETE_BROWSERS)
