"""Writes an export as a zip of Markdown files (`domain.transfer.markdown_file`), a folder for each project:

Website/project.md
Website/tasks/ENG-1 Say hello.md
Website/documents/Plan.md
attachments/0197…/sketch.png
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.document import ContentFormat
from domain.transfer.markdown_file import FileNames, file_name, write
from persistence.transfer.source import ExportSource
from workers.transfer.csv_table import name_people
from workers.transfer.json_lines import attachment_path, read_contents
from workers.transfer.output import AttachmentCopier
from workers.transfer.zip_writer import ZipWriter
from workers.user_job import UserJobRun


class MarkdownZipWriter:
    """One export."""

    def __init__(self, run: UserJobRun, source: ExportSource, archive: ZipWriter, *, include_attachments: bool) -> None:
        self._run, self._source, self._archive = run, source, archive
        self._copier = AttachmentCopier(run, archive) if include_attachments else None
        self._names = FileNames()
        self._folders: dict[UUID, str] = {}
        self._people: dict[UUID, str] = {}
        self._labels: dict[UUID, str] = {}
        self._done = 0

    async def write(self, rows_total: int) -> int:
        """Write everything; how many tasks and documents there were."""
        self._labels = {row["id"]: row["name"] for row in await self._source.labels()}
        projects = await self._source.projects()
        await name_people(self._source, self._people, projects)
        for row in projects:
            folder = self._folders[row["id"]] = self._names.unique("", file_name(row["name"]))
            self._archive.add(f"{folder}/project.md", self._project(row).encode())
        async for rows in self._source.tasks():
            await self._append(rows, "Task", rows_total)
        async for rows in self._source.documents():
            await self._append(rows, "Document", rows_total)
        return self._done

    async def _append(self, rows: Sequence[Any], type_: str, rows_total: int) -> None:
        ids = [row["id"] for row in rows]
        comments = await self._source.comments_on(ids)
        files = await self._source.attachments_on([*ids, *(row["id"] for row in comments)])
        await name_people(self._source, self._people, [*rows, *comments])
        missing = {UUID(id_) for row in comments for _, id_ in row["reactions"]} - self._people.keys()
        await name_people(self._source, self._people, [{"author_id": each} for each in missing])
        by_subject, files_by_subject = defaultdict(list), defaultdict(list)
        for row in comments:
            by_subject[row["subject_id"]].append(row)
        for row in files:
            files_by_subject[row["subject_id"]].append(row)
        texts: dict[UUID, str | None]
        if type_ == "Document":
            found = await read_contents(self._run, rows, ContentFormat.MARKDOWN)
            texts = {row["id"]: content.text for row, content in zip(rows, found, strict=True)}
        else:
            texts = {row["id"]: row["description"] for row in rows}
        await asyncio.to_thread(self._write_files, rows, type_, texts, by_subject, files_by_subject)
        if self._copier is not None:
            for row in files:
                await self._copier.copy(row, attachment_path(row))
                await self._run.advance(self._done, rows_total)
        self._done += len(rows)
        await self._run.advance(self._done, rows_total)

    def _write_files(self, rows: Sequence[Any], type_: str, texts: Any, comments: Any, files: Any) -> None:
        for row in rows:
            folder = self._folders[row["project_id"]]
            said = [self._comment(each, files) for each in comments[row["id"]]]
            own = {"attachments": self._attachments(files[row["id"]]), "comments": said}
            if type_ == "Task":
                path = f"{folder}/tasks/{file_name(row['key'] + ' ' + row['title'])}.md"
                attributes = self._task(row) | own
            else:
                path = self._names.unique(f"{folder}/documents", file_name(row["title"]), ".md")
                attributes = self._document(row) | own
            self._archive.add(path, write(attributes, texts[row["id"]]).encode())

    def _project(self, row: Any) -> str:
        attributes = {
            "type": "Project",
            "name": row["name"],
            "status": row["status"],
            "visibility": row["visibility"],
            "start": row["start_on"],
            "end": row["end_on"],
            "lead": self._people.get(row["lead_id"]),
            "created": row["created_at"],
        }
        return write(attributes, row["description"])

    def _task(self, row: Any) -> dict[str, Any]:
        return {
            "type": "Task",
            "key": row["key"],
            "title": row["title"],
            "status": row["status"],
            "priority": row["priority"],
            "assignee": self._people.get(row["assignee_id"]),
            "creator": self._people.get(row["creator_id"]),
            "labels": [self._labels[each] for each in row["label_ids"] if each in self._labels],
            "parent": row["parent_key"],
            "start": row["start_on"],
            "due": row["due_on"],
            "recurrence": row["recurrence"],
            "estimate": row["estimate"],
            "completed": row["completed_at"],
            "created": row["created_at"],
        }

    def _document(self, row: Any) -> dict[str, Any]:
        return {
            "type": "Document",
            "id": row["id"],
            "title": row["title"],
            "kind": row["type"],
            "parent": row["parent_id"],
            "owner": self._people.get(row["owner_id"]),
            "created": row["created_at"],
        }

    def _comment(self, row: Any, files: Any) -> dict[str, Any]:
        said = {
            "id": row["id"],
            "parent": row["parent_id"],
            "author": self._people.get(row["author_id"]),
            "created": row["created_at"],
            "body": row["body"],
            "quote": row["anchor_quote"],
            "resolved": row["resolved_at"],
            "reactions": [[emoji, self._people.get(UUID(id_))] for emoji, id_ in sorted(row["reactions"])],
            "attachments": self._attachments(files[row["id"]]),
        }
        return {name: value for name, value in said.items() if value not in (None, [])}

    def _attachments(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        return [
            {"name": row["file_name"], "contentType": row["content_type"], "byteSize": row["byte_size"]}
            | ({"path": attachment_path(row)} if self._copier is not None else {})
            for row in rows
        ]
