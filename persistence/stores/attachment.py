"""Attachments: the store, the loaders and the list; and the log of blobs that are to be deleted.

A file is in the project of the task or document that it is attached to: that is joined, not copied, so files move along between
projects.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, and_, bindparam, func, literal_column, not_, or_, select
from sqlalchemy.dialects.postgresql import insert

from domain.attachment import Attachment
from domain.blob import attachment_key
from domain.page import Order
from domain.permissions import Role
from persistence.access import VIEWER, any_id, project_open_to, project_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, attached, attachments, discarded_blobs, documents, projects, tasks, team_members

_a, _t, _d, _p, _m, _discarded = attachments, tasks, documents, projects, team_members, discarded_blobs
_ID, _USER, _AT = bindparam("id", type_=Uuid), bindparam("user", type_=Uuid), bindparam("at", type_=INSTANT)
_ROW = row_class(Attachment)
_project_id: ColumnElement[Any] = func.coalesce(_t.c.project_id, _d.c.project_id)
_with_subject = _a.outerjoin(_t, (_t.c.id == _a.c.about_id) & (_a.c.about_type == literal_column("'Task'"))).outerjoin(
    _d, (_d.c.id == _a.c.about_id) & (_a.c.about_type == literal_column("'Document'"))
)


def _is_unattached_upload_of(user_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """A file that is still only its uploader's."""
    return and_(_a.c.uploader_id == user_id, not_(attached))


_ADD = Statement(insert_row(Attachment, _a))
_SAVE = Statement(update_row(Attachment, _a, exclude=("uploader_id", "file_name", "content_type", "byte_size")))
_LOCK = Statement(
    select(
        *columns(Attachment, _a), _m.c.role, func.coalesce(_p.c.status == literal_column("'ARCHIVED'"), False).label("archived")
    )
    .select_from(
        _with_subject.outerjoin(_p, _p.c.id == _project_id).outerjoin(
            _m, (_m.c.team_id == _p.c.team_id) & (_m.c.user_id == _USER)
        )
    )
    .where(
        _a.c.id == _ID,
        or_(
            _is_unattached_upload_of(_USER),
            and_(attached, _a.c.subject_type == literal_column("'User'"), _a.c.subject_id == _USER),
            and_(attached, _p.c.deleted_at.is_(None), _m.c.user_id == _USER, project_open_to(_p, _m, _USER)),
        ),
    )
    .with_for_update(of=_a)
)
_LOCK_UPLOADS = Statement(
    select(*columns(Attachment, _a))
    .where(_a.c.id == any_id(), _is_unattached_upload_of(_USER))
    .order_by(_a.c.id)
    .with_for_update()
)
_COUNT_UPLOADS = Statement(select(func.count()).where(_is_unattached_upload_of(_USER)))
_COUNT_ATTACHED = Statement(select(func.count()).where(_a.c.subject_id == _ID, attached))
_REMOVE = Statement(_a.delete().where(_a.c.id == any_id()))
_LOCK_ATTACHED = Statement(select(_a.c.id).where(_a.c.subject_id == any_id()).order_by(_a.c.id).with_for_update())
_DISCARD = Statement(
    insert(_discarded)
    .from_select(["key", "at"], select(func.unnest(bindparam("keys", type_=ARRAY(Text))), _AT))
    .on_conflict_do_nothing()
)
_BY_IDS = Statement(
    select(*columns(Attachment, _a))
    .select_from(_with_subject)
    .where(
        _a.c.id == any_id(),
        or_(
            _is_unattached_upload_of(VIEWER),
            and_(attached, project_visible(_project_id, by_id=True)),
            and_(attached, _a.c.subject_type == literal_column("'User'"), _a.c.subject_id == VIEWER),
        ),
    ),
    _ROW,
)
_OWN_UPLOAD = Statement(select(*columns(Attachment, _a)).where(_a.c.id == any_id(), _a.c.uploader_id == VIEWER), _ROW)
_READY = Statement(select(*columns(Attachment, _a)).where(_a.c.id == any_id(), _a.c.state == literal_column("'READY'")), _ROW)
_AVATARS_BY_IDS = Statement(
    select(*columns(Attachment, _a)).where(_a.c.id == any_id(), _a.c.subject_type == literal_column("'User'"), attached), _ROW
)


class SqlAttachments:
    """Attachments over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, attachment: Attachment) -> None:
        """Insert a new attachment."""
        await self._connection.execute(_ADD, **to_params(attachment))

    async def save(self, attachment: Attachment) -> None:
        """Update a changed attachment."""
        await self._connection.execute(_SAVE, **to_params(attachment))

    async def lock(self, attachment_id: UUID, user_id: UUID) -> tuple[Attachment, Role | None, bool] | None:
        """An attachment that the user may see, with their role, and whether its project is archived."""
        row = await self._connection.fetch_row(_LOCK, id=attachment_id, user=user_id)
        return row and (to_entity(Attachment, row), Role(row["role"]) if row["role"] else None, row["archived"])

    async def lock_uploads(self, attachment_ids: Sequence[UUID], uploader_id: UUID) -> Sequence[Attachment]:
        """Those of the files that the user has uploaded and that are on nothing yet."""
        rows = await self._connection.fetch(_LOCK_UPLOADS, ids=list(attachment_ids), user=uploader_id)
        return [to_entity(Attachment, row) for row in rows]

    async def count_uploads(self, uploader_id: UUID) -> int:
        """How many files of the user are on nothing yet."""
        count: int = await self._connection.fetch_value(_COUNT_UPLOADS, user=uploader_id)
        return count

    async def count_on(self, subject_id: UUID) -> int:
        """How many files are on something."""
        count: int = await self._connection.fetch_value(_COUNT_ATTACHED, id=subject_id)
        return count

    async def remove(self, attachment_id: UUID, at: datetime) -> None:
        """Remove a file, and let its blob be deleted."""
        await self.remove_all([attachment_id], at)

    async def remove_from(self, subject_ids: Sequence[UUID], at: datetime) -> None:
        """Remove all that is on these subjects, or meant for them."""
        rows = await self._connection.fetch(_LOCK_ATTACHED, ids=list(subject_ids))
        await self.remove_all([row[0] for row in rows], at)

    async def discard(self, attachment_id: UUID, at: datetime) -> None:
        """Let a file's blob be deleted."""
        await self._connection.execute(_DISCARD, keys=[attachment_key(attachment_id)], at=at)

    async def remove_all(self, attachment_ids: Sequence[UUID], at: datetime) -> None:
        """Delete files that are locked."""
        if not attachment_ids:
            return
        await self._connection.execute(_REMOVE, ids=list(attachment_ids))
        await self._connection.execute(_DISCARD, keys=[attachment_key(each) for each in attachment_ids], at=at)


async def by_ids(database: Database, viewer: UUID, attachment_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the attachments that the viewer may see."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(attachment_ids), viewer=viewer)}


async def get_own_upload(database: Database, viewer: UUID, attachment_id: UUID) -> Any:
    """A file that the viewer has uploaded, wherever it is now; None when there is none."""
    return await database.fetch_row(_OWN_UPLOAD, ids=[attachment_id], viewer=viewer)


async def get_ready(database: Database, attachment_id: UUID) -> Any:
    """A file that is complete, whoever may see it; None when there is none."""
    return await database.fetch_row(_READY, ids=[attachment_id])


async def avatars_by_ids(database: Database, attachment_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Pictures of people; who sees a person sees the picture."""
    return {row.id: row for row in await database.fetch(_AVATARS_BY_IDS, ids=list(attachment_ids))}


ATTACHMENTS = ListQuery(
    cls=Attachment,
    source=_a,
    id=_a.c.id,
    sorts={"CREATED_AT": (SortColumn(_a.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT"),),
    parent_clause=lambda parent: (_a.c.subject_id == parent) & attached,
    joined=lambda query: query.select_from(_with_subject),
    visible=lambda: project_visible(_project_id),
)
