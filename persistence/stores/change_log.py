"""Reads entries of the log as changes are seen: single ones, and all that one mutation did.

The entries of a mutation have no column in common. They share their instant and their actor, and their ids (UUIDv7) are made one
right after the other, so they are found by a range of ids. Rejected: a column for the mutation (every write would fill another
index for what is rarely asked); the streams' positions (a mutation may write to several streams).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, bindparam, literal_column, or_, select

from domain.events import Entry
from persistence.access import VIEWER, any_id, project_open_to
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, row_class, to_entity
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, events, projects, team_members

_e, _p, _m = events, projects.alias("p"), team_members.alias("m")
_LONGEST_WRITE: Final = timedelta(seconds=5)
"""How far the ids of the events of one mutation may be apart; they are made in one loop."""
_MILLISECOND: Final = timedelta(milliseconds=1)

_own = _e.c.stream == literal_column("'user:'") + VIEWER.cast(Text)
_of_team = (
    select(literal_column("1"))
    .where(_m.c.user_id == VIEWER, _e.c.stream == literal_column("'team:'") + _m.c.team_id.cast(Text))
    .correlate(_e)
    .exists()
)
_in_project = (
    select(literal_column("1"))
    .select_from(_p.join(_m, _m.c.team_id == _p.c.team_id))
    .where(_p.c.id == _e.c.project_id, _m.c.user_id == VIEWER, project_open_to(_p, _m, VIEWER))
    .correlate(_e)
    .exists()
)
# Also in projects that are deleted: their deletion is what is to be undone.
_visible = select(*columns(Entry, _e)).where(or_(_own, _of_team), or_(_e.c.project_id.is_(None), _in_project))
_BY_ID = Statement(_visible.where(_e.c.id == bindparam("id", type_=Uuid)))
_BY_IDS = Statement(_visible.where(_e.c.id == any_id()), row_class(Entry))
_SAME_CALL = Statement(
    _visible.where(
        _e.c.id.between(bindparam("first", type_=Uuid), bindparam("last", type_=Uuid)),
        _e.c.at == bindparam("at", type_=INSTANT),
        _e.c.actor_id.is_not_distinct_from(bindparam("actor", type_=Uuid)),
        _e.c.client_mutation_id.is_not_distinct_from(bindparam("key", type_=Text)),
    )
    .order_by(_e.c.id)
    .limit(bindparam("size", type_=Integer))
)


class SqlChangeLog:
    """The log over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def entry(self, entry_id: UUID, viewer: UUID) -> Entry | None:
        """An entry that the viewer may see."""
        row = await self._connection.fetch_row(_BY_ID, id=entry_id, viewer=viewer)
        return row and to_entity(Entry, row)

    async def same_call(self, entry: Entry, viewer: UUID, limit: int) -> Sequence[Entry]:
        """The entries of the same mutation that the viewer may see, in order."""
        if entry.id.version != 7:
            return [entry]
        made_at = entry.id.int >> 80
        apart = _LONGEST_WRITE // _MILLISECOND
        given: dict[str, Any] = {
            "first": UUID(int=max(made_at - apart, 0) << 80),
            "last": UUID(int=(made_at + apart + 1) << 80),
            "at": entry.at,
            "actor": entry.actor_id,
            "key": entry.client_mutation_id,
            "size": limit + 1,
        }
        return [to_entity(Entry, row) for row in await self._connection.fetch(_SAME_CALL, viewer=viewer, **given)]


async def by_ids(database: Database, viewer: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """The entries that the viewer may see, as in the streams of changes, by id."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(entry_ids), viewer=viewer)}
