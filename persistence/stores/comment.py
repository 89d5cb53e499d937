"""Comments and reactions: the store, the loaders and the lists."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, bindparam, exists, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from domain.comment import Comment
from domain.page import Order
from domain.permissions import Role
from persistence.access import VIEWER, any_id, project_open_to, project_visible
from persistence.engine.cursor import SortColumn, encode_cursor
from persistence.engine.database import Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, row_class, to_entity
from persistence.engine.statement import Statement
from persistence.row_inserts import RowInsert
from persistence.row_updates import RowUpdate, row_version
from persistence.tables import INSTANT, comment_reactions, comments, documents, projects, tasks, team_members
from persistence.transaction import Transaction

# A comment is in the project of its subject: a task or a document takes its comments along when it changes projects.
_c, _t, _d, _p, _m, _r = comments, tasks, documents, projects, team_members, comment_reactions
_ID, _USER = bindparam("id", type_=Uuid), bindparam("user", type_=Uuid)
_EMOJI = bindparam("emoji", type_=Text)
_project_id: ColumnElement[Any] = func.coalesce(_t.c.project_id, _d.c.project_id)
_team_id: ColumnElement[Any] = func.coalesce(_t.c.team_id, _d.c.team_id)
_comment_columns = [
    {"team_id": _team_id, "project_id": _project_id}.get(column.name, _c.c[column.name]).label(column.name)
    for column in columns(Comment, _c)
]
_with_subject = _c.outerjoin(_t, (_t.c.id == _c.c.subject_id) & (_c.c.subject_type == literal_column("'Task'"))).outerjoin(
    _d, (_d.c.id == _c.c.subject_id) & (_c.c.subject_type == literal_column("'Document'"))
)
_INSERT = RowInsert(Comment, _c, _t, dated_in="subject_id")
_UPDATE = RowUpdate(Comment, _c, exclude=("subject_id", "subject_type", "author_id", "parent_id", "team_id", "project_id"))
_accessible = (
    select(*_comment_columns, _m.c.role, (_p.c.status == literal_column("'ARCHIVED'")).label("archived"), row_version(_c))
    .select_from(_with_subject.join(_p, _p.c.id == _project_id).join(_m, _m.c.team_id == _p.c.team_id))
    .where(_c.c.id == _ID, _m.c.user_id == _USER, _p.c.deleted_at.is_(None), project_open_to(_p, _m, _USER))
)
_LOCK_DELETED = Statement(_accessible.with_for_update(of=_c))
_present = _accessible.where(_c.c.deleted_at.is_(None))
_READ_UNLOCKED, _LOCK = Statement(_present), Statement(_present.with_for_update(of=_c))
_replies = (
    select(*_comment_columns)
    .select_from(_with_subject)
    .where(_c.c.parent_id == _ID)
    .order_by(_c.c.created_at, _c.c.id)
    .with_for_update(of=_c)
)
_LOCK_REPLIES = Statement(_replies.where(_c.c.deleted_at.is_(None)))
_LOCK_DELETED_REPLIES = Statement(_replies.where(_c.c.deleted_at == bindparam("at", type_=INSTANT)))
_REACT = Statement(
    insert(_r).values(comment_id=_ID, user_id=_USER, emoji=_EMOJI).on_conflict_do_nothing().returning(_r.c.comment_id)
)
_UNREACT = Statement(
    _r.delete().where(_r.c.comment_id == _ID, _r.c.user_id == _USER, _r.c.emoji == _EMOJI).returning(_r.c.comment_id)
)
_COUNT_REACTIONS = Statement(select(func.count(_r.c.emoji.distinct())).where(_r.c.comment_id == _ID))
_BY_IDS = Statement(
    select(*_comment_columns)
    .select_from(_with_subject)
    .where(_c.c.id == any_id(), _c.c.deleted_at.is_(None), project_visible(_project_id, by_id=True)),
    row_class(Comment),
)
_REACTIONS = Statement(
    select(
        _r.c.comment_id,
        _r.c.emoji,
        func.count().label("count"),
        func.bool_or(_r.c.user_id == VIEWER).label("viewer_reacted"),
    )
    .where(_r.c.comment_id == any_id())
    .group_by(_r.c.comment_id, _r.c.emoji)
    .order_by(_r.c.comment_id, func.min(_r.c.created_at), _r.c.emoji)
)


_THREAD_COUNTS = Statement(
    select(_c.c.subject_id, func.count())
    .select_from(_with_subject)
    .where(
        _c.c.subject_id == any_id(), _c.c.parent_id.is_(None), _c.c.deleted_at.is_(None), project_visible(_project_id, by_id=True)
    )
    .group_by(_c.c.subject_id)
)


class SqlComments:
    """Comments over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def add(self, comment: Comment) -> Comment | None:
        """Insert a new comment, after all others about its subject: as it is stored; None when the id is taken."""
        created_at = await self._connection.insert(_INSERT, comment, comment.subject_id)
        return None if created_at is None else replace(comment, created_at=created_at)

    async def save(self, comment: Comment) -> None:
        """Update a changed comment."""
        await self._connection.save(_UPDATE, comment)

    async def lock(self, comment_id: UUID, user_id: UUID) -> tuple[Comment, Role, bool] | None:
        """A comment that the user may see, with their role and whether its project is archived."""
        row = await self._connection.fetch_row(_LOCK, id=comment_id, user=user_id)
        return row and (to_entity(Comment, row), Role(row["role"]), row["archived"])

    async def read_unlocked(self, comment_id: UUID, user_id: UUID) -> tuple[Comment, Role, bool] | None:
        """The same without a lock: `save` raises StaleRow if it was changed in between."""
        row = await self._connection.read_unlocked(_READ_UNLOCKED, _LOCK, id=comment_id, user=user_id)
        return row and (to_entity(Comment, row), Role(row["role"]), row["archived"])

    async def lock_deleted(self, comment_id: UUID, user_id: UUID) -> tuple[Comment, Role, bool] | None:
        """The same as `lock`, of a comment that may be deleted."""
        row = await self._connection.fetch_row(_LOCK_DELETED, id=comment_id, user=user_id)
        return row and (to_entity(Comment, row), Role(row["role"]), row["archived"])

    async def lock_deleted_replies(self, comment: Comment) -> Sequence[Comment]:
        """The answers that were deleted together with a comment, oldest first."""
        rows = await self._connection.fetch(_LOCK_DELETED_REPLIES, id=comment.id, at=comment.deleted_at)
        return [to_entity(Comment, row) for row in rows]

    async def lock_replies(self, comment_id: UUID) -> Sequence[Comment]:
        """The answers to a comment, oldest first."""
        return [to_entity(Comment, row) for row in await self._connection.fetch(_LOCK_REPLIES, id=comment_id)]

    async def react(self, comment_id: UUID, user_id: UUID, emoji: str) -> bool:
        """Insert a reaction; False when it exists."""
        return await self._connection.fetch_value(_REACT, id=comment_id, user=user_id, emoji=emoji) is not None

    async def unreact(self, comment_id: UUID, user_id: UUID, emoji: str) -> bool:
        """Delete a reaction; False when there is none."""
        return await self._connection.fetch_value(_UNREACT, id=comment_id, user=user_id, emoji=emoji) is not None

    async def count_reactions(self, comment_id: UUID) -> int:
        """How many different emoji a comment has."""
        number: int = await self._connection.fetch_value(_COUNT_REACTIONS, id=comment_id)
        return number


async def by_ids(database: Database, viewer: UUID, comment_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the comments that the viewer may see."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(comment_ids), viewer=viewer)}


async def reactions(database: Database, viewer: UUID, comment_ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """Per comment its reactions, the oldest emoji first: rows of `emoji`, `count` and `viewer_reacted`."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in await database.fetch(_REACTIONS, ids=list(comment_ids), viewer=viewer):
        found[row["comment_id"]].append(row)
    return found


async def thread_counts(database: Database, viewer: UUID, subject_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Per subject how many threads there are about it."""
    return {row[0]: row[1] for row in await database.fetch(_THREAD_COUNTS, ids=list(subject_ids), viewer=viewer)}


class _CommentSource:
    """Comments joined with their subjects, as a source with the columns of `Comment`."""

    c: ClassVar[dict[str, ColumnElement[Any]]] = {column.name: column for column in _comment_columns}


def _list_query(**options: Any) -> ListQuery:
    return ListQuery(
        cls=Comment,
        source=_CommentSource,
        id=_c.c.id,
        sorts={"CREATED_AT": (SortColumn(_c.c.created_at, "created_at"),)},
        default=(Order("CREATED_AT"),),
        joined=lambda query: query.select_from(_with_subject).where(_c.c.deleted_at.is_(None)),
        fields={"resolved_at": _c.c.resolved_at},
        **options,
    )


def _subject_visible(subject_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The viewer may see the task or document; asked once for all comments on it."""
    return or_(
        *(
            exists(
                select(literal_column("1"))
                .where(subject.c.id == subject_id, project_visible(subject.c.project_id, by_id=True))
                .offset(literal_column("0"))
            )
            for subject in (_t.alias("commented_task"), _d.alias("commented_document"))
        )
    )


def _is_answered(comment_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The viewer may see the comment, and answers to it."""
    first = _c.alias("first_comment")
    rows: Select[Any] = select(literal_column("1")).where(first.c.id == comment_id, _subject_visible(first.c.subject_id))
    return exists(rows.offset(literal_column("0")))


_ALL = _list_query(parent_clause=lambda parent: (_c.c.subject_id == parent) & _subject_visible(parent))
THREADS = _list_query(
    parent_clause=lambda parent: (_c.c.subject_id == parent) & _c.c.parent_id.is_(None) & _subject_visible(parent),
    counted_as=_ALL,  # what a badge shows: replies too
)
REPLIES = _list_query(parent_clause=lambda parent: (_c.c.parent_id == parent) & _is_answered(parent))


def cursor(comment: Any) -> str:
    """The cursor of a comment in its list."""
    return encode_cursor([(THREADS.sorts["CREATED_AT"][0], False)], comment)
