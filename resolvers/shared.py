"""Narrows what a share link finds to its subject: the document, or the project with its tasks."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from resolvers.context import Context


def within_subject(context: Context, type_name: str, found: Mapping[UUID, Any]) -> Mapping[UUID, Any]:
    """Those of the objects that the viewer's share link leads to; all of them for whoever has no link."""
    shared = context.viewer.shared
    if shared is None:
        return found
    if type_name == shared.type_name:
        return {id_: row for id_, row in found.items() if id_ == shared.id and row.deleted_at is None}
    if type_name == "Task" and shared.type_name == "Project":
        return {id_: row for id_, row in found.items() if row.project_id == shared.id and row.deleted_at is None}
    if type_name == "ShareLink":
        return {id_: row for id_, row in found.items() if id_ == context.viewer.session_id}
    return {}
