"""Rebuilds the index of documents from object storage alone.

Rows stay where they are as new as their objects, so this can run while people work. An object of an operation
that was cut off before its commit becomes a document, or a document's newer state: its writer got an error, and may
find that it did not. Edits that no version holds yet are in the log, which this only moves on: never behind what a version holds.
References (`domain.reference`) are rebuilt too, from newest versions, tasks and comments; the search index follows by its queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from domain import rank
from domain.codec import decode
from domain.document import Document, DocumentVersion
from domain.reference import MAY_LINK, documents_among
from persistence.access import any_id
from persistence.blobs.document_objects import PREFIX, DocumentObjects, content_key, document_key, gather_limited, version_key
from persistence.documents.integrity import document_id_in
from persistence.engine.database import Connection, Database
from persistence.engine.rows import to_params
from persistence.engine.statement import Statement
from persistence.markdown_links import read_links
from persistence.search.index_writes import enqueue
from persistence.stores import document_statements
from persistence.stores.document import MAX_SEARCH_CHARACTERS
from persistence.stores.reference import SqlReferences, rebuild_references
from persistence.tables import document_heads, documents, projects, users

_BATCH_DOCUMENTS = 100
_h = document_heads
_USERS = Statement(select(users.c.id).where(users.c.id == any_id()))
_PROJECTS = Statement(select(projects.c.id, projects.c.team_id).where(projects.c.id == any_id()))
_LOCK_EXISTING = Statement(
    select(documents.c.id, documents.c.version, documents.c.latest_number).where(documents.c.id == any_id()).with_for_update()
)
_LAST_RANK = Statement(select(func.max(documents.c.rank)).where(documents.c.project_id == bindparam("project", type_=Uuid)))
_position = bindparam("position", type_=BigInteger)
_ADVANCE_HEAD = Statement(
    insert(_h)
    .values(document_id=bindparam("id", type_=Uuid), position=_position, trimmed_to=_position)
    .on_conflict_do_update(
        index_elements=[_h.c.document_id], set_={"position": _position, "trimmed_to": _position}, where=_h.c.position < _position
    )
)


@dataclass(slots=True)
class ReindexReport:
    """How many rows were written or updated, how many tasks and comments link to documents, and the documents that could
    not be indexed: their project or owner is not there.
    """

    documents: int = 0
    versions: int = 0
    linking: int = 0
    orphaned: list[UUID] = field(default_factory=list)

    def __str__(self) -> str:
        """Counts, then the documents that could not be indexed, line by line."""
        lines = [f"{self.documents:,} documents and {self.versions:,} versions were indexed."]
        lines += [f"{self.linking:,} tasks and comments link to documents."]
        lines += [f"  the project or the owner of document {each} is not there" for each in self.orphaned]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Record:
    document: Document
    versions: Sequence[DocumentVersion]
    words: str
    links: frozenset[UUID]


async def reindex(database: Database, objects: DocumentObjects) -> ReindexReport:
    """Write every row that storage has an object for."""
    rebuilt = ReindexReport()
    waiting = [id_ async for listed in objects.blobs.find(PREFIX) if (id_ := _document_id_of(listed.key)) is not None]
    waiting.sort()
    records: dict[UUID, Document] = {}
    for start in range(0, len(waiting), _BATCH_DOCUMENTS):
        page = await gather_limited([_read_job(objects, each) for each in waiting[start : start + _BATCH_DOCUMENTS]])
        records |= {each.id: each for each in page if each is not None}
    ordered = _parents_first(records)
    for start in range(0, len(ordered), _BATCH_DOCUMENTS):
        page = await gather_limited([_gather_job(objects, each) for each in ordered[start : start + _BATCH_DOCUMENTS]])
        async with database.begin() as connection:
            await _write(connection, page, rebuilt)
    rebuilt.linking = await rebuild_references(database)
    return rebuilt


def _document_id_of(key: str) -> UUID | None:
    id_ = document_id_in(key)
    return id_ if id_ is not None and key == document_key(id_) else None


def _parents_first(records: dict[UUID, Document]) -> list[Document]:
    """Documents after those that they lie under; one whose parent is gone, or that lies under itself, comes to the top."""
    ordered: dict[UUID, Document] = {}
    for document in records.values():
        path: list[Document] = []
        at: Document | None = document
        while at is not None and at.id not in ordered and at not in path:
            path.append(at)
            at = records.get(at.parent_id) if at.parent_id is not None else None
        for each in reversed(path):
            ordered[each.id] = each if each.parent_id in ordered else replace(each, parent_id=None)
    return list(ordered.values())


async def _write(connection: Connection, page: Sequence[_Record], report: ReindexReport) -> None:
    wanted = list({each.document.project_id for each in page})
    teams = {row["id"]: row["team_id"] for row in await connection.fetch(_PROJECTS, ids=wanted)}
    known = {row["id"]: row for row in await connection.fetch(_LOCK_EXISTING, ids=[each.document.id for each in page])}
    named = {each.document.owner_id for each in page} | {saved.created_by_id for each in page for saved in each.versions}
    people = {row["id"] for row in await connection.fetch(_USERS, ids=[each for each in named if each is not None])}
    for each in page:
        if each.document.project_id not in teams or each.document.owner_id not in people:
            report.orphaned.append(each.document.id)
            continue
        document = replace(each.document, team_id=teams[each.document.project_id])
        if document.parent_id in report.orphaned:
            document = replace(document, parent_id=None)
        row = known.get(document.id)
        if row is None:
            await _add(connection, document)
        elif (row["version"], row["latest_number"]) < (document.version, document.latest_number):
            await connection.execute(document_statements.SAVE, **to_params(document))
        if row is None or (row["version"], row["latest_number"]) < (document.version, document.latest_number):
            await connection.execute(document_statements.UPDATE_SEARCH_TEXT, id=document.id, words=each.words)
            report.documents += 1
            await enqueue(connection, [("Document", document.id)], is_indexed=False)
        for version in each.versions:
            saver = version.created_by_id if version.created_by_id in people else None
            given = to_params(version) | {"created_by_id": saver}
            report.versions += await connection.fetch_value(document_statements.ADD_VERSION, **given) is not None
        if document.latest_position:
            await connection.execute(_ADVANCE_HEAD, id=document.id, position=document.latest_position)
        await SqlReferences(connection).replace(document, each.links)


async def _add(connection: Connection, document: Document) -> None:
    """Add a row; where another document has its place, which happens to what was cut off, it goes to the end of the project."""
    if await connection.fetch_value(document_statements.ADD, **to_params(document)) is None:
        last = await connection.fetch_value(_LAST_RANK, project=document.project_id)
        added = await connection.fetch_value(
            document_statements.ADD, **to_params(replace(document, rank=rank.between(last, None)))
        )
        assert added is not None


def _read_job(objects: DocumentObjects, document_id: UUID) -> Any:
    async def read() -> Document | None:
        record = await objects.read(document_key(document_id))
        return None if record is None else decode(Document, record)

    return read


def _gather_job(objects: DocumentObjects, document: Document) -> Any:
    async def gather() -> _Record:
        versions = []
        for number in range(1, document.latest_number + 1):
            saved = await objects.read(version_key(document.id, number))
            if saved is not None:
                versions.append(decode(DocumentVersion, saved))
        newest = max(versions, key=lambda each: (each.position, each.number), default=None)
        text = None if newest is None else await objects.blobs.get(content_key(document.id, newest.text))
        words = "" if text is None else text.content.decode(errors="replace")
        markdown = None if newest is None else await objects.blobs.get(content_key(document.id, newest.markdown))
        links = documents_among(
            await read_links(None if markdown is None else markdown.content.decode(errors="replace"), MAY_LINK)
        )
        return _Record(document, versions, words[:MAX_SEARCH_CHARACTERS].replace("\0", ""), links)

    return gather
