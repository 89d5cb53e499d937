"""Invitations: the store and the list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Text, Uuid, bindparam, select

from domain.email_address import email_key
from domain.invitation import Invitation
from domain.page import Order
from persistence.access import any_id, team_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, invitations

_i = invitations
_ID = bindparam("id", type_=Uuid)
_ADD = Statement(insert_row(Invitation, _i))
_DELETE_SAME_ADDRESS = Statement(
    _i.delete().where(
        _i.c.team_id == bindparam("team_id", type_=Uuid),
        _i.c.email_key == bindparam("email_key", type_=Text),
    )
)
_GET = Statement(select(*columns(Invitation, _i)).where(_i.c.id == _ID))
_BY_TOKEN = Statement(select(*columns(Invitation, _i)).where(_i.c.token_hash == bindparam("token", type_=LargeBinary)))
_IS_INVITED = Statement(
    select(_i.c.id)
    .where(_i.c.email_key == bindparam("email_key", type_=Text), _i.c.expires_at > bindparam("now", type_=INSTANT))
    .limit(1)
)
_REMOVE = Statement(_i.delete().where(_i.c.id == _ID))
_BY_IDS = Statement(
    select(*columns(Invitation, _i)).where(_i.c.id == any_id(), team_visible(_i.c.team_id, by_id=True)), row_class(Invitation)
)


class SqlInvitations:
    """Invitations over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def replace(self, invitation: Invitation) -> None:
        """Insert a new invitation, which replaces an earlier one of the same address to the same team."""
        await self._connection.execute(_DELETE_SAME_ADDRESS, **to_params(invitation))
        await self._connection.execute(_ADD, **to_params(invitation))

    async def get(self, invitation_id: UUID) -> Invitation | None:
        """An invitation, for any user."""
        row = await self._connection.fetch_row(_GET, id=invitation_id)
        return row and to_entity(Invitation, row)

    async def is_invited(self, address: str, now: datetime) -> bool:
        """Whether any team has an open invitation for an address, however that is written."""
        return await self._connection.fetch_value(_IS_INVITED, email_key=email_key(address), now=now) is not None

    async def by_token(self, token_hash: bytes) -> Invitation | None:
        """The invitation whose token has this hash."""
        row = await self._connection.fetch_row(_BY_TOKEN, token=token_hash)
        return row and to_entity(Invitation, row)

    async def remove(self, invitation_id: UUID) -> bool:
        """Delete an invitation; False when there is none."""
        return await self._connection.execute(_REMOVE, id=invitation_id) == 1


async def by_ids(database: Database, viewer: UUID, invitation_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the invitations that were made by teams of the viewer."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(invitation_ids), viewer=viewer)}


INVITATIONS = ListQuery(
    cls=Invitation,
    source=_i,
    id=_i.c.id,
    sorts={"CREATED_AT": (SortColumn(_i.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT", descending=True),),
    parent_clause=lambda parent: _i.c.team_id == parent,
    visible=lambda: team_visible(_i.c.team_id),
)
