"""Resolves the viewer's calendar feed."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import calendar_feed as calendar_feeds
from persistence.stores import calendar_feed
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


async def urls(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """The address of the feed of the viewer, who is the only possible parent."""
    key = await calendar_feed.key_of(context.database, context.viewer.user_id)
    services = context.services
    url = None if key is None else f"{services.public_url}/calendar/{services.calendar_tokens.encode(key)}.ics"
    return [url for _ in parents]


async def rotate(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Replaces the address of the feed."""
    return {"user": await calendar_feeds.rotate(uow, context.viewer)}
