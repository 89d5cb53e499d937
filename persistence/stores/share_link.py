"""Share links: the store, the lists, and which links are open.

A link is open as long as its creator may see its subject, by the rules of `persistence.access`, as a member who is no guest: that
is looked up at each use, nothing is copied.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, func, literal_column, or_, select

from domain.page import Order
from domain.permissions import Role
from domain.share_link import ShareLink
from persistence.access import VIEWER, any_id, project_open_to
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, documents, projects, share_links, team_members, users

_l, _d, _p, _m = share_links, documents, projects, team_members
_ID, _USER, _NOW = bindparam("id", type_=Uuid), bindparam("user", type_=Uuid), bindparam("now", type_=INSTANT)
_ROW = row_class(ShareLink)
_project_id: ColumnElement[Any] = func.coalesce(_d.c.project_id, _l.c.subject_id)
_with_subject = _l.outerjoin(_d, (_d.c.id == _l.c.subject_id) & (_l.c.subject_type == literal_column("'Document'"))).join(
    _p, _p.c.id == _project_id
)
_NOT_GUEST = _m.c.role != literal_column("'GUEST'")
_EXISTS: ColumnElement[bool] = and_(_p.c.deleted_at.is_(None), _d.c.deleted_at.is_(None))
_UNEXPIRED = or_(_l.c.expires_at.is_(None), _l.c.expires_at > _NOW)


def _visible() -> ColumnElement[bool]:
    """The viewer is a member of the subject's team who may see it, and no guest."""
    project, member = projects.alias("seen_project"), team_members.alias("viewer_member")
    rows: Select[Any] = (
        select(literal_column("1"))
        .select_from(project.join(member, member.c.team_id == project.c.team_id))
        .where(
            project.c.id == _project_id,
            member.c.user_id == VIEWER,
            member.c.role != literal_column("'GUEST'"),
            project_open_to(project, member, VIEWER),
        )
    )
    return and_(_EXISTS, rows.offset(literal_column("0")).exists())


def open_links() -> Select[Any]:
    """Selects, as `id`, those of the links `ids` that are open at `now`."""
    creator = users.join(_m, _m.c.user_id == users.c.id)
    return (
        select(_l.c.id)
        .select_from(_with_subject.join(creator, (users.c.id == _l.c.created_by_id) & (_m.c.team_id == _p.c.team_id)))
        .where(
            _l.c.id == any_id(),
            _UNEXPIRED,
            _EXISTS,
            users.c.status == literal_column("'ACTIVE'"),
            _NOT_GUEST,
            project_open_to(_p, _m, _m.c.user_id),
        )
    )


_ADD = Statement(insert_row(ShareLink, _l))
_DELETE_EXPIRED = Statement(_l.delete().where(_l.c.subject_id == _ID, _l.c.expires_at <= _NOW))
_COUNT = Statement(select(func.count()).select_from(_l).where(_l.c.subject_id == _ID))
_LOCK = Statement(
    select(*columns(ShareLink, _l), _m.c.role)
    .select_from(_with_subject.join(_m, (_m.c.team_id == _p.c.team_id) & (_m.c.user_id == _USER)))
    .where(_l.c.id == _ID, _EXISTS, _NOT_GUEST, project_open_to(_p, _m, _USER))
    .with_for_update(of=_l)
)
_REMOVE = Statement(_l.delete().where(_l.c.id == _ID))
_BY_IDS = Statement(select(*columns(ShareLink, _l)).select_from(_with_subject).where(_l.c.id == any_id(), _visible()), _ROW)
_OPEN = Statement(select(*columns(ShareLink, _l)).where(_l.c.id.in_(open_links())), _ROW)
_OPEN_TO = Statement(select(_l.c.id).where(_l.c.id.in_(open_links()), _l.c.subject_id == bindparam("subject", type_=Uuid)))
_TOUCH = Statement(
    _l.update()
    .where(_l.c.id == _ID, or_(_l.c.last_used_at.is_(None), _l.c.last_used_at < _NOW - literal_column("interval '1 min'")))
    .values(last_used_at=_NOW)
)
_LIST: dict[str, Any] = {
    "cls": ShareLink,
    "source": _l,
    "id": _l.c.id,
    "sorts": {"CREATED_AT": (SortColumn(_l.c.created_at, "created_at"),)},
    "default": (Order("CREATED_AT", descending=True),),
    "joined": lambda query: query.select_from(_with_subject),
    "visible": _visible,
}
LINKS_TO_SUBJECT = ListQuery(**_LIST, parent_clause=lambda parent: _l.c.subject_id == parent)


class SqlShareLinks:
    """Links over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, link: ShareLink) -> None:
        """Insert a new link."""
        await self._connection.execute(_ADD, **to_params(link))

    async def count_on(self, subject_id: UUID, now: datetime) -> int:
        """How many links a subject has, after those that have expired were deleted."""
        await self._connection.execute(_DELETE_EXPIRED, id=subject_id, now=now)
        count: int = await self._connection.fetch_value(_COUNT, id=subject_id)
        return count

    async def lock(self, link_id: UUID, user_id: UUID) -> tuple[ShareLink, Role] | None:
        """A link whose subject the user may see as a member, and their role."""
        row = await self._connection.fetch_row(_LOCK, id=link_id, user=user_id)
        return row and (to_entity(ShareLink, row), Role(row["role"]))

    async def remove(self, link_id: UUID) -> None:
        """Delete a link."""
        await self._connection.execute(_REMOVE, id=link_id)


async def by_ids(database: Database, viewer: UUID, link_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the links that the viewer may see as somebody who may make such links."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(link_ids), viewer=viewer)}


async def get_open(database: Database, link_id: UUID) -> Any:
    """A link that is open now; None when there is none."""
    return await database.fetch_row(_OPEN, ids=[link_id], now=datetime.now(UTC))


async def open_to(database: Database, subject_id: UUID, link_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of the links that are open now and lead to the subject."""
    found = await database.fetch(_OPEN_TO, ids=list(link_ids), subject=subject_id, now=datetime.now(UTC))
    return frozenset(row[0] for row in found)


async def touch(database: Database, link_id: UUID) -> None:
    """Note that a link is used now; at most once a minute."""
    async with database.begin() as connection:
        await connection.execute(_TOUCH, id=link_id, now=datetime.now(UTC))
