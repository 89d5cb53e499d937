"""The records of an export in JSON Lines: an object a line, the first of which says what the file is.

    {"type": "Export", "format": "pantherahive", "version": 1, "exportedAt": …}
    {"type": "Team", …}  {"type": "Label", …}  {"type": "Project", …}  {"type": "Task", …}  {"type": "TaskLink", …}
    {"type": "Document", …}  {"type": "Comment", …}  {"type": "Attachment", …}  {"type": "User", …}

Types come in this order, and refer to each other by `id`. Names of attributes are those of the graph, but `kind` for the type of
a document. Tasks and documents come in the order of their list; `User` records are last, since they are those whom the others
name.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

FORMAT: Final = "pantherahive"
VERSION: Final = 1
USER_ATTRIBUTES: Final = frozenset(
    {"assignee_id", "author_id", "creator_id", "lead_id", "owner_id", "resolved_by_id", "uploader_id"}
)
_LEFT_OUT: Final = frozenset({"parent_key", "about_type", "about_id"})


def to_record(type_: str, row: Mapping[str, Any], **extra: Any) -> dict[str, Any]:
    """The record of a row: its columns under the names of the graph."""
    return {"type": type_} | {_attribute(name): value for name, value in row.items() if name not in _LEFT_OUT} | extra


def people_in(rows: Iterable[Mapping[str, Any]]) -> set[Any]:
    """The ids of the people whom rows name."""
    return {row[name] for row in rows for name in USER_ATTRIBUTES if row.get(name) is not None}


@cache
def _attribute(name: str) -> str:
    if name == "type":
        return "kind"
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)
