"""Identities of outside OpenID providers: the store, and the queries of requests."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, select

from domain.external_identity import ExternalIdentity
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, external_identities

_i = external_identities
_USER = bindparam("user", type_=Uuid)
_ADD = Statement(insert_row(ExternalIdentity, _i))
_LOCK = Statement(
    select(*columns(ExternalIdentity, _i))
    .where(_i.c.issuer == bindparam("issuer", type_=Text), _i.c.subject == bindparam("subject", type_=Text))
    .with_for_update()
)
_OF_USER = Statement(
    select(*columns(ExternalIdentity, _i)).where(_i.c.user_id == _USER).order_by(_i.c.created_at, _i.c.id),
    row_class(ExternalIdentity),
)
_NOTE_USE = Statement(
    _i.update()
    .where(_i.c.id == bindparam("id", type_=Uuid))
    .values(email=bindparam("email", type_=Text), last_used_at=bindparam("last_used_at", type_=INSTANT))
)
_REMOVE = Statement(_i.delete().where(_i.c.id == any_id()))


class SqlExternalIdentities:
    """Identities over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, identity: ExternalIdentity) -> bool:
        """Insert a new identity; False when it signs somebody in already."""
        return await self._connection.execute(_ADD, **to_params(identity)) == 1

    async def lock(self, issuer: str, subject: str) -> ExternalIdentity | None:
        """An identity, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK, issuer=issuer, subject=subject)
        return row and to_entity(ExternalIdentity, row)

    async def list_for_user(self, user_id: UUID) -> Sequence[ExternalIdentity]:
        """The identities of a user, the oldest first."""
        return [to_entity(ExternalIdentity, row) for row in await self._connection.fetch(_OF_USER, user=user_id)]

    async def note_use(self, identity: ExternalIdentity) -> None:
        """Store the address that the provider gave, and when."""
        await self._connection.execute(_NOTE_USE, id=identity.id, email=identity.email, last_used_at=identity.last_used_at)

    async def remove(self, identity_ids: Sequence[UUID]) -> None:
        """Delete identities."""
        await self._connection.execute(_REMOVE, ids=list(identity_ids))


async def of_user(database: Database, user_id: UUID) -> Sequence[Any]:
    """A user's identities, the oldest first."""
    return await database.fetch(_OF_USER, user=user_id)


async def by_ids(database: Database, viewer: UUID, identity_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the identities that are the viewer's own."""
    return {row.id: row for row in await of_user(database, viewer) if row.id in set(identity_ids)}
