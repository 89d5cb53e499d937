"""Imports a file of tasks and documents into a team (`domain.job.start_import`, `workers.imports`)."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import IO, Any, Final
from uuid import UUID

from content.imports.read import Read, read_files, read_lines, read_whole
from domain.blob import FILE_PART_BYTES, attachment_key
from domain.errors import Forbidden, NotFound
from domain.job import JobIssue, TransferFormat
from domain.permissions import Action, ResourceKind, access
from domain.upload import MAX_UPLOAD_BYTES
from persistence.blobs.document_objects import DocumentObjects
from persistence.transfer.target import reserve_numbers
from workers.imports.apply import Import
from workers.imports.archive import Archive
from workers.imports.attachments import StoredFile, check_files, store_files
from workers.imports.collection import TYPES, Collection
from workers.imports.people import find_people
from workers.job import JobRun, job, open_work
from workers.transfer.csv_table import to_csv
from workers.transfer.json_lines import RECORDS_NAME
from workers.user_job import LEASE_SECONDS, MAX_TRIES, TIMEOUT_SECONDS, JobRefused, UserJobRun, on_give_up, run_user_job

MAX_WHOLE_BYTES: Final = 32 * 1024 * 1024
"""Of a file that is read as a whole: a table, a board, issues."""
_LINES_BYTES: Final = 1024 * 1024
_MAX_LINE_BYTES: Final = 48 * 1024 * 1024
_FILES_BYTES: Final = 1024 * 1024
_ZIP_START: Final = b"PK"


@job(
    kind="import",
    timeout_seconds=TIMEOUT_SECONDS,
    lease_seconds=LEASE_SECONDS,
    max_tries=MAX_TRIES,
    concurrency=1,
    on_give_up=on_give_up,
)
async def import_(run: JobRun) -> None:
    """Read and check the file, write what it holds, and end the job."""
    await run_user_job(run, _import)


async def _import(run: UserJobRun) -> None:
    await _require_rights(run)
    wanted = run.job.parameters
    format_, is_dry_run = TransferFormat(wanted["format"]), bool(wanted["dry_run"])
    may_lack_parents = format_ not in (TransferFormat.JSON, TransferFormat.MARKDOWN_ZIP)
    with tempfile.TemporaryFile() as file, closing(Collection(may_lack_parents=may_lack_parents)) as collection:
        await _fetch(run, UUID(wanted["upload_id"]), file)
        archive = await _read(run, format_, file, collection)
        people = await find_people(run.services.database, run.job.team_id, collection)
        await asyncio.to_thread(collection.check_references, people)
        check_files(collection, archive)
        if not collection.counts["Project"]:
            collection.refuse(None, "The file holds no project.")
        await _report(run, collection)
        result: dict[str, Any] = {"isValid": not collection.refused, "isDryRun": is_dry_run}
        result |= {f"{each[0].lower()}{each[1:]}s": collection.counts[each] for each in TYPES if each != "User"}
        issues = [*collection.issues, *collection.warnings]
        if is_dry_run:
            async with run.succeed(rows_done=sum(collection.counts.values()), result=result, issues=issues):
                return
        if collection.refused:
            raise JobRefused(f"Nothing was imported: {collection.refused} things are wrong with the file.", issues)
        await _write(run, collection, archive, people, result, issues)


async def _write(
    run: UserJobRun,
    collection: Collection,
    archive: Archive | None,
    people: Mapping[str, UUID],
    result: dict[str, Any],
    issues: Sequence[JobIssue],
) -> None:
    total = collection.counts["Task"] + collection.counts["Document"]
    files: dict[str, StoredFile] = {} if archive is None else await store_files(run, collection, archive)
    numbers = await reserve_numbers(run.services.database, run.job.team_id, collection.counts["Task"])
    objects = DocumentObjects(run.services.blobs, max_writers=1)  # of its own: others wait for no import
    async with run.succeed(rows_done=total, result=result, issues=issues, objects=objects) as work:
        writing = Import(run, work.uow, collection, people, files, numbers, total)
        await writing.write()
        await _require_rights(run)


async def _require_rights(run: UserJobRun) -> None:
    """Raises NotFound and Forbidden where the person may not import into the team any more."""
    async with open_work(run.services) as work:
        role = await work.uow.teams.role(run.job.team_id, run.job.creator_id)
    if role is None:
        raise NotFound
    rights = access(run.job.actor, role, ResourceKind.TEAM)
    if Action.MANAGE not in rights.actions:
        raise Forbidden(Action.MANAGE, "Only an admin of the team can import into it.")


async def _fetch(run: UserJobRun, upload_id: UUID, file: IO[bytes]) -> None:
    """Copy the upload to a file of this machine."""
    size = 0
    while True:
        part = await run.services.blobs.get_part(attachment_key(upload_id), size, FILE_PART_BYTES)
        if part is None:
            raise JobRefused("The file is not there any more; upload it again.")
        await asyncio.to_thread(file.write, part)
        size += len(part)
        if len(part) < FILE_PART_BYTES:
            break
        if size > MAX_UPLOAD_BYTES:
            raise JobRefused(f"The file has more than {MAX_UPLOAD_BYTES} bytes.")
    file.seek(0)


async def _read(run: UserJobRun, format_: TransferFormat, file: IO[bytes], collection: Collection) -> Archive | None:
    """Add the records of the file; the archive that it is, if it is one. Raises JobRefused."""
    start = file.read(4)
    file.seek(0)
    is_zip = start.startswith(_ZIP_START)
    if format_ is TransferFormat.MARKDOWN_ZIP or (format_ is TransferFormat.JSON and is_zip):
        archive = await asyncio.to_thread(Archive, file)
        if format_ is TransferFormat.JSON:
            if RECORDS_NAME not in archive:
                raise JobRefused(f"The archive holds no {RECORDS_NAME}.")
            await _read_lines(run, archive.parts(RECORDS_NAME), collection)
        else:
            await _read_markdown(run, archive, collection)
        return archive
    if is_zip:
        raise JobRefused("This is a zip archive; upload the file that is in it.")
    if format_ is TransferFormat.JSON:
        await _read_lines(run, iter(lambda: file.read(_LINES_BYTES), b""), collection)
        return None
    content = await asyncio.to_thread(file.read, MAX_WHOLE_BYTES + 1)
    if len(content) > MAX_WHOLE_BYTES:
        raise JobRefused(f"A file of this form has at most {MAX_WHOLE_BYTES} bytes.")
    pool, owner = run.services.worker_pool, run.job.creator_id
    _add(collection, await pool.run(len(content), read_whole, format_, content, owner=owner))
    return None


async def _read_lines(run: UserJobRun, parts: Iterator[bytes], collection: Collection) -> None:
    pool, owner = run.services.worker_pool, run.job.creator_id
    row = 1
    async for lines in _whole_lines(parts):
        _add(collection, await pool.run(len(lines), read_lines, lines, row, owner=owner))
        row += lines.count(b"\n")
        await run.advance(row, None, "Reading the file.")


async def _whole_lines(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Parts of a file that end with lines. Raises JobRefused for a line that is too long."""
    rest = b""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        rest += part
        end = rest.rfind(b"\n") + 1
        if end >= _LINES_BYTES or (end and len(rest) > _LINES_BYTES):
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > _MAX_LINE_BYTES:
            raise JobRefused(f"A line has more than {_MAX_LINE_BYTES} bytes.")
    if rest:
        yield rest


async def _read_markdown(run: UserJobRun, archive: Archive, collection: Collection) -> None:
    pool, owner = run.services.worker_pool, run.job.creator_id
    batch: list[tuple[int, str, bytes]] = []
    size = 0
    for row, name, byte_size in archive.names():
        if name.startswith("attachments/"):
            continue
        if not name.endswith(".md"):
            collection.refuse(row, f"{name[:100]}: is no Markdown file, and lies not under attachments/.")
            continue
        batch.append((row, name, await asyncio.to_thread(archive.read, name)))
        size += byte_size
        if size > _FILES_BYTES:
            _add(collection, await pool.run(size, read_files, batch, owner=owner))
            batch, size = [], 0
            await run.advance(row, None, "Reading the files.")
    if batch:
        _add(collection, await pool.run(size, read_files, batch, owner=owner))


def _add(collection: Collection, read: Read) -> None:
    collection.add(read.records)
    for row, message in read.issues:
        collection.refuse(row, message)
    for row, message in read.warnings:
        collection.warn(row, message)


async def _report(run: UserJobRun, collection: Collection) -> None:
    """Store a table with what was found about each row: in a dry run, and where something is wrong."""
    if not run.job.parameters["dry_run"] and not collection.refused:
        return
    wrong: dict[int | None, list[str]] = {}
    for each in (*collection.issues, *collection.warnings):
        wrong.setdefault(each.row, []).append(each.message)
    with tempfile.TemporaryFile() as file:
        await asyncio.to_thread(file.write, to_csv([("Row", "Type", "Name", "Found")]))
        named: set[int | None] = set()
        for kind in TYPES:
            rows = []
            for row, record in collection.read(kind):
                name = record.get("title") or record.get("name") or record.get("fileName") or record.get("body") or ""
                rows.append((row, kind, name[:200], " ".join(wrong.get(row, ()))))
                named.add(row)
            await asyncio.to_thread(file.write, to_csv(rows))
        others = [(row or "", "", "", " ".join(found)) for row, found in wrong.items() if row not in named]
        await asyncio.to_thread(file.write, to_csv(others))
        await run.add_file("import.csv", "text/csv", file)
