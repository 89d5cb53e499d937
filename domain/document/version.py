"""Saving a version: what a document says at a position of its log, under the next number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.document.entity import Document, DocumentVersion
from domain.document.events import DocumentVersionSaved
from domain.document.store import open_document
from domain.errors import Invalid, Unavailable
from domain.permissions import Action
from domain.ports import UnitOfWork

MAX_PREVIEW_CHARS = 280
MAX_SUMMARY_CHARS = 2_000
MAX_UNSAVED_UPDATES = 5_000
"""Edits after the newest version, before another one is due though people go on editing: who opens the document reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """
    What a document says at a position of its log, its contents stored already.

    `state` is the Yjs state (encoding V1); `crdt`, `markdown` and `text` are the SHA-256 (hex) of the stored contents, `words` is
    the plain text itself; `author_ids` are those who wrote since the version before; `links` are the documents that it links to.
    """

    position: int
    state: bytes
    plain_text: str
    crdt: str
    markdown: str
    text: str
    byte_size: int
    author_ids: Sequence[UUID] = ()
    links: frozenset[UUID] = frozenset()

    def at_position(self, position: int) -> "Snapshot":
        """The same, of another position."""
        return replace(self, position=position)


async def save_version(
    uow: UnitOfWork,
    actor: Actor,
    document_id: UUID,
    snapshot: Snapshot | None,
    *,
    name: str | None = None,
    change_summary: str | None = None,
) -> tuple[Document, DocumentVersion]:
    """Save what the document says as a version that somebody asked for; no snapshot was taken for somebody who may not."""
    before, _ = await open_document(uow, actor, document_id, Action.UPDATE)
    if before.deleted_at is not None:
        raise Invalid(("input", "id"), "This was deleted.")
    if snapshot is None:
        raise Unavailable
    checked_name = text.validate_line(name, ("input", "name")) if name is not None else None
    summary = text.validate_optional_markdown(change_summary, ("input", "changeSummary"), limit=MAX_SUMMARY_CHARS)
    document, version = await add_version(
        uow, before, snapshot, author_id=actor.user_id, name=checked_name, change_summary=summary
    )
    uow.record(DocumentVersionSaved(actor_id=actor.user_id, document=document, before=before, saved=version))
    return document, version


async def save_automatic_version(uow: UnitOfWork, before: Document, snapshot: Snapshot) -> tuple[Document, DocumentVersion]:
    """Save what the document says because it has been quiet; the caller holds the document."""
    document, version = await add_version(uow, before, snapshot, author_id=None)
    uow.record(DocumentVersionSaved(actor_id=None, document=document, before=before, saved=version))
    return document, version


async def add_version(
    uow: UnitOfWork,
    before: Document,
    snapshot: Snapshot,
    *,
    author_id: UUID | None,
    name: str | None = None,
    change_summary: str | None = None,
) -> tuple[Document, DocumentVersion]:
    """
    The document with its next version. Its own `version` stays: a saved version is no reason for a conflict about a title.

    A snapshot that is older than the newest version, because another was saved meanwhile, is a version all the same, but leaves
    what the document is known by (preview, position) to the newer one.
    """
    authors = {*snapshot.author_ids, *([author_id] if author_id is not None and not snapshot.author_ids else [])}
    version = DocumentVersion(
        id=uow.new_id(),
        document_id=before.id,
        number=before.latest_number + 1,
        name=name,
        change_summary=change_summary,
        created_by_id=author_id,
        contributor_ids=tuple(sorted(authors)),
        created_at=uow.now,
        position=snapshot.position,
        byte_size=snapshot.byte_size,
        crdt=snapshot.crdt,
        markdown=snapshot.markdown,
        text=snapshot.text,
    )
    newest = snapshot.position >= before.latest_position
    document = replace(
        before,
        updated_at=uow.now,
        latest_version_id=version.id,
        latest_number=version.number,
        latest_position=max(snapshot.position, before.latest_position),
        preview=make_preview(snapshot.plain_text) if newest else before.preview,
    )
    await uow.documents.add_version(version, snapshot.plain_text)
    await uow.documents.save(document)
    if newest:
        await uow.references.replace(document, snapshot.links)
    return document, version


def make_preview(plain_text: str) -> str | None:
    """The first words of a text, on one line; None where there are none."""
    line = " ".join(plain_text[: 4 * MAX_PREVIEW_CHARS].split())
    return None if not line else line if len(line) <= MAX_PREVIEW_CHARS else line[: MAX_PREVIEW_CHARS - 1].rstrip() + "…"
