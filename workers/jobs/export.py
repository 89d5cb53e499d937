"""Exports a team, a project or a document to a file (`domain.job.start_export`)."""

from typing import Final
from uuid import UUID

from domain.job import TransferFormat
from domain.transfer.markdown_file import file_name
from persistence.transfer.source import open_source
from workers.job import JobRun, job
from workers.transfer.csv_table import CsvWriter
from workers.transfer.json_lines import JsonLinesWriter
from workers.transfer.markdown_zip import MarkdownZipWriter
from workers.transfer.output import MAX_FILE_BYTES, open_output
from workers.transfer.zip_writer import ZipWriter
from workers.user_job import LEASE_SECONDS, MAX_TRIES, TIMEOUT_SECONDS, UserJobRun, on_give_up, run_user_job

_TYPES: Final = {"jsonl": "application/x-ndjson", "csv": "text/csv", "zip": "application/zip"}


@job(
    kind="export",
    timeout_seconds=TIMEOUT_SECONDS,
    lease_seconds=LEASE_SECONDS,
    max_tries=MAX_TRIES,
    concurrency=1,
    on_give_up=on_give_up,
)
async def export(run: JobRun) -> None:
    """Write the file, store it, and end the job."""
    await run_user_job(run, _export)


async def _export(run: UserJobRun) -> None:
    wanted = run.job.parameters
    format_, with_files = TransferFormat(wanted["format"]), bool(wanted["include_attachments"])
    is_zip = format_ is TransferFormat.MARKDOWN_ZIP or with_files
    async with open_output() as file:
        at = run.job.started_at or run.job.created_at
        archive = ZipWriter(file, at, max_bytes=MAX_FILE_BYTES) if is_zip else None
        try:
            async with open_source(
                run.services.database,
                run.job.creator_id,
                run.job.team_id,
                project_id=_id(wanted["project_id"]),
                document_id=_id(wanted["document_id"]),
            ) as source:
                tasks, documents = await source.count()
                project_ids = source.project_ids
                team = await source.team()
                total = tasks if format_ is TransferFormat.CSV else tasks + documents
                if format_ is TransferFormat.CSV:
                    done = await CsvWriter(run, source, file).write(total)
                elif format_ is TransferFormat.JSON:
                    done = await JsonLinesWriter(run, source, file, archive).write(total)
                else:
                    assert archive is not None
                    done = await MarkdownZipWriter(run, source, archive, include_attachments=with_files).write(total)
            if archive is not None:
                archive.close()
        finally:
            if archive is not None:
                archive.discard()
        ending = "zip" if is_zip else "csv" if format_ is TransferFormat.CSV else "jsonl"
        name = f"{file_name(team['name'])} {at:%Y-%m-%d}.{ending}"
        await run.add_file(name, _TYPES[ending], file)
    result = {"projects": len(project_ids), "tasks": tasks} | ({} if format_ is TransferFormat.CSV else {"documents": documents})
    async with run.succeed(rows_done=done, result=result, project_ids=project_ids):
        pass


def _id(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
