"""Reads the Markdown files of an export back (`domain.transfer.markdown_file`): projects, tasks and documents with comments."""

from collections.abc import Iterator
from typing import Any

from domain.errors import Invalid
from domain.transfer.markdown_file import read


def read_file(path: str, content: str) -> Iterator[dict[str, Any]]:
    """The records of one file. Its folder is its project. Raises Invalid."""
    try:
        attributes, text = read(content.replace("\r\n", "\n"))
    except ValueError as error:
        raise Invalid(("file",), str(error)) from error
    folder = path.split("/")[0]
    match attributes.get("type"):
        case "Project":
            yield from _people(attributes.get("lead"))
            yield {
                "type": "Project",
                "id": folder,
                "name": attributes.get("name"),
                "description": text,
                "status": attributes.get("status"),
                "visibility": attributes.get("visibility"),
                "startOn": attributes.get("start"),
                "endOn": attributes.get("end"),
                "leadId": attributes.get("lead"),
                "createdAt": attributes.get("created"),
            }
        case "Task":
            yield from _task(path, folder, attributes, text)
        case "Document":
            yield from _document(path, folder, attributes, text)
        case other:
            raise Invalid(("file",), f"The type in its front matter is none of Project, Task and Document: {str(other)[:40]}")


def _task(path: str, folder: str, attributes: dict[str, Any], text: str) -> Iterator[dict[str, Any]]:
    labels = attributes.get("labels") or []
    identity = attributes.get("key") or path
    yield from _people(attributes.get("assignee"), attributes.get("creator"))
    yield from ({"type": "Label", "id": each, "name": each} for each in labels if isinstance(labels, list))
    number = str(identity).rpartition("-")[2]
    yield {
        "type": "Task",
        "id": identity,
        "projectId": folder,
        "parentId": attributes.get("parent"),
        "number": int(number) if number.isdecimal() and len(number) < 10 else None,
        "title": attributes.get("title"),
        "description": text,
        "status": attributes.get("status"),
        "priority": attributes.get("priority"),
        "assigneeId": attributes.get("assignee"),
        "creatorId": attributes.get("creator"),
        "labelIds": labels,
        "startOn": attributes.get("start"),
        "dueOn": attributes.get("due"),
        "recurrence": attributes.get("recurrence"),
        "estimate": attributes.get("estimate"),
        "completedAt": attributes.get("completed"),
        "createdAt": attributes.get("created"),
    }
    yield from _belongings(identity, attributes)


def _document(path: str, folder: str, attributes: dict[str, Any], text: str) -> Iterator[dict[str, Any]]:
    identity = attributes.get("id") or path
    yield from _people(attributes.get("owner"))
    yield {
        "type": "Document",
        "id": identity,
        "projectId": folder,
        "parentId": attributes.get("parent"),
        "title": attributes.get("title"),
        "kind": attributes.get("kind"),
        "ownerId": attributes.get("owner"),
        "markdown": text,
        "createdAt": attributes.get("created"),
    }
    yield from _belongings(identity, attributes)


def _belongings(identity: Any, attributes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _attachments(identity, attributes.get("attachments"))
    comments = attributes.get("comments") or []
    if not isinstance(comments, list) or not all(isinstance(each, dict) for each in comments):
        raise Invalid(("file",), "The comments in its front matter are no list of comments.")
    for index, said in enumerate(comments):
        comment_id = said.get("id") or f"{identity} comment {index}"
        reactions = [each for each in said.get("reactions") or () if isinstance(each, list) and len(each) == 2]
        yield from _people(said.get("author"), *(person for _, person in reactions))
        yield {
            "type": "Comment",
            "id": comment_id,
            "subjectId": identity,
            "parentId": said.get("parent"),
            "authorId": said.get("author"),
            "body": said.get("body"),
            "anchorQuote": said.get("quote"),
            "resolvedAt": said.get("resolved"),
            "createdAt": said.get("created"),
            "reactions": [{"emoji": emoji, "userId": person} for emoji, person in reactions],
        }
        yield from _attachments(comment_id, said.get("attachments"))


def _attachments(subject: Any, files: Any) -> Iterator[dict[str, Any]]:
    for index, file in enumerate(files or ()):
        if isinstance(file, dict):
            yield {
                "type": "Attachment",
                "id": file.get("path") or f"{subject} file {index}",
                "subjectId": subject,
                "fileName": file.get("name"),
                "contentType": file.get("contentType"),
                "path": file.get("path"),
            }


def _people(*references: Any) -> Iterator[dict[str, Any]]:
    for each in references:
        if isinstance(each, str) and each:
            yield {"type": "User", "id": each, **({"email": each} if "@" in each else {"firstName": each})}
