"""Copies the blobs that the rows of a snapshot name, out of storage and into it.

Blobs never change under their key, but for the JSON objects of documents and versions, which a write may replace at any moment:
these are made anew from the rows of the snapshot, so that they are what the rows say.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import orjson
from sqlalchemy import Text, cast, column, func, literal_column, select, true, union_all
from sqlalchemy.dialects.postgresql import JSONB

from domain.blob import FILE_PART_BYTES, BlobStore, attachment_key
from domain.codec import encode
from domain.document import Document, DocumentVersion
from domain.errors import StorageUnavailable
from persistence.backup.folder import BackupFolder, BlobLine, HashedFile, write_json_line
from persistence.blobs.document_objects import JSON_TYPE, content_key, document_key, version_key
from persistence.engine.database import Connection
from persistence.engine.row_stream import stream_rows
from persistence.engine.rows import columns, row_class, to_entity
from persistence.engine.statement import Statement
from persistence.tables import attachments, document_versions, documents, user_jobs

T = TypeVar("T")
MAX_CONCURRENT_COPIES: Final = 8
_PAGE_ROWS: Final = 500
_RETRY_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0)

_a, _d, _v, _j = attachments, documents, document_versions, user_jobs
_ATTACHMENTS = Statement(select(_a.c.id, _a.c.sha256, (_a.c.state == literal_column("'READY'")).label("is_ready")))
_DOCUMENTS = Statement(select(*columns(Document, _d)), row_class(Document))
_VERSIONS = Statement(select(*columns(DocumentVersion, _v)), row_class(DocumentVersion))
_contents = union_all(*(select(_v.c.document_id, _v.c[name].label("sha256")) for name in ("crdt", "markdown", "text"))).subquery()
_CONTENTS = Statement(select(_contents.c.document_id, _contents.c.sha256).distinct())
_file = func.jsonb_array_elements(_j.c.files).table_valued(column("value", JSONB), name="file")
_JOB_FILES = Statement(select(cast(_file.c.value["key"].astext, Text).label("key")).select_from(_j.join(_file, true())))


class StorageInUse(Exception):
    """Storage holds a blob of something else, whose key is the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedBlob:
    """A blob that a row names. `is_required`: it must be there; an upload may not have arrived yet."""

    key: str
    sha256: str | None = None
    is_required: bool = True


class BlobsWriter:
    """Writes blobs into a backup, with a line about each into `listing`; `lost` are the keys of those that storage lacks."""

    def __init__(self, folder: BackupFolder, listing: HashedFile) -> None:
        self._folder = folder
        self._listing = listing
        self.count = 0
        self.lost: list[str] = []

    async def write_records(self, connection: Connection) -> None:
        """Write the JSON objects of the documents and versions that the transaction of the connection sees."""
        async for rows in stream_rows(connection, _DOCUMENTS, _PAGE_ROWS):
            for row in rows:
                self._write_record(document_key(row.id), to_entity(Document, row))
        async for rows in stream_rows(connection, _VERSIONS, _PAGE_ROWS):
            for row in rows:
                self._write_record(version_key(row.document_id, row.number), to_entity(DocumentVersion, row))

    async def copy_all(self, blobs: BlobStore, named: Iterator[NamedBlob]) -> None:
        """Copy blobs out of storage, some at once. Raises StorageUnavailable where it stays away."""
        await _for_each(named, lambda each: self._copy(blobs, each))

    async def _copy(self, blobs: BlobStore, named: NamedBlob) -> None:
        info = await _persistently(lambda: blobs.head(named.key))
        path = self._folder.blob_path(named.key)
        if info is not None:
            with _create(path) as file:
                while part := await self._next_part(blobs, named.key, file.byte_size, info.byte_size):
                    file.write(part)
            if file.byte_size == info.byte_size and file.sha256 == (named.sha256 or info.sha256 or file.sha256):
                self._add(named.key, file, info.content_type)
                return
            path.unlink()
        self.lost += [named.key] * named.is_required

    async def _next_part(self, blobs: BlobStore, key: str, start: int, end: int) -> bytes | None:
        return await _persistently(lambda: blobs.get_part(key, start, FILE_PART_BYTES)) if start < end else None

    def _write_record(self, key: str, entity: Document | DocumentVersion) -> None:
        with _create(self._folder.blob_path(key)) as file:
            file.write(orjson.dumps(encode(entity)))
        self._add(key, file, JSON_TYPE)

    def _add(self, key: str, file: HashedFile, content_type: str) -> None:
        self.count += 1
        line = BlobLine(key=key, byte_size=file.byte_size, sha256=file.sha256, content_type=content_type)
        write_json_line(self._listing, line)


async def named_blobs(connection: Connection) -> AsyncIterator[NamedBlob]:
    """Every blob that the rows of the transaction name, each once, but for the JSON objects of documents."""
    async for rows in stream_rows(connection, _ATTACHMENTS, _PAGE_ROWS):
        for row in rows:
            yield NamedBlob(key=attachment_key(row["id"]), sha256=row["sha256"] or None, is_required=row["is_ready"])
    async for rows in stream_rows(connection, _CONTENTS, _PAGE_ROWS):
        for row in rows:
            yield NamedBlob(key=content_key(row["document_id"], row["sha256"]), sha256=row["sha256"])
    async for rows in stream_rows(connection, _JOB_FILES, _PAGE_ROWS):
        for row in rows:
            yield NamedBlob(key=row["key"])


async def require_storage_free(blobs: BlobStore, folder: BackupFolder) -> None:
    """Raises StorageInUse where storage holds a blob that is not one of the backup's."""
    known = {each.key for each in folder.blobs()}
    async for listed in blobs.find(""):
        if listed.key not in known:
            raise StorageInUse(listed.key)


async def put_all(blobs: BlobStore, folder: BackupFolder) -> None:
    """Store all blobs of a backup, some at once; those that are there already are written again. Raises StorageUnavailable."""

    async def put(each: BlobLine) -> None:
        with folder.blob_path(each.key).open("rb") as file:
            await _persistently(lambda: blobs.put_file(each.key, file, content_type=each.content_type))

    await _for_each(folder.blobs(), put)


async def _for_each(items: Iterator[T], work: Callable[[T], Awaitable[None]]) -> None:
    async def take() -> None:
        for each in items:
            await work(each)

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAX_CONCURRENT_COPIES):
                tasks.create_task(take())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _persistently(call: Callable[[], Awaitable[T]]) -> T:
    """The result of a call to storage, which may be away for some seconds."""
    for pause in _RETRY_PAUSES_SECONDS:
        with suppress(StorageUnavailable):
            return await call()
        await asyncio.sleep(pause)
    return await call()


def _create(path: Path) -> HashedFile:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return HashedFile(path.open("xb"))
