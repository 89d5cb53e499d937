"""Documents in storage for tests: storage that goes away, operations that are cut off, and what index and storage hold."""

from typing import Any
from uuid import UUID

import orjson

from domain import document as documents
from domain.blob import Blob, BlobInfo, BlobStore, WriteCondition
from domain.document import Document
from domain.errors import StorageUnavailable
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.integrity import IntegrityReport, check_integrity
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.teams import SampleTeam


class ProcessEnded(Exception):
    """The process ended here."""


class FaultyBlobs:
    """Blobs that are away from the n-th write on; with `lost`, that write arrives and only its answer is lost."""

    def __init__(self, blobs: BlobStore, *, successful_writes: int, loses_last_answer: bool = False) -> None:
        self._blobs = blobs
        self._remaining_writes = successful_writes
        self._loses_last_answer = loses_last_answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    async def head(self, key: str) -> BlobInfo | None:
        return await self._blobs.head(key)

    async def get(self, key: str, *, limit: int = 2**26) -> Blob | None:
        return await self._blobs.get(key, limit=limit)

    async def put(self, key: str, content: bytes, *, content_type: str = "x/y", only_if: WriteCondition = None) -> str:
        self._remaining_writes -= 1
        if self._remaining_writes >= 0 or (self._remaining_writes == -1 and self._loses_last_answer):
            etag = await self._blobs.put(key, content, content_type=content_type, only_if=only_if)
            if self._remaining_writes >= 0:
                return etag
        raise StorageUnavailable


def document_objects(app: App) -> DocumentObjects:
    return app.resources.services.document_objects


async def verify_documents(app: App) -> IntegrityReport:
    return await check_integrity(app.resources.database, document_objects(app))


async def index_rows(app: App) -> list[Any]:
    """All rows of the index."""
    found = await app.sql.fetch("SELECT row_to_json(documents)::text FROM documents ORDER BY id")
    found += await app.sql.fetch("SELECT row_to_json(document_versions)::text FROM document_versions ORDER BY id")
    return [orjson.loads(row[0]) for row in found]


async def create_document_with_blobs(
    app: App, team: SampleTeam, id_: UUID, blobs: BlobStore, *, end_before_commit: bool = False
) -> Document:
    """Begin a document over other blobs; with `cut`, the process ends when everything is stored and nothing committed."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub, objects=DocumentObjects(blobs)) as uow:
        given = {"project_id": team.project.id, "title": "Cut"}
        made = await documents.create(uow, team.member.actor, id_, given)
        if end_before_commit:
            await uow.flush_events()
            raise ProcessEnded
    return made
