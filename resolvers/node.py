"""Objects by their global ids, whatever their type; what the viewer may not see is not there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.errors import BadUserInput, LimitExceeded
from persistence import activity, comment, invitation, label, project, task, task_link, team, user
from persistence.database import Database
from resolvers.context import Context
from schema import ids
from schema.inputs.fields import MOST_IDS

Find = Callable[[Database, UUID, Sequence[UUID]], Awaitable[Mapping[UUID, Any]]]

FINDERS: dict[str, Find] = {
    "Activity": activity.by_ids,
    "Change": activity.by_ids,
    "Comment": comment.by_ids,
    "Invitation": invitation.by_ids,
    "Label": label.by_ids,
    "Project": project.by_ids,
    "Task": task.by_ids,
    "TaskLink": task_link.by_ids,
    "Team": team.by_ids,
    "User": user.visible_by_ids,
}

_ID = Annotated[strawberry.ID, strawberry.argument(description="The global id.")]


async def node(context: Context, id: _ID) -> Any:
    """One object; null when it is not there or not the viewer's to see."""
    return (await _found(context, [_parsed(id)]))[0]


async def nodes(
    context: Context, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids, 100 at most.")]
) -> list[Any]:
    """Objects in the order of their ids, null where one is not there."""
    if len(ids) > MOST_IDS:
        raise LimitExceeded(f"At most {MOST_IDS} ids are allowed.", MOST_IDS, path=("ids",))
    return await _found(context, [_parsed(each) for each in ids])


async def entities(context: Context, named: Sequence[tuple[str, UUID]]) -> list[Any]:
    """Objects by type and id, None where one is gone or hidden."""
    return await _found(context, named)


async def _found(context: Context, named: Sequence[tuple[str, UUID]]) -> list[Any]:
    viewer = context.viewer.user_id
    found: dict[tuple[str, UUID], Any] = {}
    for type_name in dict.fromkeys(type_name for type_name, _ in named):
        wanted = list({id_ for each, id_ in named if each == type_name})
        for id_, row in (await FINDERS[type_name](context.database, viewer, wanted)).items():
            found[type_name, id_] = row
    return [found.get(each) for each in named]


def _parsed(value: str) -> tuple[str, UUID]:
    parsed = ids.parse(value)
    if parsed is None or parsed[0] not in FINDERS:
        raise BadUserInput("This is not a global id.", path=("id",))
    return parsed
