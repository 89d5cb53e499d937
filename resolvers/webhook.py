"""Resolves webhooks, their deliveries, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain import webhook as webhooks
from domain.actor import Actor
from domain.errors import Invalid, TooLong
from domain.page import MATCH_ALL, Condition, Page, Paging
from domain.webhook.edit import lent_scopes
from domain.webhook.entity import MAX_QUERY_CHARS
from persistence.stores import webhook
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.event_visibility import ChangeFilter
from resolvers.inputs.search_type import SearchType
from resolvers.node import entities
from resolvers.page import list_pages

Id = Annotated[strawberry.ID, strawberry.argument(description="The webhook's global id.")]
FailedOnly = Annotated[bool | None, strawberry.argument(description="Only those that were given up.")]

_SCOPE_TYPES = {"team_ids": "Team", "project_ids": "Project", "entity_ids": None}


async def get(context: Context, id: Id) -> Any:
    """A webhook of a team that the viewer manages."""
    webhook_id = ids.decode(id, "Webhook", path=("id",))
    return (await webhook.by_ids(context.database, context.viewer.user_id, [webhook_id])).get(webhook_id)


async def of_teams(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The webhooks of each team that the viewer manages, the oldest first; none of other teams."""
    return await list_pages(context, webhook.WEBHOOKS, parents, page)


async def deliveries(context: Context, parents: Sequence[Any], page: Paging, failed_only: FailedOnly = None) -> list[Page[Any]]:
    """The deliveries of each webhook, the latest first."""
    where = Condition("state", "eq", webhooks.WebhookDeliveryState.FAILED.value) if failed_only else MATCH_ALL
    return await list_pages(context, webhook.DELIVERIES, parents, page, where=where)


async def changes(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The change of each delivery, as far as the viewer may see it; None for a ping."""
    named = list({each.event_id for each in parents if each.event_id is not None})
    found = dict(zip(named, await entities(context, [("Change", each) for each in named]), strict=True))
    return [found.get(each.event_id) for each in parents]


async def check_document(context: Context, values: InputValues) -> InputValues:
    """Raises Invalid for a document that cannot be that of a webhook of the viewer."""
    if (query := values.get("query")) is not None:
        if len(query) > MAX_QUERY_CHARS:
            raise TooLong(("input", "query"), MAX_QUERY_CHARS)
        lent = Actor(user_id=context.viewer.user_id, scopes=frozenset(lent_scopes(context.viewer)), is_app=True)
        if (problem := context.services.webhook_payloads.problem(context.services, lent, query)) is not None:
            raise Invalid(("input", "query"), problem)
    if values.get("scope") is not None:
        values = values | {"scope": _stored_scope(values["scope"])}
    return values


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a webhook."""
    made, secret = await webhooks.create(
        uow,
        context.viewer,
        values["team_id"],
        url=values["url"],
        events=values["events"],
        scope=values.get("scope"),
        query=values.get("query"),
        rules=context.services.outgoing_rules,
        secrets=context.services.webhook_secrets,
    )
    return {"webhook": made, "secret": secret}


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Changes a webhook."""
    expected, rules = values.get("expected_version"), context.services.outgoing_rules
    return {"webhook": await webhooks.update(uow, context.viewer, values["id"], values, expected_version=expected, rules=rules)}


async def rotate_secret(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Gives a webhook another secret."""
    expected, secrets = values.get("expected_version"), context.services.webhook_secrets
    made, secret = await webhooks.rotate_secret(uow, context.viewer, values["id"], expected_version=expected, secrets=secrets)
    return {"webhook": made, "secret": secret}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a webhook."""
    expected = values.get("expected_version")
    return {"deleted": await webhooks.delete(uow, context.viewer, values["id"], expected_version=expected), "type": "Webhook"}


async def ping(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Has a test message sent."""
    await webhooks.ping(uow, context.viewer, values["id"])
    return {}


async def redeliver(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Has a message sent again."""
    await webhooks.redeliver(uow, context.viewer, values["delivery_id"])
    return {}


def shown_scope(row: Any) -> Any:
    """The scope of a webhook in the form of `ChangeScope`."""
    if row.scope is None:
        return None
    shown: dict[str, Any] = {}
    for name, graph_name in (("team_ids", "teamIds"), ("project_ids", "projectIds")):
        if name in row.scope:
            shown[graph_name] = [ids.encode(_SCOPE_TYPES[name] or "", UUID(each)) for each in row.scope[name]]
    if "entity_ids" in row.scope:
        shown["entityIds"] = list(row.scope["entity_ids"])
    if "types" in row.scope:
        shown["types"] = list(row.scope["types"])
    return shown


def scope_filter(scope: Mapping[str, Any] | None) -> ChangeFilter:
    """The filter of a stored scope."""
    if scope is None:
        return ChangeFilter({})
    values: InputValues = {
        name: [UUID(each) for each in scope[name]] for name in ("team_ids", "project_ids", "entity_ids") if name in scope
    }
    if "types" in scope:
        values["types"] = [SearchType[each] for each in scope["types"]]
    return ChangeFilter(values)


def _stored_scope(values: InputValues) -> dict[str, Any]:
    stored: dict[str, Any] = {
        name: [str(each) for each in values[name]]
        for name in ("team_ids", "project_ids", "entity_ids")
        if values.get(name) is not None
    }
    if values.get("types") is not None:
        stored["types"] = [each.name for each in values["types"]]
    return stored
