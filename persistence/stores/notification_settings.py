"""Settings of notifications: the store, and the lookup for the graph."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from domain.notification import NotificationSettings, default_settings
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, to_entity, to_params, written_names
from persistence.engine.statement import Statement
from persistence.tables import notification_settings

_s = notification_settings
_LOCK = Statement(select(*columns(NotificationSettings, _s)).where(_s.c.id == bindparam("user", type_=Uuid)).with_for_update())
_insert = insert(_s).values({name: bindparam(name, type_=_s.c[name].type) for name in written_names(NotificationSettings)})
_SAVE = Statement(
    _insert.on_conflict_do_update(
        index_elements=[_s.c.id],
        set_={_s.c[name].name: _insert.excluded[name] for name in written_names(NotificationSettings) if name != "id"},
    )
)
_BY_IDS = Statement(select(*columns(NotificationSettings, _s)).where(_s.c.id == any_id()))


class SqlNotificationSettings:
    """Settings over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, user_id: UUID) -> NotificationSettings:
        """The settings of a person, the defaults where there are none, locked where there are."""
        row = await self._connection.fetch_row(_LOCK, user=user_id)
        return default_settings(user_id) if row is None else to_entity(NotificationSettings, row)

    async def save(self, settings: NotificationSettings) -> None:
        """Insert or update the settings of a person."""
        await self._connection.execute(_SAVE, **to_params(settings) | {"channels": dict(settings.channels)})


async def by_ids(database: Database, user_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """The settings of people, the defaults where they have chosen none."""
    rows = await database.fetch(_BY_IDS, ids=list(user_ids))
    found = {row["id"]: to_entity(NotificationSettings, row) for row in rows}
    return {each: found.get(each) or default_settings(each) for each in user_ids}
