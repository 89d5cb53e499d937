"""Reads the text of objects from their own tables, as it belongs in the search index."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Select, Table, Uuid, bindparam, func, literal_column, select

from domain.attachment import Attachment
from domain.comment import Comment
from domain.document import Document
from domain.project import Project
from domain.search.entry import SearchEntry, entry_of
from domain.task import Task
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, to_entity
from persistence.engine.statement import Statement
from persistence.tables import attached, attachments, comments, documents, projects, tasks, teams, users

_a, _c, _d, _p, _t = attachments, comments, documents, projects, tasks
_AFTER, _SIZE = bindparam("after", type_=Uuid), bindparam("size", type_=Integer)


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows of one type: by their ids, the same held until the end of the transaction, and in pages in the order of their
    ids.
    """

    cls: type[Any]
    by_ids: Statement
    locked: Statement
    page: Statement


def _source(cls: type[Any], table: Any, query: Select[Any]) -> _Source:
    named = query.where(table.c.id == any_id())
    return _Source(
        cls,
        Statement(named),
        Statement(named.order_by(table.c.id).with_for_update(read=True, of=table)),
        Statement(query.where(table.c.id > _AFTER).order_by(table.c.id).limit(_SIZE)),
    )


def _beside_subject(table: Any, type_column: Any, id_column: Any) -> Any:
    task = (_t.c.id == id_column) & (type_column == literal_column("'Task'"))
    document = (_d.c.id == id_column) & (type_column == literal_column("'Document'"))
    return table.outerjoin(_t, task).outerjoin(_d, document)


_place = func.coalesce(_t.c.project_id, _d.c.project_id).label("place")
SOURCES: Final[Mapping[str, _Source]] = {
    "Project": _source(Project, _p, select(*columns(Project, _p))),
    "Task": _source(Task, _t, select(*columns(Task, _t))),
    "Document": _source(Document, _d, select(*columns(Document, _d), _d.c.words)),
    "Comment": _source(
        Comment,
        _c,
        select(*columns(Comment, _c), _place)
        .select_from(_beside_subject(_c, _c.c.subject_type, _c.c.subject_id))
        .where(func.coalesce(_t.c.id, _d.c.id).is_not(None)),
    ),
    "Attachment": _source(
        Attachment,
        _a,
        select(*columns(Attachment, _a), _place)
        .select_from(_beside_subject(_a, _a.c.about_type, _a.c.about_id))
        .where(attached, func.coalesce(_t.c.id, _d.c.id).is_not(None)),
    ),
}
"""By the name of the type."""
TABLES: Final[Mapping[str, Table]] = {"Project": _p, "Task": _t, "Document": _d, "Comment": _c, "Attachment": _a}

_NAMES: Final = {
    "User": Statement(
        select(users.c.id, (users.c.first_name + " " + users.c.last_name).label("name")).where(users.c.id == any_id())
    ),
    "Team": Statement(select(teams.c.id, teams.c.name).where(teams.c.id == any_id())),
}


async def read(database: Database | Connection, type_name: str, ids: Sequence[UUID]) -> list[SearchEntry]:
    """The entries of those of the objects that are there."""
    return [_to_entry(type_name, row) for row in await database.fetch(SOURCES[type_name].by_ids, ids=list(ids))]


async def lock(connection: Connection, type_name: str, ids: Sequence[UUID]) -> list[SearchEntry]:
    """The same, while nobody changes these objects: what is written of them is not older than what their writers wrote."""
    return [_to_entry(type_name, row) for row in await connection.fetch(SOURCES[type_name].locked, ids=list(ids))]


async def read_all(database: Database, type_name: str, *, page_rows: int) -> AsyncIterator[list[SearchEntry]]:
    """The entries of all objects of a type, page by page."""
    after = UUID(int=0)
    while rows := await database.fetch(SOURCES[type_name].page, after=after, size=page_rows):
        after = rows[-1]["id"]
        yield [_to_entry(type_name, row) for row in rows]


async def read_names(database: Database | Connection, type_name: str, ids: Sequence[UUID]) -> list[str]:
    """The names of users or teams."""
    return [row["name"] for row in await database.fetch(_NAMES[type_name], ids=list(ids))]


def _to_entry(type_name: str, row: Any) -> SearchEntry:
    entity = to_entity(SOURCES[type_name].cls, row)
    if type_name == "Document":
        return entry_of(entity, text=row["words"])
    return entry_of(entity, project_id=row["place"] if type_name in ("Comment", "Attachment") else None)
