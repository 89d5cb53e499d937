"""Watchers and seen marks: the store and the loaders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, Uuid, bindparam, func, literal_column, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import Select
from sqlalchemy.sql.schema import Table

from persistence.access import VIEWER, any_id, project_visible
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.events.activity import is_history
from persistence.row_inserts import WATCHERS
from persistence.tables import INSTANT, comments, documents, events, seen_marks, streams, tasks, watchers
from persistence.transaction import Transaction

_SUBJECT, _USER = bindparam("subject", type_=Uuid), bindparam("user", type_=Uuid)
_WATCH = Statement(
    insert(watchers)
    .from_select(
        ["subject_id", "subject_type", "user_id"],
        select(_SUBJECT, bindparam("type", type_=Text), func.unnest(bindparam("users", type_=ARRAY(Uuid)))),
    )
    .on_conflict_do_nothing()
)
_WATCHERS_OF = Statement(select(watchers.c.user_id).where(watchers.c.subject_id == _SUBJECT).order_by(watchers.c.user_id))
_UNWATCH = Statement(watchers.delete().where(watchers.c.subject_id == _SUBJECT, watchers.c.user_id == _USER))
_stream_head = func.coalesce(
    select(streams.c.position).where(streams.c.stream == bindparam("stream", type_=Text)).scalar_subquery(),
    literal_column("0", BigInteger),
)
_insert_mark = insert(seen_marks).from_select(
    ["user_id", "subject_id", "stream", "position", "at"],
    select(_USER, _SUBJECT, bindparam("stream", type_=Text), _stream_head, bindparam("at", type_=INSTANT)),
)
_MARK_SEEN = Statement(
    _insert_mark.on_conflict_do_update(
        index_elements=[seen_marks.c.user_id, seen_marks.c.subject_id],
        set_={name: _insert_mark.excluded[name] for name in ("stream", "position", "at")},
    )
)
_WATCHED = Statement(select(watchers.c.subject_id).where(watchers.c.subject_id == any_id(), watchers.c.user_id == VIEWER))


def _visible_subjects(table: Table) -> Select[Any]:
    """Of tasks or documents those that are asked about and that the viewer may see."""
    wanted = select(table.c.id, table.c.created_at)
    return wanted.where(table.c.id == any_id(), project_visible(table.c.project_id, by_id=True))


_subjects = union_all(_visible_subjects(tasks), _visible_subjects(documents)).subquery("subject")
_UNREAD = Statement(
    select(
        _subjects.c.id,
        func.coalesce(func.min(seen_marks.c.at), _subjects.c.created_at).label("since"),
        func.count(events.c.id).label("change_count"),
        func.count(events.c.id).filter(events.c.kind == literal_column("'COMMENTED'")).label("comment_count"),
    )
    .select_from(
        _subjects.outerjoin(seen_marks, (seen_marks.c.subject_id == _subjects.c.id) & (seen_marks.c.user_id == VIEWER)).join(
            events, events.c.about_id == _subjects.c.id
        )
    )
    .where(
        events.c.actor_id.is_distinct_from(VIEWER),
        is_history(events),
        ~(
            select(literal_column("1"))
            .where(comments.c.id == events.c.entity_id, comments.c.deleted_at.is_not(None))
            .correlate(events)
            .exists()
        ),
        or_(
            seen_marks.c.position.is_(None),
            (events.c.stream == seen_marks.c.stream) & (events.c.position > seen_marks.c.position),
            (events.c.stream != seen_marks.c.stream) & (events.c.at > seen_marks.c.at),  # of a team where it once was
        ),
    )
    .group_by(_subjects.c.id, _subjects.c.created_at)
)


class SqlWatches:
    """Watchers and marks over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def watch(self, subject_type: str, subject_id: UUID, user_ids: Sequence[UUID]) -> None:
        """Add watchers; present ones stay."""
        rows = [{"subject_id": subject_id, "subject_type": subject_type, "user_id": each} for each in user_ids]
        if rows and not self._connection.add_to_pending(WATCHERS, rows):
            await self._connection.execute(_WATCH, subject=subject_id, type=subject_type, users=list(user_ids))

    async def watchers(self, subject_id: UUID) -> Sequence[UUID]:
        """The watchers of a subject, in the order of their ids."""
        return [row[0] for row in await self._connection.fetch(_WATCHERS_OF, subject=subject_id)]

    async def unwatch(self, subject_id: UUID, user_id: UUID) -> None:
        """Stop watching."""
        await self._connection.execute(_UNWATCH, subject=subject_id, user=user_id)

    async def mark_seen(self, user_id: UUID, subject_id: UUID, stream: str, at: datetime) -> None:
        """Mark the changes of the subject in the stream up to now as seen by the user."""
        await self._connection.execute(_MARK_SEEN, user=user_id, subject=subject_id, stream=stream, at=at)


async def watched_ids(database: Database, viewer: UUID, subject_ids: Sequence[UUID]) -> set[UUID]:
    """Which of the subjects the viewer watches."""
    return {row[0] for row in await database.fetch(_WATCHED, ids=list(subject_ids), viewer=viewer)}


async def unread_counts(database: Database, viewer: UUID, subject_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Per subject what others changed since the viewer last saw it: rows of `since`, `change_count`, `comment_count`."""
    return {row[0]: row for row in await database.fetch(_UNREAD, ids=list(subject_ids), viewer=viewer)}
