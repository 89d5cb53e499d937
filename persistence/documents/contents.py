"""What documents and versions say, in the form that is asked for: stored contents where there are any, else rendered, and kept a
while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.document import ContentFormat, DocumentType
from persistence.blobs.document_objects import together
from persistence.documents.byte_cache import Kept
from persistence.documents.document_reader import State, States
from persistence.documents.rendering import render, whole
from persistence.documents.worker_pool import Workshop

_ROOM = 32 * 1024 * 1024
# The attribute of a version that names the contents stored in a form.
STORED: Mapping[ContentFormat, str] = {
    ContentFormat.MARKDOWN: "markdown",
    ContentFormat.TEXT: "text",
    ContentFormat.CRDT: "crdt",
}


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """What a document says at a position of its log: as `crdt` in the form of that name, as `text` in all others."""

    format: ContentFormat
    position: int
    text: str | None = None
    crdt: bytes | None = None


class Contents:
    """Reads contents; lives as long as the process."""

    def __init__(self, states: States, workshop: Workshop) -> None:
        self._states = states
        self._workshop = workshop
        self._rendered: Kept[tuple[UUID, int, ContentFormat], str] = Kept(_ROOM)

    async def now(self, documents: Sequence[Any], format_: ContentFormat) -> list[DocumentContent]:
        """What each document says now, in the order given; edits that no version holds yet among it."""
        states = await self._states.of([each.id for each in documents])
        return await together(
            [_job(self.of_state, DocumentType(each.type), state, format_) for each, state in zip(documents, states, strict=True)]
        )

    async def of_state(self, type_: DocumentType, state: State, format_: ContentFormat) -> DocumentContent:
        """What a document says at a position."""
        if state.base is not None and not state.edits:
            return await self.of_version(type_, state.base, format_)
        size = state.size
        if format_ is ContentFormat.CRDT:
            return DocumentContent(
                format_, state.position, crdt=await self._workshop.run(size, whole, state.snapshot, state.updates)
            )
        key = state.document_id, state.position, format_
        told = self._rendered.get(key)
        if told is None:
            told = await self._workshop.run(size, render, type_, state.snapshot, state.updates, format_)
            self._rendered.put(key, told)
        return DocumentContent(format_, state.position, text=told)

    async def of_version(self, type_: DocumentType, version: Any, format_: ContentFormat) -> DocumentContent:
        """What a version says."""
        if format_ in STORED:
            stored = await self._states.content(version.document_id, getattr(version, STORED[format_]))
            if format_ is ContentFormat.CRDT:
                return DocumentContent(format_, version.position, crdt=stored)
            return DocumentContent(format_, version.position, text=stored.decode())
        key = version.document_id, version.position, format_
        told = self._rendered.get(key)
        if told is None:
            snapshot = await self._states.content(version.document_id, version.crdt)
            told = await self._workshop.run(len(snapshot), render, type_, snapshot, (), format_)
            self._rendered.put(key, told)
        return DocumentContent(format_, version.position, text=told)


def _job(function: Any, *given: Any) -> Any:
    return lambda: function(*given)
