"""Resolves why somebody may act on an object, or not: for the viewer, and for others to those who administer the object's team or
project."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry

from domain.access_explanation import AccessExplanation, AccessStep, Reference, Standing, explain
from domain.actor import Scope
from domain.errors import BadUserInput, Forbidden
from domain.permissions import Action, ResourceKind, granted_actions
from domain.project import ProjectStatus
from domain.user import UserStatus
from persistence.stores import project, team, user
from resolvers import ids
from resolvers.context import Context
from resolvers.node import FINDERS, entities, find

NodeId = Annotated[
    strawberry.ID,
    strawberry.argument(
        description="Global id of an attachment, comment, document, label, OAuth client, project, share link, task, team, "
        "template, user or webhook."
    ),
]
Asked = Annotated[Action, strawberry.argument(description="What is to be done with it.")]
UserId = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Whom it is about: the viewer when absent. Others only for those who administer the team or project."
    ),
]
_KINDS: Final = {
    "Attachment": ResourceKind.ATTACHMENT,
    "Comment": ResourceKind.COMMENT,
    "Document": ResourceKind.DOCUMENT,
    "Label": ResourceKind.LABEL,
    "OAuthClient": ResourceKind.OAUTH_CLIENT,
    "Project": ResourceKind.PROJECT,
    "ShareLink": ResourceKind.SHARE_LINK,
    "Task": ResourceKind.TASK,
    "Team": ResourceKind.TEAM,
    "Template": ResourceKind.TEMPLATE,
    "User": ResourceKind.USER,
    "Webhook": ResourceKind.WEBHOOK,
}
_OWNERS: Final = {
    "Attachment": ("uploader_id",),
    "Comment": ("author_id",),
    "Project": ("lead_id", "creator_id"),
    "ShareLink": ("created_by_id",),
    "Template": ("creator_id",),
    "User": ("id",),
}


async def explain_access(context: Context, node_id: NodeId, action: Asked, user_id: UserId = None) -> AccessExplanation | None:
    """Why the viewer, or another user, may do this; None for what the viewer does not see, as for what does not exist."""
    parsed = ids.parse(node_id)
    if parsed is None or parsed[0] not in _KINDS:
        raise BadUserInput("This is not the id of an object on which there are rights.", path=("nodeId",))
    named = None if user_id in (None, strawberry.UNSET) else ids.decode(str(user_id), "User", path=("userId",))
    type_name, viewer_id = parsed[0], context.viewer.user_id
    subject_id = named or viewer_id
    context.require(FINDERS[type_name][0])
    (row,) = await find(context, [parsed])
    if row is None:
        return None
    above = await _subject_of(context, row) if type_name == "Attachment" else row
    held_in = await _project_of(context, type_name, above)
    team_id = row.id if type_name == "Team" else getattr(above, "team_id", None)
    if subject_id != viewer_id:
        await _require_administration(context, team_id, held_in)
        seen = await user.visible_by_ids(context.database, viewer_id, [subject_id])
        if subject_id not in seen:
            return None
    people = await user.by_ids(context.database, [subject_id])
    visible = await FINDERS[type_name][1](context.database, subject_id, [row.id])
    roles = {} if team_id is None else await team.roles(context.database, subject_id, [team_id])
    standing = Standing(
        kind=_KINDS[type_name],
        role=roles.get(team_id) if team_id is not None else None,
        sees=row.id in visible,
        is_own=any(getattr(row, name) == subject_id for name in _OWNERS.get(type_name, ())),
        is_archived=held_in is not None and held_in.status == ProjectStatus.ARCHIVED,
        is_active=subject_id in people and people[subject_id].status == UserStatus.ACTIVE,
        team=None if team_id is None else ("Team", team_id),
        project=None if held_in is None else ("Project", held_in.id),
        scopes=context.viewer.scopes if subject_id == viewer_id else None,
        more_scopes=(Scope.DOCUMENTS_WRITE,) if type_name == "Attachment" and row.about_type == "Document" else (),
    )
    return explain(standing, action)


async def _subject_of(context: Context, attachment: Any) -> Any:
    """The task or document that a file lies under, which whoever sees the file sees; None for a picture and for an upload."""
    if attachment.about_type not in ("Task", "Document"):
        return None
    return (await find(context, [(attachment.about_type, attachment.about_id)]))[0]


async def _project_of(context: Context, type_name: str, row: Any) -> Any:
    """The project that an object lies in, or is."""
    project_id: UUID | None = row.id if type_name == "Project" else getattr(row, "project_id", None)
    if project_id is None:
        return None
    return (await project.by_ids(context.database, context.viewer.user_id, [project_id])).get(project_id)


async def _require_administration(context: Context, team_id: UUID | None, held_in: Any) -> None:
    """The viewer administers the team or the project; raises Forbidden."""
    viewer = context.viewer
    roles = {} if team_id is None else await team.roles(context.database, viewer.user_id, [team_id])
    role = roles.get(team_id) if team_id is not None else None
    actions = granted_actions(viewer, role, ResourceKind.TEAM)
    if held_in is not None:
        leads = viewer.user_id in (held_in.lead_id, held_in.creator_id)
        actions |= granted_actions(viewer, role, ResourceKind.PROJECT, own=leads)
    if Action.MANAGE not in actions:
        raise Forbidden(Action.MANAGE, "Only who administers the team or the project may ask about others.", path=("userId",))


async def reasons(context: Context, parents: Sequence[AccessStep]) -> list[Any]:
    """The object on account of which each rule holds or does not."""
    named: list[Reference] = [each.via_reference for each in parents if each.via_reference is not None]
    found = dict(zip(named, await entities(context, named), strict=True))
    return [None if each.via_reference is None else found[each.via_reference] for each in parents]
