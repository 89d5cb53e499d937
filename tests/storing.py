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
from persistence.documents.versions import VersionStore
from persistence.unit_of_work import unit_of_work
from tests.app import App
from tests.people import People


class Cut(Exception):
    """The process ended here."""


class Faulty:
    """Blobs that are away from the n-th write on; with `lost`, that write arrives and only its answer is lost."""

    def __init__(self, blobs: BlobStore, *, after: int, lost: bool = False) -> None:
        self._blobs = blobs
        self._left = after
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    async def head(self, key: str) -> BlobInfo | None:
        return await self._blobs.head(key)

    async def get(self, key: str, *, limit: int = 2**26) -> Blob | None:
        return await self._blobs.get(key, limit=limit)

    async def put(self, key: str, content: bytes, *, content_type: str = "x/y", only_if: WriteCondition = None) -> str:
        self._left -= 1
        if self._left >= 0 or (self._left == -1 and self._lost):
            etag = await self._blobs.put(key, content, content_type=content_type, only_if=only_if)
            if self._left >= 0:
                return etag
        raise StorageUnavailable


def archive(app: App) -> VersionStore:
    return app.house.services.version_store


async def compared(app: App) -> IntegrityReport:
    return await check_integrity(app.house.database, archive(app).objects)


async def index(app: App) -> list[Any]:
    """All rows of the index."""
    found = await app.sql.fetch("SELECT row_to_json(documents)::text FROM documents ORDER BY id")
    found += await app.sql.fetch("SELECT row_to_json(document_versions)::text FROM document_versions ORDER BY id")
    return [orjson.loads(row[0]) for row in found]


async def begin(app: App, team: People, id_: UUID, blobs: BlobStore, *, cut: bool = False) -> Document:
    """Begin a document over other blobs; with `cut`, the process ends when everything is stored and nothing committed."""
    async with unit_of_work(app.house.database, app.house.services.pubsub, objects=DocumentObjects(blobs)) as uow:
        given = {"project_id": team.project.id, "title": "Cut"}
        made = await documents.create(uow, team.member.actor, id_, given)
        if cut:
            await uow.flush_events()
            raise Cut
    return made
