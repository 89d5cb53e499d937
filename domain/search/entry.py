"""What of an object can be searched: its title, its text, and where it lies."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.collation import search_key

MAX_TITLE_KEY_CHARS = 200
# Ids of people and documents in links; everything else of Markdown reads as text.
_LINK_TARGET = re.compile(r"\]\((?:user|document|task|project):[^()\s]{0,300}\)", re.IGNORECASE)


def place(type_name: str, project_id: UUID) -> str:
    """Where entries of one type in one project are found: `Task:0190…`."""
    return f"{type_name}:{project_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEntry:
    """
    The searchable text of one object, in one project.

    `subject_id` is the task or document of a comment or file. `keywords` are words that are as good as the title's, such as a
    key. Of what is `is_deleted`, it is known that it can be restored.
    """

    type_name: str
    id: UUID
    project_id: UUID
    subject_id: UUID | None = None
    title: str = ""
    keywords: str = ""
    text: str = ""
    at: datetime
    is_deleted: bool = False

    @property
    def title_key(self) -> str:
        """What a title is compared with a query by."""
        return search_key(self.title)[:MAX_TITLE_KEY_CHARS]


def plain(markdown: str | None) -> str:
    """Markdown as it is searched and shown in fragments: without the ids in its links."""
    return "" if not markdown else _LINK_TARGET.sub("]", markdown.replace("\0", ""))


def entry_of(entity: Any, *, project_id: UUID | None = None, text: str = "") -> SearchEntry:
    """
    The entry of a task, document, comment, project or attachment.

    `project_id`: of a comment or attachment, as that of its subject is now; `text`: of a document.
    """
    place = project_id or getattr(entity, "project_id", None) or entity.id
    is_deleted = getattr(entity, "deleted_at", None) is not None
    match entity.type_name:
        case "Task":
            return SearchEntry(
                type_name="Task",
                id=entity.id,
                project_id=place,
                title=entity.title,
                keywords=entity.key,
                text=plain(entity.description),
                at=entity.updated_at,
                is_deleted=is_deleted,
            )
        case "Document":
            return SearchEntry(
                type_name="Document",
                id=entity.id,
                project_id=place,
                title=entity.title,
                text=text,
                at=entity.updated_at,
                is_deleted=is_deleted,
            )
        case "Comment":
            return SearchEntry(
                type_name="Comment",
                id=entity.id,
                project_id=place,
                subject_id=entity.subject_id,
                text=plain(entity.body),
                at=entity.edited_at or entity.created_at,
                is_deleted=is_deleted,
            )
        case "Project":
            return SearchEntry(
                type_name="Project",
                id=entity.id,
                project_id=entity.id,
                title=entity.name,
                text=plain(entity.description),
                at=entity.updated_at,
                is_deleted=is_deleted,
            )
        case "Attachment":
            return SearchEntry(
                type_name="Attachment",
                id=entity.id,
                project_id=place,
                subject_id=entity.about_id,
                title=entity.file_name,
                at=entity.created_at,
            )
    raise AssertionError(entity.type_name)
