"""Watching, and having seen."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import subject
from domain.page import Page, Paging
from persistence.stores import watch
from persistence.stores.user import WATCHERS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.page import collect_ids, list_pages, match_by_key


async def watchers(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """Who watches each subject, by name."""
    return await list_pages(context, WATCHERS, parents, page)


async def is_watching(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether the viewer watches each subject."""
    watched = await watch.watched_ids(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return [each.id in watched for each in parents]


async def unread(context: Context, parents: Sequence[Any]) -> list[Any]:
    """What others changed about each subject since the viewer last saw it; null for nothing."""
    found = await watch.unread_counts(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return match_by_key(parents, lambda each: each.id, found)


async def set_watching(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Watch a subject, or stop watching it."""
    await subject.set_watching(uow, context.viewer, values["subject_id"], watching=values["watching"])
    return {}


async def mark_seen(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Note that the viewer has seen a subject."""
    await subject.mark_seen(uow, context.viewer, values["subject_id"])
    return {}
