"""Resolves share links: those of a document or project, the one that a request carries, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import share_link as share_links
from domain.page import Page, Paging
from persistence.stores import share_link
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import node
from resolvers.context import Context, InputValues
from resolvers.page import list_pages

PAGE_PATH = "/share"


async def of_subjects(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The links to each document or project, the newest first."""
    return await list_pages(context, share_link.LINKS_TO_SUBJECT, parents, page)


async def own(context: Context) -> Any:
    """The link whose token the request carries; None for everybody else."""
    actor = context.actor
    if actor is None or actor.shared is None or actor.session_id is None:
        return None
    return await share_link.get_open(context.database, actor.session_id)


async def subjects(context: Context, parents: Sequence[Any]) -> list[Any]:
    """What each link leads to; None when it was deleted."""
    return await node.find(context, [(each.subject_type, each.subject_id) for each in parents])


async def urls(context: Context, parents: Sequence[Any]) -> list[str]:
    """The address of each link's page."""
    tokens, origin = context.services.share_links, context.services.public_url
    return [f"{origin}{PAGE_PATH}/{tokens.encode(each.id)}" for each in parents]


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a link."""
    link = await share_links.create(uow, context.viewer, values["subject_id"], expires_at=values.get("expires_at"))
    return {"share_link": link}


async def revoke(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Ends a link."""
    return {"deleted": await share_links.revoke(uow, context.viewer, values["id"]), "type": "ShareLink"}
