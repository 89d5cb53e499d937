"""Writing in documents as editors do: Yjs updates, put at the end of a document's log."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pycrdt

from content import crdt
from content.guard import check
from content.text import yxml
from content.text.markdown_parser import parse
from domain.document.update import Update
from persistence.events.document_log import append
from tests.support.app import App, Person
from tests.support.teams import uuid_of


async def document_state(app: App, document: Any) -> bytes | None:
    """The Yjs state as it is now, None for an empty document."""
    (state,) = await app.resources.services.document_reader.read([uuid_of(document["id"])])
    held = crdt.load(state.snapshot, state.updates)
    return crdt.state(held)


def append_paragraphs_update(state: bytes | None, markdown: str) -> bytes:
    """The update of an editor who adds paragraphs at the end."""
    held = crdt.load(state)
    before = crdt.state_vector(held)
    fragment: Any = held.get(yxml.ROOT, type=pycrdt.XmlFragment)
    yxml.insert(fragment, len(list(fragment.children)), parse(markdown).content)
    return crdt.difference(held, before)


async def append_paragraphs(app: App, person: Person, document: Any, markdown: str, *, at: datetime | None = None) -> int:
    """Adds paragraphs to a document as an editor would; returns the position of the edit."""
    data = append_paragraphs_update(await document_state(app, document), markdown)
    return await append_to_log(app, uuid_of(document["id"]), data, person.user.id, at=at)


async def append_to_log(app: App, document_id: UUID, data: bytes, author_id: UUID, *, at: datetime | None = None) -> int:
    """Put an update at the end of a document's log."""
    async with app.resources.database.begin() as connection:
        update = Update(document_id=document_id, data=data, author_id=author_id, client_ids=tuple(check(data).adds))
        (placed,) = await append(connection, [update], at=at or datetime.now(UTC))
    return placed.position


def typed_characters(state: bytes | None, count: int) -> list[bytes]:
    """The updates of an editor who types so many characters, one by one, at the end of the first paragraph."""
    held = crdt.load(state)
    fragment: Any = held.get(yxml.ROOT, type=pycrdt.XmlFragment)
    written = fragment.children[0].children[0]
    updates: list[bytes] = []
    subscription = held.observe(lambda event: updates.append(event.update))
    for _ in range(count):
        written.insert(len(written), "x")
    held.unobserve(subscription)
    return updates
