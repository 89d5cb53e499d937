"""Reads what documents and versions say in a given format: stored contents where there are any, else rendered or merged, and
cached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from sys import getsizeof
from typing import Any
from uuid import UUID

from domain.document import ContentFormat, DocumentType
from persistence.blobs.document_objects import gather_limited
from persistence.documents.document_reader import DocumentReader, StoredState
from persistence.documents.rendering import difference, full_state, render
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.lru_cache import LruCache

_CACHE_BYTES = 32 * 1024 * 1024
_ENTRY_BYTES = 400  # beside the text
# The attribute of a version that names the contents stored in a format.
STORED_ATTRIBUTES: Mapping[ContentFormat, str] = {
    ContentFormat.MARKDOWN: "markdown",
    ContentFormat.TEXT: "text",
    ContentFormat.CRDT: "crdt",
}


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """What a document says at a position of its log: `crdt` in the format of that name, `text` in all others."""

    format: ContentFormat
    position: int
    text: str | None = None
    crdt: bytes | None = None


class ContentReader:
    """Reads contents; lives as long as the process."""

    def __init__(self, reader: DocumentReader, workers: WorkerPool) -> None:
        self._reader = reader
        self._workers = workers
        self._rendered: LruCache[tuple[UUID, int, ContentFormat], str | bytes] = LruCache("document texts", _CACHE_BYTES)

    async def read_current(
        self, documents: Sequence[Any], format_: ContentFormat, *, owner: UUID | None = None
    ) -> list[DocumentContent]:
        """
        What each document says now, in the order given, edits that no version holds yet included.

        `owner` is the person on whose behalf it is rendered. Raises what `DocumentReader.read` and `WorkerPool.run` raise.
        """
        states = await self._reader.read([each.id for each in documents])
        return await gather_limited(
            [
                partial(self.read_state, DocumentType(each.type), state, format_, owner=owner)
                for each, state in zip(documents, states, strict=True)
            ]
        )

    async def read_state(
        self, type_: DocumentType, state: StoredState, format_: ContentFormat, *, owner: UUID | None = None
    ) -> DocumentContent:
        """What a document says at a position."""
        if state.base is not None and not state.edits:
            return await self.read_version(type_, state.base, format_, owner=owner)
        key = state.document_id, state.position, format_
        content = self._rendered.get(key)
        if content is None:
            run, edited = partial(self._workers.run, state.size, owner=owner), (state.snapshot, state.updates)
            is_crdt = format_ is ContentFormat.CRDT
            content = await (run(full_state, *edited) if is_crdt else run(render, type_, *edited, format_))
            self._rendered.put(key, content, getsizeof(content) + _ENTRY_BYTES)
        if isinstance(content, bytes):
            return DocumentContent(format_, state.position, crdt=content)
        return DocumentContent(format_, state.position, text=content)

    async def difference(self, document_id: UUID, vector: bytes, *, owner: UUID | None = None) -> bytes:
        """
        What a client with this state vector is missing of what is durable now.

        Raises InvalidUpdate, Unavailable, and what `WorkerPool.run` raises.
        """
        (state,) = await self._reader.read([document_id])
        return await self._workers.run(state.size, difference, state.snapshot, state.updates, vector, owner=owner)

    async def read_version(
        self, type_: DocumentType, version: Any, format_: ContentFormat, *, owner: UUID | None = None
    ) -> DocumentContent:
        """What a version says."""
        if format_ in STORED_ATTRIBUTES:
            stored = await self._reader.read_content(version.document_id, getattr(version, STORED_ATTRIBUTES[format_]))
            if format_ is ContentFormat.CRDT:
                return DocumentContent(format_, version.position, crdt=stored)
            return DocumentContent(format_, version.position, text=stored.decode())
        key = version.document_id, version.position, format_
        text = self._rendered.get(key)
        if not isinstance(text, str):
            snapshot = await self._reader.read_content(version.document_id, version.crdt)
            text = await self._workers.run(len(snapshot), render, type_, snapshot, (), format_, owner=owner)
            self._rendered.put(key, text, getsizeof(text) + _ENTRY_BYTES)
        return DocumentContent(format_, version.position, text=text)
