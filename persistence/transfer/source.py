"""Reads what a person may see of a team, a project or a document, at one instant, a few hundred rows at a time.

All of it is read in one REPEATABLE READ transaction through cursors of Postgres, so a file never refers to what is not in it, and
memory does not grow with the data. Which projects the person may see is decided first, by the rules of `persistence.access`; all
else hangs on those projects.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Table,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
)

from domain.errors import NotFound
from persistence.access import any_id, project_visible, shares_team
from persistence.engine.database import Connection, Database
from persistence.engine.row_stream import stream_rows
from persistence.engine.statement import Statement
from persistence.tables import (
    attached,
    attachments,
    comment_reactions,
    comments,
    documents,
    labels,
    project_members,
    projects,
    task_links,
    tasks,
    team_members,
    teams,
    users,
)

PAGE_ROWS: Final = 500
DOCUMENT_PAGE_ROWS: Final = 16
_t, _p, _d, _c, _a, _l, _u = tasks, projects, documents, comments, attachments, labels, users
_ONE: Any = literal_column("1")
_TEAM = bindparam("team", type_=Uuid)
_PROJECTS: Any = any_id("projects")
_DOCUMENTS: Any = any_id("documents")
_WITH_TASKS = bindparam("with_tasks", type_=Boolean)

_TEAM_ROW = Statement(select(teams.c.id, teams.c.name, teams.c.key, teams.c.description).where(teams.c.id == _TEAM))
VISIBLE_PROJECTS = Statement(
    select(_p.c.id).where(
        or_(_p.c.team_id == _TEAM, _p.c.id == bindparam("project", type_=Uuid)), project_visible(_p.c.id, by_id=True)
    )
)
_root = (
    select(_d.c.id, _d.c.project_id)
    .where(_d.c.id == bindparam("document", type_=Uuid), _d.c.deleted_at.is_(None), project_visible(_d.c.project_id, by_id=True))
    .cte("subtree", recursive=True)
)
_subtree = _root.union_all(
    select(_d.c.id, _d.c.project_id).select_from(_d.join(_root, _d.c.parent_id == _root.c.id)).where(_d.c.deleted_at.is_(None))
)
_SUBTREE = Statement(select(_subtree.c.id, _subtree.c.project_id))

_is_task = and_(_WITH_TASKS, _t.c.project_id == _PROJECTS, _t.c.deleted_at.is_(None))
_is_document = and_(
    _d.c.project_id == _PROJECTS,
    _d.c.deleted_at.is_(None),
    or_(bindparam("documents", type_=ARRAY(Uuid)).is_(None), _d.c.id == _DOCUMENTS),
)
_COUNT = Statement(
    select(
        select(func.count()).select_from(_t).where(_is_task).scalar_subquery().label("tasks"),
        select(func.count()).select_from(_d).where(_is_document).scalar_subquery().label("documents"),
    )
)


def _columns(table: Table, names: str) -> list[ColumnElement[Any]]:
    return [table.c[name].label(name) for name in names.split()]


def _sees_email(user_id: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((shares_team(user_id, by_id=True), _u.c.email_address), else_=null())


_LABELS = Statement(select(_l.c.id, _l.c.name, _l.c.color).where(_l.c.team_id == _TEAM).order_by(_l.c.name_collation, _l.c.id))
_MEMBERSHIPS = Statement(
    select(team_members.c.user_id, team_members.c.role)
    .where(team_members.c.team_id == _TEAM)
    .order_by(team_members.c.joined_at, team_members.c.user_id)
)
_members = (
    select(func.array_agg(project_members.c.user_id))
    .where(project_members.c.project_id == _p.c.id)
    .correlate(_p)
    .scalar_subquery()
)
_PROJECT_ROWS = Statement(
    select(
        _p.c.id,
        _p.c.name,
        _p.c.description,
        _p.c.status,
        _p.c.visibility,
        _p.c.start_on,
        _p.c.end_on,
        _p.c.lead_id.label("lead_id"),
        _p.c.creator_id.label("creator_id"),
        _p.c.created_at,
        func.coalesce(_members, literal_column("'{}'::uuid[]")).label("member_ids"),
    )
    .where(_p.c.id == _PROJECTS)
    .order_by(_p.c.created_at, _p.c.name_collation, _p.c.id)
)
_parent = tasks.alias("parent")
_TASK_ROWS = Statement(
    select(
        *_columns(
            _t,
            "id project_id parent_id number key title description status priority assignee_id "
            "creator_id start_on due_on recurrence completed_at estimate label_ids external_ref created_at updated_at",
        ),
        _parent.c.key.label("parent_key"),
    )
    .select_from(_t.join(_p, _p.c.id == _t.c.project_id).outerjoin(_parent, _parent.c.id == _t.c.parent_id))
    .where(_is_task)
    .order_by(_p.c.created_at, _p.c.name_collation, _p.c.id, _t.c.rank)
)
_target = tasks.alias("target")
# A link is two rows: the one whose kind is not an inverse, of RELATES_TO the one of the older task.
_LINK_ROWS = Statement(
    select(task_links.c.task_id, task_links.c.target_id, task_links.c.kind)
    .select_from(task_links.join(_t, _t.c.id == task_links.c.task_id).join(_target, _target.c.id == task_links.c.target_id))
    .where(
        _is_task,
        _target.c.project_id == _PROJECTS,
        _target.c.deleted_at.is_(None),
        or_(
            task_links.c.kind.in_([literal_column("'BLOCKS'"), literal_column("'DUPLICATES'")]),
            and_(task_links.c.kind == literal_column("'RELATES_TO'"), _t.c.number < _target.c.number),
        ),
    )
    .order_by(_t.c.number, _target.c.number, task_links.c.kind)
)
_DOCUMENT_ROWS = Statement(
    select(*_columns(_d, "id project_id parent_id title type owner_id created_at updated_at"))
    .select_from(_d.join(_p, _p.c.id == _d.c.project_id))
    .where(_is_document)
    .order_by(_p.c.created_at, _p.c.name_collation, _p.c.id, _d.c.rank)
)
_subject_is_there = or_(
    exists(select(_ONE).where(_t.c.id == _c.c.subject_id, _is_task)),
    exists(select(_ONE).where(_d.c.id == _c.c.subject_id, _is_document)),
)
_reactions = (
    select(
        func.jsonb_agg(
            func.jsonb_build_array(comment_reactions.c.emoji, comment_reactions.c.user_id),
        )
    )
    .where(comment_reactions.c.comment_id == _c.c.id)
    .correlate(_c)
    .scalar_subquery()
)
_comments = (
    select(
        *_columns(
            _c,
            "id subject_type subject_id parent_id author_id body anchor_quote anchor_prefix "
            "anchor_suffix anchor_start resolved_at resolved_by_id edited_at created_at",
        ),
        func.coalesce(_reactions, literal_column("'[]'::jsonb")).label("reactions"),
    )
    .where(_c.c.deleted_at.is_(None))
    .order_by(_c.c.created_at, _c.c.id)
)
_COMMENT_ROWS = Statement(_comments.where(_c.c.project_id == _PROJECTS, _subject_is_there))
_COMMENTS_ON = Statement(_comments.where(_c.c.subject_id == any_id()))
_subject_comment = select(_ONE).where(_c.c.id == _a.c.subject_id, _c.c.deleted_at.is_(None))
_files = (
    select(
        *_columns(
            _a, "id subject_type subject_id uploader_id file_name content_type byte_size sha256 created_at about_type about_id"
        )
    )
    .where(attached, or_(_a.c.subject_type != literal_column("'Comment'"), exists(_subject_comment)))
    .order_by(_a.c.created_at, _a.c.id)
)
_ATTACHMENT_ROWS = Statement(
    _files.select_from(
        _a.outerjoin(_t, and_(_t.c.id == _a.c.about_id, _a.c.about_type == literal_column("'Task'"), _is_task)).outerjoin(
            _d, and_(_d.c.id == _a.c.about_id, _a.c.about_type == literal_column("'Document'"), _is_document)
        )
    ).where(or_(_t.c.id.is_not(None), _d.c.id.is_not(None)))
)
_ATTACHMENTS_ON = Statement(_files.where(_a.c.subject_id == any_id()))
_PEOPLE = Statement(
    select(_u.c.id, _sees_email(_u.c.id).label("email"), _u.c.first_name, _u.c.last_name)
    .where(_u.c.id == any_id())
    .order_by(_u.c.name_collation, _u.c.email_key)
)


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What one export reads. `document_ids`: only these documents, and no tasks; None for all."""

    connection: Connection
    viewer: UUID
    team_id: UUID
    project_ids: Sequence[UUID]
    document_ids: Sequence[UUID] | None

    @property
    def _scope(self) -> dict[str, Any]:
        return {
            "viewer": self.viewer,
            "team": self.team_id,
            "projects": self.project_ids,
            "documents": self.document_ids,
            "with_tasks": self.document_ids is None,
        }

    async def count(self) -> tuple[int, int]:
        """How many tasks and documents there are."""
        row = await self.connection.fetch_row(_COUNT, **self._scope)
        return row["tasks"], row["documents"]

    async def team(self) -> Any:
        """The team's row."""
        return await self.connection.fetch_row(_TEAM_ROW, **self._scope)

    async def memberships(self) -> list[Any]:
        """Who is what in the team, the longest member first."""
        return await self.connection.fetch(_MEMBERSHIPS, **self._scope)

    async def people(self, user_ids: Collection[UUID]) -> list[Any]:
        """People by name; an address only where the viewer may see it."""
        return await self.connection.fetch(_PEOPLE, viewer=self.viewer, ids=list(user_ids))

    async def labels(self) -> list[Any]:
        """The labels of the team, by name."""
        return await self.connection.fetch(_LABELS, **self._scope)

    async def projects(self) -> list[Any]:
        """The projects, the oldest first, each with its `member_ids`."""
        return await self.connection.fetch(_PROJECT_ROWS, **self._scope)

    def tasks(self) -> AsyncIterator[list[Any]]:
        """The tasks, in the order of their projects and in these by rank."""
        return stream_rows(self.connection, _TASK_ROWS, PAGE_ROWS, **self._scope)

    def links(self) -> AsyncIterator[list[Any]]:
        """The links between these tasks, each once."""
        return stream_rows(self.connection, _LINK_ROWS, PAGE_ROWS, **self._scope)

    def documents(self) -> AsyncIterator[list[Any]]:
        """The documents, in the order of their projects and in these by rank."""
        return stream_rows(self.connection, _DOCUMENT_ROWS, DOCUMENT_PAGE_ROWS, **self._scope)

    def comments(self) -> AsyncIterator[list[Any]]:
        """The comments on these tasks and documents, the oldest first, with `reactions`: lists of an emoji and a user's id."""
        return stream_rows(self.connection, _COMMENT_ROWS, PAGE_ROWS, **self._scope)

    def attachments(self) -> AsyncIterator[list[Any]]:
        """The files on these tasks, documents and comments, the oldest first."""
        return stream_rows(self.connection, _ATTACHMENT_ROWS, PAGE_ROWS, **self._scope)

    async def comments_on(self, subject_ids: Sequence[UUID]) -> list[Any]:
        """The comments on some of these tasks or documents."""
        return await self.connection.fetch(_COMMENTS_ON, ids=list(subject_ids))

    async def attachments_on(self, subject_ids: Sequence[UUID]) -> list[Any]:
        """The files on some of these tasks, documents or comments."""
        return await self.connection.fetch(_ATTACHMENTS_ON, ids=list(subject_ids))


@asynccontextmanager
async def open_source(
    database: Database, viewer: UUID, team_id: UUID, *, project_id: UUID | None, document_id: UUID | None
) -> AsyncIterator[ExportSource]:
    """What the viewer may see now of a team, or only of a project, or of a document and those below it. Raises NotFound."""
    async with database.begin(snapshot=True) as connection:
        if document_id is not None:
            found = await connection.fetch(_SUBTREE, viewer=viewer, document=document_id)
            if not found:
                raise NotFound
            yield ExportSource(connection, viewer, team_id, [found[0]["project_id"]], [row["id"] for row in found])
            return
        scope = {"team": None if project_id is not None else team_id, "project": project_id}
        rows = await connection.fetch(VISIBLE_PROJECTS, viewer=viewer, **scope)
        if not rows and project_id is not None:
            raise NotFound
        yield ExportSource(connection, viewer, team_id, [row[0] for row in rows], None)
