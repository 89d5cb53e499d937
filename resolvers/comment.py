"""Resolves comments: threads, replies, anchors, reactions, and their mutations."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote
from uuid import UUID

import strawberry

from content.errors import TextTooDeep, TooExpensive
from content.text.links import link_addresses
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


_MENTION_SCHEME = "user:"
_ANCHOR_KEY = "anchor"
_SUBJECT_FINDERS: Mapping[str, FindByIds] = {"Task": task.by_ids, "Document": documents.by_ids}


@dataclass(frozen=True, slots=True)
class TextAnchor:
    """Quoted text, and where it stands in the document's plain text now, in UTF-16 units."""

    quote: str
    start: int
    end: int


async def threads(context: Context, parents: Sequence[Any], page: Paging, resolved: Resolved = None) -> list[Page[Any]]:
    """The first comments of the threads about each subject, oldest first."""
    where = MATCH_ALL if resolved is None else Condition("resolved_at", "is_null", not resolved)
    return await list_pages(context, comment.THREADS, parents, page, where=where)


async def thread_counts(context: Context, parents: Sequence[Any]) -> list[int]:
    """How many threads there are about each subject."""
    found = await comment.thread_counts(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return [found.get(each.id, 0) for each in parents]


async def replies(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The replies to each comment, oldest first."""
    return await list_pages(context, comment.REPLIES, parents, page)


async def parents_of(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The first comment of the thread of each reply."""
    ids_ = collect_ids(parents, lambda each: each.parent_id)
    found = await comment.by_ids(context.database, context.viewer.user_id, ids_) if ids_ else {}
    return match_by_key(parents, lambda each: each.parent_id, found)


async def subjects(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The subject of each comment."""
    found: dict[UUID, Any] = {}
    for type_name, find in _SUBJECT_FINDERS.items():
        if ids_ := list({each.subject_id for each in parents if each.subject_type == type_name}):
            found |= await find(context.database, context.viewer.user_id, ids_)
    return match_by_key(parents, lambda each: each.subject_id, found)


async def reactions(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """The reactions to each comment by emoji, with their counts, the earliest first."""
    viewer = context.viewer.user_id
    found = await comment.reactions(context.database, viewer, collect_ids(parents, lambda each: each.id))
    return [found.get(each.id, []) for each in parents]


async def anchors(context: Context, parents: Sequence[Any]) -> list[TextAnchor | None]:
    """The current place of the text that each comment is anchored to; None if it is deleted, or there is no anchor."""
    of = list({each.subject_id for each in parents if each.anchor_quote is not None})
    if not of or Scope.DOCUMENTS_READ not in context.viewer.scopes:
        return [None for _ in parents]
    found = await documents.by_ids(context.database, context.viewer.user_id, of)
    contents = await context.services.document_contents.read_current(list(found.values()), ContentFormat.TEXT)
    words = {id_: content.text or "" for id_, content in zip(found, contents, strict=True)}
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
    """Finds the text that a comment is to be anchored to; only documents have such text."""
    quoted = values.pop("anchor", None)
    if quoted is None:
        return values
    subject_id: UUID = values["subject_id"]
    found = await documents.by_ids(context.database, context.viewer.user_id, [subject_id])
    if subject_id not in found:
        if await task.by_ids(context.database, context.viewer.user_id, [subject_id]):
            raise Invalid(("input", "anchor"), "Only a comment on a document can be anchored to text.")
        return values
    context.require(Scope.DOCUMENTS_READ)
    (content,) = await context.services.document_contents.read_current([found[subject_id]], ContentFormat.TEXT)
    anchor = create_anchor(content.text or "", quoted["quote"], quoted.get("prefix"), quoted.get("suffix"), ("input", "anchor"))
    return values | {_ANCHOR_KEY: anchor}


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a comment."""
    said = await comments.create(
        uow,
        context.viewer,
        values.get("id"),
        subject_id=values["subject_id"],
        parent_id=values.get("parent_id"),
        body=values["body"],
        upload_ids=values.get("upload_ids") or (),
        find_mentions=_mentioned_user_ids,
        anchor=values.get(_ANCHOR_KEY),
    )
    return {"comment": said}


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates a comment of the viewer."""
    expected = values.get("expected_version")
    edited = await comments.update(
        uow, context.viewer, values["id"], values["body"], expected_version=expected, find_mentions=_mentioned_user_ids
    )
    return {"comment": edited}


async def resolve(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Resolves a thread, or reopens it."""
    return {"comment": await comments.resolve(uow, context.viewer, values["id"], resolved=values["resolved"])}


async def react(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Adds a reaction, or removes it."""
    return {"comment": await comments.react(uow, context.viewer, values["id"], values["emoji"], on=values["on"])}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a comment."""
    expected = values.get("expected_version")
    deleted = await comments.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Comment"}


def edge(outcome: Any) -> Edge[Any] | None:
    """The comment of a payload as an edge of its thread, or of its subject's threads."""
    return None if outcome.comment is None else Edge(comment.cursor(outcome.comment), outcome.comment)


def _mentioned_user_ids(body: str) -> set[UUID]:
    """The users whom a comment links to (`user:` and a global id), as a CommonMark reader sees links. Raises Invalid."""
    if _MENTION_SCHEME not in body:
        return set()
    try:
        addresses = list(link_addresses(body))
    except (TextTooDeep, TooExpensive) as error:
        raise Invalid(("input", "body"), str(error)) from error
    named = (each.removeprefix(_MENTION_SCHEME) for each in addresses if each.startswith(_MENTION_SCHEME))
    return {user_id for each in named if (user_id := ids.parse_of(unquote(each), ("User",))) is not None}
