"""Renders the state of a document into the contents that a version names, and stores them.

A state is stored only after a fresh load of it says the same as the document does (`rendering.render_forms`).
"""

from uuid import UUID

from domain.document import DocumentType, Snapshot
from domain.reference import MAY_LINK, documents_among
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.document_reader import DocumentReader, StoredState
from persistence.documents.rendering import render_forms
from persistence.documents.worker_pool import WorkerPool
from persistence.markdown_links import read_links


class SnapshotStore:
    """Stores snapshots of documents; lives as long as the process."""

    def __init__(self, reader: DocumentReader, objects: DocumentObjects, workers: WorkerPool) -> None:
        self._reader = reader
        self._objects = objects
        self._workers = workers

    async def store_current(self, document_id: UUID, type_: DocumentType, *, owner: UUID | None = None) -> Snapshot:
        """Store what a document says now. Raises what `store` raises."""
        (state,) = await self._reader.read([document_id])
        return await self.store(document_id, type_, state, owner=owner)

    async def store(self, document_id: UUID, type_: DocumentType, state: StoredState, *, owner: UUID | None = None) -> Snapshot:
        """
        Store what a state says; `owner` is the person whose share of the worker pool pays for it, None for the server itself.

        Raises StorageUnavailable, InvalidUpdate where the state is not whole, and what the worker pool raises.
        """
        rendering = await self._workers.run(state.size, render_forms, type_, state.snapshot, state.updates, owner=owner)
        contents = (rendering.state, rendering.markdown.encode(), rendering.text.encode())
        crdt, markdown, text = await self._objects.put_contents(document_id, *contents)
        return Snapshot(
            position=state.position,
            state=rendering.state,
            plain_text=rendering.text,
            crdt=crdt,
            markdown=markdown,
            text=text,
            byte_size=sum(map(len, contents)),
            author_ids=sorted({each.author_id for each in state.edits if each.author_id is not None}),
            links=documents_among(await read_links(rendering.markdown, MAY_LINK)),
        )
