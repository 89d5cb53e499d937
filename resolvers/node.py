"""Resolves objects of any type by their global ids, as far as the viewer may see them.

The scope that a type requires here is the scope of the root field that leads to it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.actor import Scope
from domain.errors import BadUserInput, LimitExceeded
from domain.log_scope import scope_allows
from persistence.engine.database import Database
from persistence.engine.lookup import FindByIds
from persistence.events import activity
from persistence.stores import (
    api_token,
    attachment,
    audit,
    change_log,
    comment,
    external_identity,
    factor,
    invitation,
    job,
    label,
    notification,
    oauth_client,
    project,
    push_device,
    session,
    share_link,
    task,
    task_link,
    team,
    template,
    user,
    webhook,
)
from persistence.stores import document_queries as documents
from resolvers import ids
from resolvers.context import Context
from resolvers.inputs.fields import MAX_IDS
from resolvers.logged_change import Change
from resolvers.shared import within_subject


async def _changes(database: Database, viewer: UUID, entry_ids: Sequence[UUID]) -> Mapping[UUID, Any]:
    """Entries as changes. Their cursors resume the entry's own stream after it, and the other streams from the start."""
    found = await change_log.by_ids(database, viewer, entry_ids)
    return {id_: Change(entry, {entry.stream: entry.position}) for id_, entry in found.items()}


FINDERS: dict[str, tuple[Scope, FindByIds]] = {
    "Activity": (Scope.TASKS_READ, activity.by_ids),
    "Change": (Scope.TASKS_READ, _changes),
    "ApiToken": (Scope.PROFILE_READ, api_token.by_ids),
    "Attachment": (Scope.TASKS_READ, attachment.by_ids),
    "AuditEntry": (Scope.AUDIT_READ, audit.by_ids),
    "Comment": (Scope.TASKS_READ, comment.by_ids),
    "Document": (Scope.DOCUMENTS_READ, documents.by_ids),
    "DocumentVersion": (Scope.DOCUMENTS_READ, documents.versions_by_ids),
    "ExternalIdentity": (Scope.PROFILE_READ, external_identity.by_ids),
    "Factor": (Scope.PROFILE_READ, factor.by_ids),
    "Invitation": (Scope.TEAMS_READ, invitation.by_ids),
    "Job": (Scope.TASKS_READ, job.by_ids),
    "Label": (Scope.TEAMS_READ, label.by_ids),
    "Notification": (Scope.NOTIFICATIONS_READ, notification.by_ids),
    "OAuthClient": (Scope.ADMIN, oauth_client.by_ids),
    "Project": (Scope.PROJECTS_READ, project.by_ids),
    "PushDevice": (Scope.NOTIFICATIONS_READ, push_device.by_ids),
    "Session": (Scope.PROFILE_READ, session.by_ids),
    "ShareLink": (Scope.PROJECTS_WRITE, share_link.by_ids),
    "Task": (Scope.TASKS_READ, task.by_ids),
    "TaskLink": (Scope.TASKS_READ, task_link.by_ids),
    "Team": (Scope.TEAMS_READ, team.by_ids),
    "Template": (Scope.TASKS_READ, template.by_ids),
    "User": (Scope.TEAMS_READ, user.visible_by_ids),
    "Webhook": (Scope.WEBHOOKS_MANAGE, webhook.by_ids),
    "WebhookDelivery": (Scope.WEBHOOKS_MANAGE, webhook.deliveries_by_ids),
}

_ID = Annotated[strawberry.ID, strawberry.argument(description="The global id.")]


async def node(context: Context, id: _ID) -> Any:
    """One object; null when it does not exist or is not visible to the viewer."""
    return (await _require_and_find(context, [_parse_id(id, "id")]))[0]


async def nodes(
    context: Context, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids, 100 at most.")]
) -> list[Any]:
    """Objects in the order of their ids, null for those that are not found."""
    if len(ids) > MAX_IDS:
        raise LimitExceeded(f"At most {MAX_IDS} ids are allowed.", MAX_IDS, path=("ids",))
    return await _require_and_find(context, [_parse_id(each, "ids", str(index)) for index, each in enumerate(ids)])


async def entities(context: Context, references: Sequence[tuple[str, UUID]]) -> list[Any]:
    """Objects by type and id; None for those that are gone, hidden, or of a type that the token may not read."""
    return await find(context, [each if FINDERS[each[0]][0] in context.viewer.scopes else None for each in references])


async def _require_and_find(context: Context, references: Sequence[tuple[str, UUID]]) -> list[Any]:
    for type_name, _ in references:
        context.require(FINDERS[type_name][0])
    return await find(context, references)


async def find(context: Context, references: Sequence[tuple[str, UUID] | None]) -> list[Any]:
    """Objects by type and id, without regard to the scopes of their types; None for those that are gone or hidden."""
    found: dict[tuple[str, UUID] | None, Any] = {}
    by_type: dict[str, set[UUID]] = {}
    for type_name, id_ in filter(None, references):
        by_type.setdefault(type_name, set()).add(id_)
    for type_name, ids_ in by_type.items():
        _, by_ids = FINDERS[type_name]
        visible = await by_ids(context.database, context.viewer.user_id, list(ids_))
        for id_, row in within_subject(context, type_name, visible).items():
            if scope_allows(context.viewer, _subject_type(type_name, row)):
                found[type_name, id_] = row
    return [found.get(each) for each in references]


def _subject_type(type_name: str, row: Any) -> str:
    """The type of a row's subject, for comments, attachments and entries; else the row's own type."""
    match type_name:
        case "Comment":
            return str(row.subject_type)
        case "Activity" | "Attachment":
            return str(row.about_type)
        case "Change":
            return str(row.entry.about_type)
    return type_name


def _parse_id(value: str, *path: str) -> tuple[str, UUID]:
    parsed = ids.parse(value)
    if parsed is None or parsed[0] not in FINDERS:
        raise BadUserInput("This is not a global id: the base64 of a type's name, a colon and a UUID.", path=path)
    return parsed
