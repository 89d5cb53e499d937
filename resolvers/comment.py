"""Comments: threads, answers, reactions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain import comment as comments
from domain.actor import Scope
from domain.anchor import Anchor, Utf16Offsets, create_anchor, locate
from domain.document import ContentFormat
from domain.errors import Invalid
from domain.page import MATCH_ALL, Condition, Edge, Page, Paging
from persistence.engine.lookup import FindByIds
from persistence.stores import comment, task
from persistence.stores import document_queries as documents
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.page import collect_ids, list_pages, match_by_key

Resolved = Annotated[bool | None, strawberry.argument(description="Only threads that are, or are not, resolved.")]


_ANCHOR_KEY = "pinned"
_SUBJECT_FINDERS: Mapping[str, FindByIds] = {"Task": task.by_ids, "Document": documents.by_ids}


@dataclass(frozen=True, slots=True)
class TextAnchor:
    """Quoted text, and where it stands in the document's plain text now, in UTF-16 units."""

    quote: str
    start: int
    end: int


async def threads(context: Context, parents: Sequence[Any], page: Paging, resolved: Resolved = None) -> list[Page[Any]]:
    """The threads under each subject, oldest first; answers are below their first comment."""
    where = MATCH_ALL if resolved is None else Condition("resolved_at", "is_null", not resolved)
    return await list_pages(context, comment.THREADS, parents, page, where=where)


async def replies(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The answers to each comment, oldest first."""
    return await list_pages(context, comment.REPLIES, parents, page)


async def parents_of(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The first comment of each answer's thread."""
    wanted = collect_ids(parents, lambda each: each.parent_id)
    found = await comment.by_ids(context.database, context.viewer.user_id, wanted) if wanted else {}
    return match_by_key(parents, lambda each: each.parent_id, found)


async def subjects(context: Context, parents: Sequence[Any]) -> list[Any]:
    """What each comment is about."""
    found: dict[UUID, Any] = {}
    for type_name, find in _SUBJECT_FINDERS.items():
        if wanted := list({each.subject_id for each in parents if each.subject_type == type_name}):
            found |= await find(context.database, context.viewer.user_id, wanted)
    return match_by_key(parents, lambda each: each.subject_id, found)


async def reactions(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """Each comment's emoji with their counts, the oldest first."""
    viewer = context.viewer.user_id
    found = await comment.reactions(context.database, viewer, collect_ids(parents, lambda each: each.id))
    return [found.get(each.id, []) for each in parents]


async def anchors(context: Context, parents: Sequence[Any]) -> list[TextAnchor | None]:
    """Where the text that each comment is pinned to stands now; nothing where it is gone, or there is none."""
    of = list({each.subject_id for each in parents if each.anchor_quote is not None})
    if not of or Scope.DOCUMENTS_READ not in context.viewer.scopes:
        return [None for _ in parents]
    found = await documents.by_ids(context.database, context.viewer.user_id, of)
    told = await context.services.document_contents.read_current(list(found.values()), ContentFormat.TEXT)
    words = {id_: content.text or "" for id_, content in zip(found, told, strict=True)}
    offsets = {id_: Utf16Offsets(text) for id_, text in words.items()}

    async def located(comment: Any) -> TextAnchor | None:
        if comment.anchor_quote is None or comment.subject_id not in words:
            return None
        await asyncio.sleep(0)  # a quote that stands in a long text in many places takes a few milliseconds
        sought = Anchor(
            quote=comment.anchor_quote,
            prefix=comment.anchor_prefix or "",
            suffix=comment.anchor_suffix or "",
            start=comment.anchor_start or 0,
        )
        start = locate(words[comment.subject_id], sought)
        if start is None:
            return None
        units = offsets[comment.subject_id]
        return TextAnchor(sought.quote, units.of(start), units.of(start + len(sought.quote)))

    return [await located(each) for each in parents]


async def resolve_anchor(context: Context, values: InputValues) -> InputValues:
    """Find the text that a comment is to be pinned to; only documents have such text."""
    wanted = values.pop("anchor", None)
    if wanted is None:
        return values
    subject_id: UUID = values["subject_id"]
    found = await documents.by_ids(context.database, context.viewer.user_id, [subject_id])
    if subject_id not in found:
        if await task.by_ids(context.database, context.viewer.user_id, [subject_id]):
            raise Invalid(("input", "anchor"), "Only a comment on a document can be pinned to text.")
        return values
    context.require(Scope.DOCUMENTS_READ)
    (content,) = await context.services.document_contents.read_current([found[subject_id]], ContentFormat.TEXT)
    pinned = create_anchor(content.text or "", wanted["quote"], wanted.get("prefix"), wanted.get("suffix"), ("input", "anchor"))
    return values | {_ANCHOR_KEY: pinned}


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Say something."""
    said = await comments.create(
        uow,
        context.viewer,
        values.get("id"),
        subject_id=values["subject_id"],
        parent_id=values.get("parent_id"),
        body=values["body"],
        upload_ids=values.get("upload_ids") or (),
        parse_mention=_mentioned_user_id,
        anchor=values.get(_ANCHOR_KEY),
    )
    return {"comment": said}


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Edit one's own comment."""
    expected = values.get("expected_version")
    edited = await comments.update(
        uow, context.viewer, values["id"], values["body"], expected_version=expected, parse_mention=_mentioned_user_id
    )
    return {"comment": edited}


async def resolve(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Close a thread, or open it again."""
    return {"comment": await comments.resolve(uow, context.viewer, values["id"], resolved=values["resolved"])}


async def react(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Add a reaction, or take it back."""
    return {"comment": await comments.react(uow, context.viewer, values["id"], values["emoji"], on=values["on"])}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Delete a comment."""
    expected = values.get("expected_version")
    gone = await comments.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": gone, "type": "Comment"}


def edge(outcome: Any) -> Edge[Any] | None:
    """A payload's comment with its place in its thread or under its subject."""
    return None if outcome.comment is None else Edge(comment.cursor(outcome.comment), outcome.comment)


def _mentioned_user_id(global_id: str) -> UUID | None:
    return ids.parse_of(global_id, ("User",))
