"""References: which documents a text links to, stored beside the text so that a document knows what links to it.

A text links to a document by a Markdown link to its global id, as front ends' pickers write it (`[Launch
plan](document:RG9jdW1lbnQ6…)`), or by an address that ends in `/documents/` and its id, global or bare. The host of an address is
not looked at: ids are nobody else's, and a server that moves to another address keeps its links. What is linked need not be there
yet, nor be visible to the writer: who reads the list of a document's backlinks sees the document and the linking object, or
learns nothing.

Held are tasks (their descriptions), comments, and documents (as of their newest version; `documentEdit` adds what it brings at
once). A document does not link to itself, nor do comments on it. Rejected: searching all texts when somebody asks, which gets
slower with all that was ever written.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote
from uuid import UUID

from domain.global_id import parse_of
from domain.ports import UnitOfWork

MAX_LINKED_DOCUMENTS = 500  # of one text; further ones are links all the same, but they are not listed
MAY_LINK = re.compile("document:|/documents/", re.IGNORECASE)
"""What stands in every address of a document."""
_BY_SCHEME = re.compile(r"document:([A-Za-z0-9+/=_%-]{8,100})", re.IGNORECASE)
_BY_PATH = re.compile(r"/documents/([A-Za-z0-9+=_%-]{8,100})", re.IGNORECASE)


class LinkTarget(NamedTuple):
    """An address that a text links to; `is_bare`: it is no link by itself, but a word that looks like an address."""

    address: str
    is_bare: bool


class ReferenceStore(Protocol):
    """Stores references. A holder is a task, a comment or a document; its subject the task or document that people find it by."""

    async def replace(self, holder: Any, document_ids: Collection[UUID]) -> None:
        """The text of the holder links to these documents and to no others."""
        ...

    async def add(self, holder: Any, document_ids: Collection[UUID]) -> None:
        """The text of the holder links to these documents too."""
        ...


async def linked_documents(uow: UnitOfWork, markdown: str | None) -> frozenset[UUID]:
    """The documents that a Markdown text links to: the first of them, where they are many."""
    return documents_among(await uow.read_links(markdown, MAY_LINK)) if markdown else frozenset()


def documents_among(targets: Iterable[LinkTarget]) -> frozenset[UUID]:
    """The documents that these addresses lead to: the first of them, where they are many."""
    found: dict[UUID, None] = {}
    for address, is_bare in targets:
        named = None if is_bare else _BY_SCHEME.match(address)
        for each in [named] if named else _BY_PATH.finditer(address):
            document_id = parse_of(unquote(each[1]), ("Document",))
            if document_id is not None:
                found[document_id] = None
        if len(found) >= MAX_LINKED_DOCUMENTS:
            break
    return frozenset(list(found)[:MAX_LINKED_DOCUMENTS])


async def update_references(uow: UnitOfWork, holder: Any, before: str | None, after: str | None) -> None:
    """The text of a task or comment was one thing and is another now; None for no text."""
    if before == after:
        return
    documents = await linked_documents(uow, after)
    if documents != await linked_documents(uow, before):
        await uow.references.replace(holder, documents)
