"""Computes a report (`domain.job.start_report`): figures as the result, and as files JSON, a table in CSV and a chart in SVG."""

import io
from datetime import date
from typing import Any, Final
from uuid import UUID

import orjson

from domain.job import ReportKind
from domain.report import Report, activity, burn_down, cycle_time, overdue, progress, workload
from domain.transfer.markdown_file import file_name
from domain.transfer.task_table import to_cells
from persistence.reports.figures import MAX_LISTED_ROWS, ReportSource, open_report_source
from workers.job import JobRun, job
from workers.transfer.csv_table import to_csv
from workers.user_job import LEASE_SECONDS, MAX_TRIES, TIMEOUT_SECONDS, UserJobRun, on_give_up, run_user_job

_OPTIONS: Final = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z


@job(
    kind="report",
    timeout_seconds=TIMEOUT_SECONDS,
    lease_seconds=LEASE_SECONDS,
    max_tries=MAX_TRIES,
    concurrency=1,
    on_give_up=on_give_up,
)
async def report(run: JobRun) -> None:
    """Compute the report, store its files, and end the job."""
    await run_user_job(run, _report)


async def _report(run: UserJobRun) -> None:
    wanted = run.job.parameters
    since, until = date.fromisoformat(wanted["since"]), date.fromisoformat(wanted["until"])
    project_id = None if wanted["project_id"] is None else UUID(wanted["project_id"])
    async with open_report_source(
        run.services.database,
        run.job.creator_id,
        team_id=run.job.team_id,
        project_id=project_id,
        since=since,
        until=until,
    ) as source:
        made = await _build(ReportKind(wanted["kind"]), source)
        project_ids = source.project_ids
    head = {"report": wanted["kind"], "from": wanted["since"], "to": wanted["until"]}
    result = {**head, **made.figures}
    name = file_name(f"{made.title} {until}")
    rows = [dict(zip(made.columns, row, strict=True)) for row in made.table]
    files = (
        (f"{name}.json", "application/json", orjson.dumps({**result, "rows": rows}, default=str, option=_OPTIONS)),
        (f"{name}.csv", "text/csv", to_csv([made.columns, *map(to_cells, made.table)])),
        (f"{name}.svg", "image/svg+xml", made.chart.encode()),
    )
    for file, content_type, content in files:
        await run.add_file(file, content_type, io.BytesIO(content))
    async with run.succeed(rows_done=len(made.table), result=result, project_ids=project_ids):
        pass


async def _build(kind: ReportKind, source: ReportSource) -> Report:
    since, until = source.since, source.until
    match kind:
        case ReportKind.PROJECT_PROGRESS:
            return progress(await source.progress(), since, until)
        case ReportKind.BURN_DOWN:
            return burn_down(await source.burn_down(), since, until)
        case ReportKind.TEAM_WORKLOAD:
            rows = await source.workload()
            return workload(rows, await _names(source, rows), since, until)
        case ReportKind.CYCLE_TIME:
            return cycle_time(await source.cycle_times(), since, until, limit=MAX_LISTED_ROWS)
        case ReportKind.OVERDUE:
            rows = await source.overdue()
            return overdue(rows, await _names(source, rows), until, limit=MAX_LISTED_ROWS)
        case ReportKind.ACTIVITY_SUMMARY:
            rows = await source.activity()
            return activity(rows, await _names(source, rows), since, until)


async def _names(source: ReportSource, rows: list[Any]) -> dict[UUID, str]:
    return await source.names([each for each in {row["user_id"] for row in rows} if each is not None])
