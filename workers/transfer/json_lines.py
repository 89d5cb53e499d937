"""Writes an export as JSON Lines (`domain.transfer.records`); with attachments, as a zip of it and of them."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import IO, Any, Final
from uuid import UUID

import orjson

from domain.document import ContentFormat
from domain.errors import LimitExceeded
from domain.transfer.markdown_file import attachment_name
from domain.transfer.records import FORMAT, VERSION, people_in, to_record
from persistence.transfer.source import ExportSource
from workers.transfer.output import AttachmentCopier, write_bounded
from workers.transfer.zip_writer import ZipWriter
from workers.user_job import UserJobRun

_MAX_ATTACHMENTS: Final = 50_000
_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
RECORDS_NAME: Final = "export.jsonl"


class JsonLinesWriter:
    """One export. `archive`: the zip that holds the attachments beside the records; None: the records are all of the file."""

    def __init__(self, run: UserJobRun, source: ExportSource, file: IO[bytes], archive: ZipWriter | None) -> None:
        self._run, self._source, self._file, self._archive = run, source, file, archive
        self._write: Callable[[bytes], None] = lambda content: write_bounded(file, content)
        self._people: set[UUID] = set()
        self._done = 0
        self._attachments: list[Any] = []

    async def write(self, rows_total: int) -> int:
        """Write everything; how many tasks and documents there were."""
        if self._archive is None:
            await self._write_records(rows_total)
            return self._done
        with self._archive.entry(RECORDS_NAME) as self._write:
            await self._write_records(rows_total)
        copier = AttachmentCopier(self._run, self._archive)
        for row in self._attachments:
            await copier.copy(row, attachment_path(row))
            await self._run.advance(self._done, rows_total, "Writing the attachments.")
        return self._done

    async def _write_records(self, rows_total: int) -> None:
        source = self._source
        header = {"format": FORMAT, "version": VERSION, "exportedAt": self._run.job.started_at}
        await self._append([{"type": "Export"} | header])
        memberships = await source.memberships() if source.document_ids is None else []
        members = [{"userId": row["user_id"], "role": row["role"]} for row in memberships]
        self._people |= {row["user_id"] for row in memberships}
        await self._append([to_record("Team", await source.team(), members=members)])
        await self._append([to_record("Label", row) for row in await source.labels()])
        projects = await source.projects()
        self._people |= {user_id for row in projects for user_id in row["member_ids"]} | people_in(projects)
        await self._append([to_record("Project", row, memberIds=sorted(row["member_ids"])) for row in projects])
        await self._append_pages("Task", source.tasks(), rows_total)
        await self._append_pages("TaskLink", source.links())
        await self._append_documents(rows_total)
        await self._append_comments()
        await self._append_attachments()
        await self._append([to_record("User", row) for row in await source.people(self._people)])

    async def _append_pages(self, type_: str, pages: AsyncIterator[list[Any]], rows_total: int | None = None) -> None:
        async for rows in pages:
            await self._append(to_record(type_, row) for row in rows)
            self._people |= people_in(rows)
            if rows_total is not None:
                self._done += len(rows)
                await self._run.advance(self._done, rows_total)

    async def _append_documents(self, rows_total: int) -> None:
        async for rows in self._source.documents():
            contents = await read_contents(self._run, rows, ContentFormat.CRDT)
            texts = await read_contents(self._run, rows, ContentFormat.MARKDOWN)
            await self._append(
                to_record("Document", row, crdt=base64.b64encode(state.crdt or b"").decode(), markdown=text.text)
                for row, state, text in zip(rows, contents, texts, strict=True)
            )
            self._people |= people_in(rows)
            self._done += len(rows)
            await self._run.advance(self._done, rows_total)

    async def _append_comments(self) -> None:
        async for rows in self._source.comments():
            self._people |= people_in(rows) | {UUID(user_id) for row in rows for _, user_id in row["reactions"]}
            await self._append(
                to_record("Comment", row, reactions=[{"emoji": emoji, "userId": id_} for emoji, id_ in sorted(row["reactions"])])
                for row in rows
            )
            await self._run.require_running()

    async def _append_attachments(self) -> None:
        async for rows in self._source.attachments():
            self._people |= people_in(rows)
            paths = {row["id"]: attachment_path(row) if self._archive is not None else None for row in rows}
            await self._append(to_record("Attachment", row, path=paths[row["id"]]) for row in rows)
            if self._archive is not None:
                self._attachments += rows
            if len(self._attachments) > _MAX_ATTACHMENTS:
                raise LimitExceeded(f"There are more than {_MAX_ATTACHMENTS} attachments.", _MAX_ATTACHMENTS)

    async def _append(self, records: Iterable[dict[str, Any]]) -> None:
        await asyncio.to_thread(self._append_now, records)

    def _append_now(self, records: Iterable[dict[str, Any]]) -> None:
        self._write(b"".join(orjson.dumps(each, default=str, option=_OPTIONS) for each in records))


def attachment_path(row: Any) -> str:
    """Where an attachment lies in an archive: under its id, since names may be equal."""
    return f"attachments/{row['id']}/{attachment_name(row['file_name'])}"


async def read_contents(run: UserJobRun, rows: Sequence[Any], format_: ContentFormat) -> Any:
    """What each document says."""
    reader = run.services.document_contents
    return await reader.read_current([_Document(row) for row in rows], format_, owner=run.job.creator_id)


class _Document:
    """So much of a document as reading its content needs."""

    __slots__ = ("id", "type")

    def __init__(self, row: Any) -> None:
        self.id, self.type = row["id"], row["type"]
