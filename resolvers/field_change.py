"""Converts the attribute changes of an entry to the form of the graph: camelCase names, global ids, UTC instants with a Z."""

from typing import Any
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case

from domain.events import Entry, FieldChange
from resolvers import ids

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


def field_changes(entry: Entry) -> list[FieldChange]:
    """The changed attributes, each with its values before and after."""
    return [_to_field_change(entry, **change) for change in entry.payload["changes"]]


def _to_field_change(entry: Entry, field: str, before: Any = None, after: Any = None) -> FieldChange:
    if field.endswith("_at"):
        return FieldChange(field=to_camel_case(field), before=_to_graph_datetime(before), after=_to_graph_datetime(after))
    kind = entry.entity_type if field == "parent_id" else _REFERENCE_TYPES.get(field)
    return FieldChange(field=to_camel_case(field), before=_to_graph_value(kind, before), after=_to_graph_value(kind, after))


def _to_graph_value(kind: str | None, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_graph_value(_NESTED_REFERENCE_TYPES.get(name), inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_to_graph_value(kind, inner) for inner in value]
    return ids.encode(kind, UUID(value)) if kind is not None and isinstance(value, str) else value


def _to_graph_datetime(value: str | None) -> str | None:
    return None if value is None else value.replace("+00:00", "Z")
