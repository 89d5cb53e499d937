"""Resolves differences between states of documents, and the authors of their text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from content.diff import DiffOp
from domain.document import DocumentType
from domain.errors import NotFound
from persistence.blobs.document_objects import gather_limited
from persistence.documents.diffing import attribute, compare, state_at_last_visit
from persistence.documents.document_reader import StoredState
from persistence.documents.history import AttributedSpan
from persistence.stores import document_queries as stored
from resolvers import ids
from resolvers.context import Context

From = Annotated[strawberry.ID | None, strawberry.argument(description="A version; the viewer's last visit when absent.")]
To = Annotated[strawberry.ID | None, strawberry.argument(description="A version; now when absent.")]


@dataclass(frozen=True, slots=True)
class DiffHunk:
    """A piece of text, with its author if it was inserted."""

    op: DiffOp
    text: str
    author_id: UUID | None


@dataclass(frozen=True, slots=True)
class DocumentDiff:
    """The difference between two states; each has the row of a version if it is exactly that version."""

    from_version: Any
    to_version: Any
    added: int
    removed: int
    hunks: Sequence[DiffHunk]


async def diffs(
    context: Context, parents: Sequence[Any], from_version_id: From = None, to_version_id: To = None
) -> list[DocumentDiff]:
    """The difference of each document."""
    older = _decode_version_id(from_version_id, "fromVersionId")
    newer = _decode_version_id(to_version_id, "toVersionId")
    versions = [each for each in (older, newer) if each is not None]
    found = await stored.versions_by_ids(context.database, context.viewer.user_id, versions) if versions else {}

    async def one(document: Any) -> DocumentDiff:
        type_ = DocumentType(document.type)
        old = await _state_at(context, document, older, found, "fromVersionId")
        new = await _state_at(context, document, newer, found, "toVersionId")
        difference = await compare(context.services.workers, type_, old, new, owner=context.viewer.user_id)
        authors = await context.services.document_reader.log.authors(document.id)
        hunks = [
            DiffHunk(each.op, each.text, authors.get(each.client) if each.client is not None else None)
            for each in difference.hunks
        ]
        return DocumentDiff(_version(old), _version(new), difference.added, difference.removed, hunks)

    return await gather_limited([partial(one, each) for each in parents])


async def attributions(context: Context, parents: Sequence[Any]) -> list[list[AttributedSpan]]:
    """The authors of the text of each document."""
    reader, workers = context.services.document_reader, context.services.workers
    states = await reader.read([each.id for each in parents])
    return await gather_limited(
        [
            partial(
                attribute,
                workers,
                DocumentType(each.type),
                state,
                reader.log,
                each.created_at,
                owner=context.viewer.user_id,
            )
            for each, state in zip(parents, states, strict=True)
        ]
    )


async def _state_at(
    context: Context, document: Any, version_id: UUID | None, found: dict[UUID, Any], argument: str
) -> StoredState:
    states = context.services.document_reader
    if version_id is None:
        if argument == "toVersionId":
            return (await states.read([document.id]))[0]
        return await state_at_last_visit(states, context.services.database, context.viewer.user_id, document.id)
    version = found.get(version_id)
    if version is None or version.document_id != document.id:
        raise NotFound((argument,))
    snapshot = await states.read_content(document.id, version.crdt)
    return StoredState(
        document_id=document.id, position=version.position, base_position=version.position, base=version, snapshot=snapshot
    )


def _version(state: StoredState) -> Any:
    return state.base if not state.edits else None


def _decode_version_id(id_: strawberry.ID | None, argument: str) -> UUID | None:
    return None if id_ is None or id_ is UNSET else ids.decode(id_, "DocumentVersion", path=(argument,))
