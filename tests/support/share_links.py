"""Share links, and whoever has one."""

from typing import Any

from auth.graph_tokens import GraphTokens
from domain.actor import Actor
from tests.support.app import App, Person
from tests.support.graph_actions import mutate
from tests.support.teams import uuid_of

FIELDS = "shareLink { id url expiresAt }"


async def create_share_link(app: App, person: Person, subject_id: str, /, **fields: Any) -> Any:
    """A link to a document or project."""
    payload = await mutate(app, person, "shareLinkCreate", FIELDS, subjectId=subject_id, **fields)
    assert payload["errors"] == []
    return payload["shareLink"]


def token_of(link: Any) -> str:
    """The Bearer token in a link's address."""
    return str(link["url"].rpartition("/")[2])


async def actor_of(app: App, link: Any, *, fresh: bool = False) -> Actor:
    """Whoever has the link; `fresh`: on a process that has not seen it yet."""
    resources = app.resources
    tokens = resources.graph_tokens
    if fresh:
        tokens = GraphTokens(resources.tokens, resources.database, resources.services.share_links)
        resources.tokens._checked_sessions.remove(uuid_of(link["id"]))
    credentials = await tokens.authenticate(f"Bearer {token_of(link)}")
    assert credentials is not None
    return credentials.actor
