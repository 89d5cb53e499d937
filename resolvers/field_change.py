"""Converts the attribute changes of an entry to the form of the graph: camelCase names, global ids, UTC instants with a Z."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case

from domain.events import Entry
from persistence.stores import user
from resolvers import ids
from resolvers.context import Context
from resolvers.node import entities

# The type that a reference points to, by its attribute; `parent_id` points to the type of the entity.
_REFERENCE_TYPES = {
    "assignee_id": "User",
    "author_id": "User",
    "avatar_id": "Attachment",
    "creator_id": "User",
    "label_ids": "Label",
    "latest_version_id": "DocumentVersion",
    "lead_id": "User",
    "members": "User",
    "mention_ids": "User",
    "owner_id": "User",
    "project_id": "Project",
    "resolved_by_id": "User",
    "team_id": "Team",
}
# The same for references inside an object in a change, such as a link.
_NESTED_REFERENCE_TYPES = {
    "userId": "User",
    "targetId": "Task",
    "invitationId": "Invitation",
    "attachmentId": "Attachment",
    "id": "TaskLink",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One attribute before and after, in the words of the graph; `references` are the objects that its values refer to."""

    field: str
    before: Any
    after: Any
    references: Sequence[tuple[str, UUID]]


@dataclass(frozen=True, slots=True)
class ChangeReference:
    """An object that a value refers to, and what it is called now; None where that is not the viewer's to know."""

    id: str
    type: str
    name: str | None


def field_changes(entry: Entry) -> list[FieldChange]:
    """The changed attributes, each with its values before and after."""
    return [to_field_change(entry.entity_type, **change) for change in entry.payload["changes"]]


def moved_on(error: Any) -> list[FieldChange]:
    """What has changed since the change that an `UndoConflict` is about; nothing for other errors."""
    type_name = getattr(getattr(error, "current", None), "type_name", "")
    return [to_field_change(type_name, each.field, each.before, each.after) for each in getattr(error, "fields", ())]


async def references(context: Context, parents: Sequence[FieldChange]) -> list[list[ChangeReference]]:
    """What each change refers to, by name. Names of people are as visible as the change, others as their objects."""
    found: dict[tuple[str, UUID], Any] = {}
    named = list(dict.fromkeys(each for parent in parents for each in parent.references))
    people = [id_ for type_name, id_ in named if type_name == "User"]
    if people:
        found |= {("User", id_): row for id_, row in (await user.by_ids(context.services.database, people)).items()}
    others = [each for each in named if each[0] != "User"]
    found |= dict(zip(others, await entities(context, others), strict=True))
    return [
        [ChangeReference(ids.encode(*each), each[0], _name_of(found.get(each))) for each in one.references] for one in parents
    ]


def _name_of(row: Any) -> str | None:
    names = (getattr(row, attribute, None) for attribute in ("display_name", "title", "name", "file_name"))
    return next((name for name in names if name is not None), None)


def to_field_change(entity_type: str, field: str, before: Any = None, after: Any = None) -> FieldChange:
    """A stored change of an attribute of an entity, in the form of the graph."""
    shown = to_camel_case(field)
    if field.endswith("_at"):
        return FieldChange(field=shown, before=_to_graph_datetime(before), after=_to_graph_datetime(after), references=())
    kind = entity_type if field == "parent_id" else _REFERENCE_TYPES.get(field)
    found: dict[tuple[str, UUID], None] = {}
    values = [_to_graph_value(kind, value, found) for value in (before, after)]
    return FieldChange(field=shown, before=values[0], after=values[1], references=tuple(found))


def _to_graph_value(kind: str | None, value: Any, found: dict[tuple[str, UUID], None]) -> Any:
    """A value with global ids for ids; what they refer to is added to `found`."""
    if isinstance(value, dict):
        return {name: _to_graph_value(_NESTED_REFERENCE_TYPES.get(name), inner, found) for name, inner in value.items()}
    if isinstance(value, list):
        return [_to_graph_value(kind, inner, found) for inner in value]
    if kind is None or not isinstance(value, str):
        return value
    id_ = UUID(value)
    found[kind, id_] = None
    return ids.encode(kind, id_)


def _to_graph_datetime(value: str | None) -> str | None:
    return None if value is None else value.replace("+00:00", "Z")
