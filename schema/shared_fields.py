"""States what whoever has a share link may select: everything else is refused before an operation begins.

A link shows what its creator may see of one document, or of one project as a board. Rows are narrowed by the creator's rights
(`persistence.access`) and to the subject (`resolvers.shared`); this table keeps out whatever leads beyond it, or depends on the
person: the team, other people's addresses, comments, history, and all mutations. Of people there are their names and pictures.
"""

from collections.abc import Mapping
from typing import Final

_FIELDS: Final[Mapping[str, str]] = {
    "Query": "node shareLink",
    "Node": "id",
    "Entity": "id version createdAt updatedAt",
    "ShareLink": "id subject createdAt expiresAt",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
}
_PAGE: Final = "edges nodes pageInfo totalCount totalCountExact"
_OF_DOCUMENTS: Final[Mapping[str, str]] = {
    "Query": "node shareLink document",
    "Subscription": "documentCollaboration",
    "Discussable": "id version createdAt updatedAt attachments",
    "Document": "id version createdAt updatedAt title type preview content attachments",
    "DocumentContent": "format text crdt position",
    "DocumentSynced": "position update stateVector",
    "DocumentEdited": "position update",
    "AttachmentConnection": _PAGE,
    "AttachmentEdge": "cursor node",
    "Attachment": "id fileName contentType byteSize createdAt url thumbnailUrl",
}
_OF_PROJECTS: Final[Mapping[str, str]] = {
    "Query": "node shareLink project task",
    "Subscription": "changes",
    "Discussable": "id version createdAt updatedAt",
    "Project": "id version createdAt updatedAt name description status startOn endOn lead tasks progress",
    "Progress": "total done overdue byStatus",
    "StatusCount": "status count",
    "TaskConnection": _PAGE,
    "TaskEdge": "cursor node",
    "Task": "id version createdAt updatedAt key title description status priority assignee startOn dueOn isOverdue completedAt "
    "estimate labels parent subtasks subtaskProgress rank",
    "LabelConnection": _PAGE,
    "LabelEdge": "cursor node",
    "Label": "id name color",
    "User": "id firstName lastName displayName avatarUrl isBot",
    "Change": "id kind type entityId entity at",
}


def _coordinates(fields: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{type_}.{name}" for type_, names in fields.items() for name in names.split())


SHARED_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "Document": _coordinates(_FIELDS) | _coordinates(_OF_DOCUMENTS),
    "Project": _coordinates(_FIELDS) | _coordinates(_OF_PROJECTS),
}
"""The coordinates that may be selected, by the type of what a link leads to."""

SHARED_ARGUMENTS: Final = frozenset(
    {"id", "first", "after", "last", "before", "orderBy", "format", "size", "expiresIn", "sessionId", "stateVector"}
)
"""The arguments that fields may be given. Filters are not among them: they speak of what cannot be selected."""
_TAKES_NO_CURSOR: Final = frozenset({"changes", "documentCollaboration"})


def shared_arguments(field_name: str) -> frozenset[str]:
    """The arguments that a field may be given: nothing by which what was before the link could be asked for."""
    return SHARED_ARGUMENTS - {"after"} if field_name in _TAKES_NO_CURSOR else SHARED_ARGUMENTS
