"""Writes the tasks of an export as a table in CSV (`domain.transfer.task_table`)."""

import asyncio
import csv
import io
from collections.abc import Sequence
from typing import IO, Any
from uuid import UUID

from domain.transfer import task_table
from domain.transfer.records import people_in
from persistence.transfer.source import ExportSource
from workers.transfer.output import write_bounded
from workers.user_job import UserJobRun


class CsvWriter:
    """One export."""

    def __init__(self, run: UserJobRun, source: ExportSource, file: IO[bytes]) -> None:
        self._run, self._source, self._file = run, source, file
        self._people: dict[UUID, str] = {}

    async def write(self, rows_total: int) -> int:
        """Write everything; how many tasks there were."""
        done = 0
        labels = {row["id"]: row["name"] for row in await self._source.labels()}
        projects = {row["id"]: row["name"] for row in await self._source.projects()}
        write_bounded(self._file, to_csv([task_table.COLUMNS]))
        async for rows in self._source.tasks():
            await name_people(self._source, self._people, rows)
            await asyncio.to_thread(self._append, rows, projects, labels)
            done += len(rows)
            await self._run.advance(done, rows_total)
        return done

    def _append(self, rows: Sequence[Any], projects: dict[UUID, str], labels: dict[UUID, str]) -> None:
        written = to_csv(
            task_table.to_row(row, project=projects[row["project_id"]], people=self._people, labels=labels) for row in rows
        )
        write_bounded(self._file, written)


def to_csv(rows: Any) -> bytes:
    """Rows as RFC 4180 has them, in UTF-8."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


async def name_people(source: ExportSource, known: dict[UUID, str], rows: Sequence[Any]) -> None:
    """Add whom rows name and who is not known yet, by address, or by name where that is not visible."""
    if unknown := people_in(rows) - known.keys():
        for person in await source.people(unknown):
            known[person["id"]] = person["email"] or f"{person['first_name']} {person['last_name']}".strip()
