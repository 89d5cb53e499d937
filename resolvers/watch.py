"""Resolves watchers and unread counts, and their mutations."""

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
    """The watchers of each subject, by name."""
    return await list_pages(context, WATCHERS, parents, page)


async def is_watching(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether the viewer watches each subject."""
    watched = await watch.watched_ids(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return [each.id in watched for each in parents]


async def unread(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The changes by others to each subject since the viewer last saw it; None if there are none."""
    found = await watch.unread_counts(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return match_by_key(parents, lambda each: each.id, found)


async def set_watching(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Starts or stops watching a subject."""
    await subject.set_watching(uow, context.viewer, values["subject_id"], watching=values["watching"])
    return {}


async def mark_seen(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Marks a subject as seen by the viewer."""
    await subject.mark_seen(uow, context.viewer, values["subject_id"])
    return {}
