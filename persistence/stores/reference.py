"""References between texts and documents: the store, the backlinks of a document, and the rebuild of all references."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Text, Uuid, and_, bindparam, func, literal_column, not_, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.schema import Table

from domain.page import Order
from domain.reference import extract_links
from persistence.access import project_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.pages import ListQuery
from persistence.engine.statement import Statement
from persistence.tables import comments, document_references, documents, tasks

MAX_BATCH_ROWS = 500
_r, _t, _d = document_references, tasks, documents
_HOLDER_TYPE, _HOLDER = bindparam("holder_type", type_=Text), bindparam("holder_id", type_=Uuid)
_SUBJECT_TYPE, _SUBJECT = bindparam("subject_type", type_=Text), bindparam("subject_id", type_=Uuid)
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_DELETE_OTHERS = Statement(
    _r.delete().where(_r.c.holder_id == _HOLDER, _r.c.holder_type == _HOLDER_TYPE, _r.c.document_id != func.all(_IDS))
)
_INSERT = Statement(
    insert(_r)
    .from_select(
        ["document_id", "subject_id", "subject_type", "holder_type", "holder_id"],
        select(func.unnest(_IDS), _SUBJECT, _SUBJECT_TYPE, _HOLDER_TYPE, _HOLDER),
    )
    .on_conflict_do_nothing()
)


class SqlReferences:
    """References over one transaction, which has locked the row of their holder."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def replace(self, holder: Any, document_ids: Collection[UUID]) -> None:
        """The text of the holder links to these documents and to no others."""
        await self._connection.execute(
            _DELETE_OTHERS, holder_id=holder.id, holder_type=holder.type_name, ids=sorted(document_ids)
        )
        await self.add(holder, document_ids)

    async def add(self, holder: Any, document_ids: Collection[UUID]) -> None:
        """The text of the holder links to these documents too."""
        subject_type, subject_id = _subject_of(holder)
        others = sorted(set(document_ids) - {subject_id})
        if others:
            await self._connection.execute(
                _INSERT,
                ids=others,
                subject_id=subject_id,
                subject_type=subject_type,
                holder_type=holder.type_name,
                holder_id=holder.id,
            )


def _subject_of(holder: Any) -> tuple[str, UUID]:
    """The subject of a comment, else the holder itself."""
    return (holder.subject_type, holder.subject_id) if holder.type_name == "Comment" else (holder.type_name, holder.id)


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlink:
    """A task or document that links to a document, itself or in a comment on it. `created_at` is its own."""

    id: UUID
    subject_type: str
    created_at: datetime


_created_at: ColumnElement[Any] = func.coalesce(_t.c.created_at, _d.c.created_at, type_=_t.c.created_at.type)
_project_id: ColumnElement[Any] = func.coalesce(_t.c.project_id, _d.c.project_id)
_deleted_at: ColumnElement[Any] = func.coalesce(_t.c.deleted_at, _d.c.deleted_at)
_with_subject = _r.outerjoin(_t, (_t.c.id == _r.c.subject_id) & (_r.c.subject_type == literal_column("'Task'"))).outerjoin(
    _d, (_d.c.id == _r.c.subject_id) & (_r.c.subject_type == literal_column("'Document'"))
)


class _BacklinkSource:
    """References joined with their subjects, as a source with the columns of `Backlink`."""

    c: ClassVar[dict[str, ColumnElement[Any]]] = {
        "id": _r.c.subject_id,
        "subject_type": _r.c.subject_type,
        "created_at": _created_at,
    }


def _is_first_reference() -> ColumnElement[bool]:
    """One reference for each subject, however often it and its comments link to the document."""
    other = _r.alias("other_reference")
    earlier = (
        select(literal_column("1"))
        .where(
            other.c.document_id == _r.c.document_id,
            other.c.subject_id == _r.c.subject_id,
            tuple_(other.c.holder_type, other.c.holder_id) < tuple_(_r.c.holder_type, _r.c.holder_id),
        )
        .correlate(_r)
        .exists()
    )
    return not_(earlier)


BACKLINKS = ListQuery(
    cls=Backlink,
    source=_BacklinkSource,
    id=_r.c.subject_id,
    sorts={"CREATED_AT": (SortColumn(_created_at, "created_at"),)},
    default=(Order("CREATED_AT", descending=True),),
    joined=lambda query: query.select_from(_with_subject),
    parent_clause=lambda parent: _r.c.document_id == parent,
    visible=lambda: and_(_is_first_reference(), _deleted_at.is_(None), project_visible(_project_id)),
    fields={"subject_type": _r.c.subject_type},
)


# ── rebuild ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Holder:
    type_name: str
    id: UUID
    subject_type: str
    subject_id: UUID


def _holders_page(table: Table, text: ColumnElement[Any], *subject: ColumnElement[Any]) -> Statement:
    """A page of the rows of a table that link to documents, or did so; locked, so that their texts do not change."""
    has_reference = select(literal_column("1")).where(_r.c.holder_id == table.c.id).correlate(table).exists()
    may_link = func.lower(text).like(literal_column("'%document%'"))
    return Statement(
        select(table.c.id, text.label("text"), table.c.deleted_at, *subject)
        .where(table.c.id > bindparam("after", type_=Uuid), or_(may_link, has_reference))
        .order_by(table.c.id)
        .limit(bindparam("size", type_=Integer))
        .with_for_update()
    )


_HOLDERS = {
    "Task": _holders_page(tasks, tasks.c.description),
    "Comment": _holders_page(comments, comments.c.body, comments.c.subject_type, comments.c.subject_id),
}


async def rebuild_references(database: Database) -> int:
    """Rebuild the references of all tasks and comments from their texts, while people work; how many of them link to
    documents."""
    count = 0
    for type_name, statement in _HOLDERS.items():
        after = UUID(int=0)
        while True:
            async with database.begin() as connection:
                store = SqlReferences(connection)
                page = await connection.fetch(statement, after=after, size=MAX_BATCH_ROWS)
                for row in page:
                    is_deleted = type_name == "Comment" and row["deleted_at"] is not None
                    found = frozenset[UUID]() if is_deleted else extract_links(row["text"])
                    subject = ("Task", row["id"]) if type_name == "Task" else (row["subject_type"], row["subject_id"])
                    await store.replace(_Holder(type_name, row["id"], *subject), found)
                    count += bool(found)
            if len(page) < MAX_BATCH_ROWS:
                break
            after = page[-1]["id"]
    return count
