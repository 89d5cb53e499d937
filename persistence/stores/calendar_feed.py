"""Calendar feeds: the store, and what a feed shows."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Integer, Uuid, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from domain.calendar_feed import MAX_DESCRIPTION_CHARS, CalendarFeed
from persistence.access import VIEWER, visible_projects
from persistence.engine.database import Connection, Database
from persistence.engine.rows import to_params, written_names
from persistence.engine.statement import Statement
from persistence.tables import calendar_feeds, labels, projects, tasks, users

_f, _t, _p = calendar_feeds, tasks, projects
_USER = bindparam("user", type_=Uuid)
_insert = insert(_f).values({name: bindparam(name, type_=_f.c[name].type) for name in written_names(CalendarFeed)})
_SAVE = Statement(
    _insert.on_conflict_do_update(index_elements=[_f.c.id], set_={name: _insert.excluded[name] for name in ("key", "created_at")})
)
_REMOVE = Statement(_f.delete().where(_f.c.id == _USER))
_KEY_OF = Statement(select(_f.c.key).where(_f.c.id == _USER))
_OWNER = Statement(
    select(users.c.id, users.c.time_zone)
    .select_from(_f.join(users, users.c.id == _f.c.id))
    .where(_f.c.key == bindparam("key", type_=Uuid), users.c.status == literal_column("'ACTIVE'"))
)
_today = bindparam("today", type_=Date)
_label_names = (
    select(func.array_agg(aggregate_order_by(labels.c.name, labels.c.name_collation)))
    .where(labels.c.id == func.any(_t.c.label_ids))
    .correlate(_t)
    .scalar_subquery()
)
_EVENTS = Statement(
    select(
        _t.c.id,
        _t.c.key,
        _t.c.title,
        func.left(_t.c.description, literal_column(str(MAX_DESCRIPTION_CHARS))).label("description"),
        _t.c.due_on,
        _t.c.version,
        _t.c.created_at,
        _t.c.updated_at,
        _p.c.name.label("project"),
        func.coalesce(_label_names, literal_column("'{}'::text[]")).label("labels"),
    )
    .select_from(_t.join(_p, _p.c.id == _t.c.project_id))
    .where(
        _t.c.assignee_id == VIEWER,
        _t.c.project_id == visible_projects(),
        _t.c.due_on.is_not(None),
        _t.c.deleted_at.is_(None),
        _t.c.status < literal_column("'DONE'"),
    )
    .order_by(func.abs(_t.c.due_on - _today), _t.c.due_on, _t.c.id)
    .limit(bindparam("size", type_=Integer))
)


class SqlCalendarFeeds:
    """Feeds over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def save(self, feed: CalendarFeed) -> None:
        """Insert or replace a person's feed."""
        await self._connection.execute(_SAVE, **to_params(feed))

    async def remove(self, user_id: UUID) -> None:
        """Delete a person's feed."""
        await self._connection.execute(_REMOVE, user=user_id)


async def key_of(database: Database, user_id: UUID) -> UUID | None:
    """The key of a person's feed; None where they have none."""
    found: UUID | None = await database.fetch_value(_KEY_OF, user=user_id)
    return found


async def owner(database: Database, key: UUID) -> Any:
    """Whose feed has the key: `id` and `time_zone`; None where nobody's has, or the account is not active."""
    return await database.fetch_row(_OWNER, key=key)


async def due_tasks(database: Database, viewer: UUID, today: date, limit: int) -> Sequence[Any]:
    """The open tasks with a due day that are assigned to a person and that they may see, the nearest to today first."""
    return await database.fetch(_EVENTS, viewer=viewer, today=today, size=limit)
