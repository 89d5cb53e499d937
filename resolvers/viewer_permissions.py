"""Resolves `viewerCan` for objects of any type, by the policy that the domain enforces."""

from collections.abc import Sequence
from typing import Any

from domain.permissions import READ_ONLY, Action, Actions, ResourceKind, granted_actions
from persistence.stores import project, team
from resolvers.context import Context
from resolvers.page import collect_ids

_NO_ACTIONS: Actions = frozenset()


async def viewer_can(context: Context, entities: Sequence[Any]) -> list[list[Action]]:
    """The actions granted to the viewer on each entity, in the order of the enum."""
    actor = context.viewer
    in_projects = collect_ids(entities, _project_id)
    standings = await project.access_by_ids(context.database, actor.user_id, in_projects) if in_projects else {}
    in_teams = collect_ids([each for each in entities if _project_id(each) is None], _team_id)
    roles = await team.roles(context.database, actor.user_id, in_teams) if in_teams else {}

    def actions(entity: Any) -> Actions:
        kind = ResourceKind(entity.type_name.upper())
        if kind is ResourceKind.USER:
            return granted_actions(actor, None, kind, own=True) if entity.id == actor.user_id else READ_ONLY
        project_id = _project_id(entity)
        if project_id is None:
            return granted_actions(actor, roles.get(_team_id(entity)), kind)
        standing = standings.get(project_id)
        if standing is None:
            return _NO_ACTIONS
        own = standing.leads if kind is ResourceKind.PROJECT else getattr(entity, "author_id", None) == actor.user_id
        return granted_actions(actor, standing.role, kind, own=own, archived=standing.archived)

    return [[action for action in Action if action in actions(entity)] for entity in entities]


def _project_id(entity: Any) -> Any:
    match entity.type_name:
        case "Project":
            return entity.id
        case "Task" | "Document" | "Comment":
            return entity.project_id
        case _:
            return None


def _team_id(entity: Any) -> Any:
    return entity.id if entity.type_name == "Team" else getattr(entity, "team_id", None)
