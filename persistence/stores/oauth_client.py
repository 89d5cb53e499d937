"""OAuth clients: the store, and the queries of requests."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, exists, func, literal_column, select

from domain.oauth_client import OAuthClient
from persistence.access import VIEWER, any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, oauth_clients, sessions, team_members, teams

_c = oauth_clients
_ID = bindparam("id", type_=Uuid)
_STANDS = _c.c.deleted_at.is_(None)
_ADD = Statement(insert_row(OAuthClient, _c))
_SAVE = Statement(update_row(OAuthClient, _c, exclude=("team_id", "bot_id")))
_DESCRIBE = Statement(update_row(OAuthClient, _c, exclude=("team_id", "bot_id", "document_url")))
_LOCK = Statement(select(*columns(OAuthClient, _c)).where(_c.c.id == _ID, _STANDS).with_for_update())
_COUNT = Statement(select(func.count()).select_from(_c).where(_c.c.team_id == bindparam("team", type_=Uuid), _STANDS))
_GET = Statement(
    select(*columns(OAuthClient, _c))
    .select_from(_c.outerjoin(teams, teams.c.id == _c.c.team_id))
    .where(_c.c.id == _ID, _STANDS, teams.c.deleted_at.is_(None))
)
_NAMES = Statement(select(_c.c.id, _c.c.name).where(_c.c.id == any_id()))
_END_GRANTS = Statement(
    sessions.update()
    .where(sessions.c.client_id == _ID, sessions.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at", type_=INSTANT))
    .returning(sessions.c.id, sessions.c.user_id)
)


def _managed_by_viewer() -> ColumnElement[bool]:
    """The viewer manages the client's team."""
    member = team_members.alias("viewer_member")
    return exists(
        select(literal_column("1")).where(
            member.c.team_id == _c.c.team_id,
            member.c.user_id == VIEWER,
            member.c.role.in_((literal_column("'OWNER'"), literal_column("'ADMIN'"))),
        )
    )


_BY_IDS = Statement(
    select(*columns(OAuthClient, _c)).where(_c.c.id == any_id(), _STANDS, _managed_by_viewer()), row_class(OAuthClient)
)
_OF_TEAMS = Statement(
    select(*columns(OAuthClient, _c))
    .where(_c.c.team_id == any_id(), _STANDS, _managed_by_viewer())
    .order_by(_c.c.created_at, _c.c.id),
    row_class(OAuthClient),
)


class SqlOAuthClients:
    """Clients over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, client: OAuthClient) -> None:
        """Insert a new client."""
        await self._connection.execute(_ADD, **to_params(client))

    async def save(self, client: OAuthClient) -> None:
        """Update a changed client."""
        await self._connection.execute(_SAVE, **to_params(client))

    async def put_described(self, client: OAuthClient) -> None:
        """Insert a client that brings itself; where it is known, update what its document says."""
        if not await self._connection.execute(_ADD, **to_params(client)):
            await self._connection.execute(_DESCRIBE, **to_params(client))

    async def lock(self, client_id: UUID) -> OAuthClient | None:
        """A client that is not deleted, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK, id=client_id)
        return row and to_entity(OAuthClient, row)

    async def count(self, team_id: UUID) -> int:
        """How many clients a team has."""
        count: int = await self._connection.fetch_value(_COUNT, team=team_id)
        return count

    async def end_grants(self, client_id: UUID, at: datetime) -> Collection[tuple[UUID, UUID]]:
        """End everything that people granted to a client: the ids of the sessions, and of their users."""
        return [(row[0], row[1]) for row in await self._connection.fetch(_END_GRANTS, id=client_id, at=at)]


async def get(database: Database, client_id: UUID) -> OAuthClient | None:
    """A client that stands, of a team that stands, for anybody."""
    row = await database.fetch_row(_GET, id=client_id)
    return row and to_entity(OAuthClient, row)


async def names(database: Database, client_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of clients, also of deleted ones, for those who granted them something."""
    return {row[0]: row[1] for row in await database.fetch(_NAMES, ids=list(client_ids))}


async def by_ids(database: Database, viewer: UUID, client_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the clients whose teams the viewer manages."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(client_ids), viewer=viewer)}


async def of_teams(database: Database, viewer: UUID, team_ids: Sequence[UUID]) -> Sequence[Any]:
    """The clients of teams, as far as the viewer manages these, the oldest first; at most 50 a team."""
    return await database.fetch(_OF_TEAMS, ids=list(team_ids), viewer=viewer)
