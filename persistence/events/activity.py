"""Lists the activity of an object or a project from the event log, and fetches single entries."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Text, func, literal_column, or_, select

from domain.events import Entry
from domain.page import Order
from persistence.access import VIEWER, any_id, project_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Database
from persistence.engine.filter import Column
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, row_class
from persistence.engine.statement import Statement
from persistence.tables import events, team_members

_events = events
_viewer_member = team_members.alias("viewer_member")


_DERIVED_TYPES = ("TaskDerivedChanged", "UserProfileChanged", "TaskRankCompacted", "DocumentRankCompacted")


def is_history(source: Any) -> Column:
    """The entry tells of somebody's act, not of what follows from another, of the server itself or of lost access."""
    derived: list[Any] = [literal_column(f"'{name}'") for name in _DERIVED_TYPES]
    return cast(Column, source.c.type.not_in(derived) & (source.c.kind != literal_column("'ACCESS_LOST'")))


def _visible_to_viewer() -> Column:
    """The viewer may follow the stream, which is their own or of a team of theirs, and see the project, where there is one."""
    of_team = (
        select(literal_column("1"))
        .where(
            _viewer_member.c.user_id == VIEWER,
            _events.c.stream == literal_column("'team:'") + _viewer_member.c.team_id.cast(Text),
        )
        .correlate(_events)
        .exists()
    )
    own = _events.c.stream == literal_column("'user:'") + VIEWER.cast(Text)
    return or_(own, of_team) & or_(_events.c.project_id.is_(None), project_visible(_events.c.project_id))


_BY_IDS = Statement(select(*columns(Entry, _events)).where(_events.c.id == any_id(), _visible_to_viewer()), row_class(Entry))


async def by_ids(database: Database, viewer: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """The entries that the viewer may see, by id."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(entry_ids), viewer=viewer)}


_LIST_OPTIONS: dict[str, Any] = {
    "cls": Entry,
    "source": _events,
    "id": _events.c.id,
    "sorts": {"AT": (SortColumn(_events.c.at, "at"),)},
    "default": (Order("AT", descending=True),),
    "visible": _visible_to_viewer,
    "fields": {"about_type": _events.c.about_type},
}

OBJECT_ACTIVITY = ListQuery(
    **_LIST_OPTIONS,
    parent_clause=lambda parent: (_events.c.about_id == parent) & is_history(_events),
)
# A person who joins a project gets an entry in their own stream, too: it is no second entry of the project's history.
PROJECT_ACTIVITY = ListQuery(
    **_LIST_OPTIONS,
    parent_clause=lambda parent: (
        (_events.c.project_id == parent) & is_history(_events) & func.starts_with(_events.c.stream, literal_column("'team:'"))
    ),
)
