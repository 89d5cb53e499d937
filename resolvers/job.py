"""Resolves jobs: the viewer's own, their live updates, the URLs of their files, and starting and canceling them."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated, Any, Final

import strawberry
from strawberry import UNSET

from domain import job as jobs
from domain.errors import NotFound
from domain.events import user_stream
from domain.job import FINISHED, JobKind
from domain.page import MATCH_ALL, Condition, Page, Paging
from persistence.stores import job
from persistence.stores.job import JOBS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.page import list_all

Id = Annotated[strawberry.ID, strawberry.argument(description="The job's global id.")]
Kind = Annotated[JobKind | None, strawberry.argument(description="Only those of this kind.")]

URL_SECONDS: Final = 300
_URL_STEP_SECONDS: Final = 60  # URLs that are signed within a minute are equal


async def get(context: Context, id: Id) -> Any:
    """A job of the viewer."""
    job_id = ids.decode(id, "Job", path=("id",))
    return (await job.by_ids(context.database, context.viewer.user_id, [job_id])).get(job_id)


async def list_own(context: Context, page: Paging, kind: Kind = None) -> Page[Any]:
    """The viewer's jobs, the newest first."""
    where = MATCH_ALL if kind is None or kind is UNSET else Condition("kind", "eq", kind.value)
    return await list_all(context, JOBS, page, where=where)


async def stream_updates(context: Context, id: Id) -> AsyncGenerator[Any, None]:
    """A job of the viewer as it is now, and after every step until it has ended. Raises NotFound."""
    job_id, viewer = ids.decode(id, "Job", path=("id",)), context.viewer.user_id
    async with context.services.hub.listen() as listener:  # listen first, read second
        await listener.add(user_stream(viewer))
        found = (await job.by_ids(context.database, viewer, [job_id])).get(job_id)
        if found is None:
            raise NotFound(("id",))
        yield found
        while found.state not in FINISHED:
            entry = await anext(listener, None)
            if entry is None:
                return
            if entry.entity_id != job_id or entry.payload["entity"]["version"] <= found.version:
                continue
            found = (await job.by_ids(context.database, viewer, [job_id])).get(job_id)
            if found is None:
                return
            yield found


async def files(context: Context, parents: Sequence[Any]) -> list[list[Mapping[str, Any]]]:
    """The files of each job, with their URLs; none where the viewer may not have them any more."""
    with_files = [each.id for each in parents if each.files]
    allowed = await job.downloadable(context.database, context.viewer.user_id, with_files) if with_files else frozenset()
    return [_signed(context, each) if each.id in allowed else [] for each in parents]


async def result_urls(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """The URL of the first file of each job."""
    return [found[0]["url"] if found else None for found in await files(context, parents)]


def _signed(context: Context, parent: Any) -> list[Mapping[str, Any]]:
    expires = -(-(int(time.time()) + URL_SECONDS) // _URL_STEP_SECONDS) * _URL_STEP_SECONDS
    sign = context.services.job_urls.sign
    return [{**each, "url": sign("GET", f"{parent.id}/{index}", {}, expires=expires)} for index, each in enumerate(parent.files)]


async def start_export(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Starts an export."""
    started = await jobs.start_export(
        uow,
        context.viewer,
        team_id=values.get("team_id"),
        project_id=values.get("project_id"),
        document_id=values.get("document_id"),
        format=values["format"],
        include_attachments=values["include_attachments"],
    )
    return {"job": started}


async def start_import(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Starts an import. A dry run is a job too."""
    started = await jobs.start_import(
        uow,
        context.viewer,
        team_id=values["team_id"],
        upload_id=values["upload_id"],
        format=values["format"],
        is_dry_run=values["is_dry_run"],
    )
    return {"job": started}


async def start_report(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Starts a report."""
    started = await jobs.start_report(
        uow,
        context.viewer,
        kind=values["kind"],
        team_id=values.get("team_id"),
        project_id=values.get("project_id"),
        since=values.get("from_"),
        until=values.get("to"),
    )
    return {"job": started}


async def cancel(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Cancels a job."""
    expected = values.get("expected_version")
    return {"job": await jobs.cancel(uow, context.viewer, values["id"], expected_version=expected)}
