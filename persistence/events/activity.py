"""Histories: the event log as lists of an object or a project, and single entries."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, func, literal_column, or_, select

from domain.events import Entry
from domain.page import Order
from persistence.access import VIEWER, ids, project_visible
from persistence.engine.cursor import Sort
from persistence.engine.database import Database, Statement
from persistence.engine.filter import Column
from persistence.engine.pages import Listing
from persistence.engine.rows import columns, row_class
from persistence.tables import events, team_members

_e = events
_member = team_members.alias("hearing_member")


def _heard() -> Column:
    """The viewer may hear the stream: it is his own, or of a team that he belongs to; and see the project, where there is one."""
    of_team = (
        select(literal_column("1"))
        .where(
            _member.c.user_id == VIEWER,
            _e.c.stream == literal_column("'team:'") + _member.c.team_id.cast(Text),
        )
        .correlate(_e)
        .exists()
    )
    own = _e.c.stream == literal_column("'user:'") + VIEWER.cast(Text)
    return or_(own, of_team) & or_(_e.c.project_id.is_(None), project_visible(_e.c.project_id))


_BY_IDS = Statement(select(*columns(Entry, _e)).where(_e.c.id == ids(), _heard()), row_class(Entry))


async def by_ids(database: Database, viewer: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the entries that the viewer may see."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(entry_ids), viewer=viewer)}


_LIST: dict[str, Any] = {
    "cls": Entry,
    "source": _e,
    "id": _e.c.id,
    "sorts": {"AT": (Sort(_e.c.at, "at"),)},
    "default": (Order("AT", descending=True),),
    "visible": _heard,
    "fields": {"about_type": _e.c.about_type},
}

OBJECT_ACTIVITY = Listing(
    **_LIST, hangs_on=lambda parent: (_e.c.about_id == parent) & (_e.c.kind != literal_column("'ACCESS_LOST'"))
)
# Whoever joins a project is told so in his own stream, too: that is no second entry of its history.
PROJECT_ACTIVITY = Listing(
    **_LIST,
    hangs_on=lambda parent: (
        (_e.c.project_id == parent)
        & (_e.c.kind != literal_column("'ACCESS_LOST'"))
        & func.starts_with(_e.c.stream, literal_column("'team:'"))
    ),
)
