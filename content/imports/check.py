"""Checks a record by itself: its attributes become what is stored, or the record is refused with the reason.

How records refer to each other is checked where all of them are known (`workers.imports`).
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from content.guard import MAX_DOCUMENT_BYTES
from domain import media, recurrence, text
from domain.document import DocumentType
from domain.emoji import fully_qualified
from domain.errors import DomainError, Invalid
from domain.project import ProjectStatus, ProjectVisibility
from domain.task import TaskPriority, TaskStatus
from domain.task.checks import MAX_LABELS, validate_rule
from domain.task_link import TaskLinkKind

Record = dict[str, Any]
MAX_REFERENCE_CHARS: Final = 300
MAX_DOCUMENT_CHARS: Final = 500_000
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")
_LINK_KINDS: Final = (TaskLinkKind.BLOCKS, TaskLinkKind.RELATES_TO, TaskLinkKind.DUPLICATES)
_FIRST_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DEFAULT_COLOR: Final = "#8b949e"


class _Reader:
    """Reads the attributes of one record; every method raises Invalid with the attribute as its path."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record

    def reference(self, name: str, *, required: bool = False) -> str | None:
        """What another record is called, or this one."""
        value = self._record.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value in (None, ""):
            if required:
                raise Invalid((name,), "is missing")
            return None
        if not isinstance(value, str) or len(value) > MAX_REFERENCE_CHARS:
            raise Invalid((name,), "is no reference")
        return value

    def references(self, name: str, limit: int) -> list[str]:
        """The same for a list, each once."""
        value = self._record.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Invalid((name,), "is no list of references")
        if len(set(value)) > limit:
            raise Invalid((name,), f"has more than {limit} values")
        return list(dict.fromkeys(value))

    def line(self, name: str, limit: int = text.MAX_NAME_CHARS) -> str:
        """One line of text."""
        return text.validate_name(self.string(name), (name,), limit=limit)

    def title(self, name: str = "title") -> str:
        """The title of a task or document."""
        return text.validate_line(self.string(name), (name,), limit=text.MAX_TITLE_CHARS)

    def optional_line(self, name: str) -> str | None:
        """One line of text, or None."""
        return self.line(name) if self._record.get(name) not in (None, "") else None

    def markdown(self, name: str, limit: int = text.MAX_MARKDOWN_CHARS) -> str | None:
        """Markdown, or None."""
        value = self.string(name)
        return text.validate_optional_markdown(value.replace("\r\n", "\n") if value else value, (name,), limit=limit)

    def member(self, name: str, kind: Any, default: Any) -> Any:
        """A member of an enum."""
        value = self._record.get(name)
        if value in (None, ""):
            return default
        try:
            return kind(value).value
        except ValueError:
            allowed = ", ".join(each.value for each in kind)
            raise Invalid((name,), f"is none of {allowed}") from None

    def day(self, name: str) -> str | None:
        """A day."""
        value = self.string(name)
        if not value:
            return None
        try:
            return date.fromisoformat(value[:10]).isoformat()
        except ValueError:
            raise Invalid((name,), "is no day such as 2026-12-24") from None

    def instant(self, name: str) -> str | None:
        """An instant between 1970 and now; without a zone, UTC."""
        value = self.string(name)
        if not value:
            return None
        try:
            at = datetime.fromisoformat(value)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Invalid((name,), "is no instant such as 2026-12-24T18:00:00Z") from None
        return min(max(at, _FIRST_INSTANT), datetime.now(UTC)).isoformat()

    def number(self, name: str) -> float | None:
        """A finite number that is not negative."""
        value = self._record.get(name)
        if value in (None, ""):
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise Invalid((name,), "is no number") from None
        if not math.isfinite(number) or not 0 <= number <= 1e9 or isinstance(value, bool):
            raise Invalid((name,), "is no number from 0 to 1,000,000,000")
        return number

    def whole(self, name: str) -> int | None:
        """A whole number that is not negative."""
        number = self.number(name)
        if number is not None and not number.is_integer():
            raise Invalid((name,), "is no whole number")
        return None if number is None else int(number)

    def string(self, name: str) -> str | None:
        """Any text, or None."""
        value = self._record.get(name)
        if value is not None and not isinstance(value, str):
            raise Invalid((name,), "is no text")
        return value


def check(record: Mapping[str, Any]) -> Record:
    """The record as it is imported. Raises Invalid."""
    kind = record.get("type")
    read = _CHECKS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise Invalid(("type",), f"is no type that can be imported: {str(kind)[:40]}")
    try:
        return {"type": kind} | read(_Reader(record), record)
    except Invalid:
        raise
    except DomainError as error:
        raise Invalid(error.path or ("type",), error.message) from error


def describe(error: DomainError) -> str:
    """What is wrong, with the attribute: "title: A value is needed here."."""
    return f"{'.'.join(error.path)}: {error.message}" if error.path else error.message


def _team(_: _Reader, record: Mapping[str, Any]) -> Record:
    return {}


def _user(read: _Reader, record: Mapping[str, Any]) -> Record:
    name = f"{record.get('firstName') or ''} {record.get('lastName') or ''}".strip()
    return {"id": read.reference("id", required=True), "email": read.reference("email"), "name": name[:200]}


def _label(read: _Reader, record: Mapping[str, Any]) -> Record:
    color = str(record.get("color") or _DEFAULT_COLOR).lower()
    if not _COLOR.fullmatch(color):
        raise Invalid(("color",), "is no colour such as #336699")
    return {"id": read.reference("id", required=True), "name": read.line("name", 50), "color": color}


def _project(read: _Reader, record: Mapping[str, Any]) -> Record:
    start, end = read.day("startOn"), read.day("endOn")
    if start and end and end < start:
        raise Invalid(("endOn",), "is before its start")
    return {
        "id": read.reference("id", required=True),
        "name": read.line("name"),
        "description": read.markdown("description"),
        "status": read.member("status", ProjectStatus, ProjectStatus.ACTIVE.value),
        "visibility": read.member("visibility", ProjectVisibility, ProjectVisibility.TEAM.value),
        "startOn": start,
        "endOn": end,
        "leadId": read.reference("leadId"),
        "creatorId": read.reference("creatorId"),
        "memberIds": read.references("memberIds", 10_000),
        "createdAt": read.instant("createdAt"),
    }


def _task(read: _Reader, record: Mapping[str, Any]) -> Record:
    start, due = read.day("startOn"), read.day("dueOn")
    if start and due and due < start:
        raise Invalid(("dueOn",), "is before its start")
    rule = validate_rule(read.string("recurrence"), ("recurrence",))
    if rule and not due:
        raise Invalid(("recurrence",), "needs a due day")
    if rule and due and not recurrence.gives_days(rule, date.fromisoformat(due)):
        raise Invalid(("recurrence",), "gives no later day")
    return {
        "id": read.reference("id", required=True),
        "projectId": read.reference("projectId", required=True),
        "parentId": read.reference("parentId"),
        "number": read.whole("number"),
        "title": read.title(),
        "description": read.markdown("description"),
        "status": read.member("status", TaskStatus, TaskStatus.TODO.value),
        "priority": read.member("priority", TaskPriority, TaskPriority.NONE.value),
        "assigneeId": read.reference("assigneeId"),
        "creatorId": read.reference("creatorId"),
        "startOn": start,
        "dueOn": due,
        "recurrence": rule,
        "estimate": read.number("estimate"),
        "labelIds": read.references("labelIds", MAX_LABELS),
        "externalRef": read.optional_line("externalRef"),
        "completedAt": read.instant("completedAt"),
        "createdAt": read.instant("createdAt"),
        "updatedAt": read.instant("updatedAt"),
    }


def _link(read: _Reader, record: Mapping[str, Any]) -> Record:
    kind = read.member("kind", TaskLinkKind, None)
    if kind not in _LINK_KINDS:
        raise Invalid(("kind",), "is none of " + ", ".join(_LINK_KINDS))
    ends = read.reference("taskId", required=True), read.reference("targetId", required=True)
    if ends[0] == ends[1]:
        raise Invalid(("targetId",), "is the task itself")
    return {"taskId": ends[0], "targetId": ends[1], "kind": kind}


def _document(read: _Reader, record: Mapping[str, Any]) -> Record:
    crdt = record.get("crdt")
    if crdt:
        try:
            size = len(base64.b64decode(crdt, validate=True))
        except (TypeError, ValueError, binascii.Error):
            raise Invalid(("crdt",), "is no base64") from None
        if size > MAX_DOCUMENT_BYTES:
            raise Invalid(("crdt",), f"has more than {MAX_DOCUMENT_BYTES} bytes")
    return {
        "id": read.reference("id", required=True),
        "projectId": read.reference("projectId", required=True),
        "parentId": read.reference("parentId"),
        "title": read.title(),
        "kind": read.member("kind", DocumentType, DocumentType.TEXT.value),
        "ownerId": read.reference("ownerId"),
        "crdt": crdt or None,
        "markdown": None if crdt else read.markdown("markdown", MAX_DOCUMENT_CHARS),
        "createdAt": read.instant("createdAt"),
    }


def _comment(read: _Reader, record: Mapping[str, Any]) -> Record:
    reactions = record.get("reactions") or []
    if not isinstance(reactions, list) or not all(isinstance(each, dict) for each in reactions) or len(reactions) > 1_000:
        raise Invalid(("reactions",), "is no list of reactions")
    body = read.markdown("body")
    if body is None:
        raise Invalid(("body",), "is missing")
    return {
        "id": read.reference("id", required=True),
        "subjectId": read.reference("subjectId", required=True),
        "parentId": read.reference("parentId"),
        "authorId": read.reference("authorId"),
        "body": body,
        **{name: read.markdown(name, 2_000) for name in ("anchorQuote", "anchorPrefix", "anchorSuffix")},
        "anchorStart": read.whole("anchorStart"),
        "resolvedAt": read.instant("resolvedAt"),
        "resolvedById": read.reference("resolvedById"),
        "editedAt": read.instant("editedAt"),
        "createdAt": read.instant("createdAt"),
        "reactions": [
            {"emoji": fully_qualified(str(each.get("emoji"))), "userId": str(each.get("userId"))[:MAX_REFERENCE_CHARS]}
            for each in reactions
            if fully_qualified(str(each.get("emoji"))) is not None
        ],
    }


def _attachment(read: _Reader, record: Mapping[str, Any]) -> Record:
    name = read.line("fileName", 255)
    if "/" in name or "\\" in name or name in (".", ".."):
        raise Invalid(("fileName",), "holds a path")
    content_type = media.media_type(str(record.get("contentType") or "application/octet-stream"))
    if content_type is None:
        raise Invalid(("contentType",), "is no media type")
    return {
        "id": read.reference("id", required=True),
        "subjectId": read.reference("subjectId", required=True),
        "uploaderId": read.reference("uploaderId"),
        "fileName": name,
        "contentType": content_type,
        "path": read.reference("path"),
        "createdAt": read.instant("createdAt"),
    }


_CHECKS: Final[Mapping[str, Callable[[_Reader, Mapping[str, Any]], Record]]] = {
    "Team": _team,
    "User": _user,
    "Label": _label,
    "Project": _project,
    "Task": _task,
    "TaskLink": _link,
    "Document": _document,
    "Comment": _comment,
    "Attachment": _attachment,
}
