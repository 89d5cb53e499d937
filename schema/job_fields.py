"""Declares the fields of jobs, which `schema.root` includes in Query, Mutation and Subscription."""

from collections.abc import AsyncGenerator

import strawberry

import resolvers.job
from domain.actor import Scope
from resolvers.inputs import job as inputs
from resolvers.inputs import team as shared
from schema.connection import Connection
from schema.fields import event_subscription, query
from schema.payload import mutation
from schema.types.job import Job, JobPayload

_JOBS = Scope.TASKS_READ


@strawberry.type
class JobQueries:
    """Part of the root of queries."""

    job: Job | None = query(resolvers.job.get, "A job of the viewer.", guard=_JOBS)
    jobs: Connection[Job] | None = query(
        resolvers.job.list_own, "Jobs of the viewer, the newest first; they are deleted 30 days after their end.", guard=_JOBS
    )


@strawberry.type
class JobMutations:
    """Part of the root of mutations."""

    export_start: JobPayload | None = mutation(
        resolvers.job.start_export,
        inputs.ExportStartInput,
        "Starts to export what the viewer may see of a team, a project or a document.",
        guard=_JOBS,
    )
    import_start: JobPayload | None = mutation(
        resolvers.job.start_import,
        inputs.ImportStartInput,
        "Starts to import a file into a team, as new projects: all of it, or nothing.",
        guard=Scope.TASKS_WRITE,
    )
    report_start: JobPayload | None = mutation(
        resolvers.job.start_report,
        inputs.ReportStartInput,
        "Starts a report on what the viewer may see of a team or a project.",
        guard=_JOBS,
    )
    job_cancel: JobPayload | None = mutation(
        resolvers.job.cancel,
        shared.DeleteInput,
        "Cancels a job of the viewer, at any moment before its end; nothing of it is left.",
        guard=_JOBS,
        delete=["Job"],
    )


@strawberry.type
class JobSubscriptions:
    """Part of the root of subscriptions."""

    job_updated: AsyncGenerator[Job, None] = event_subscription(
        resolvers.job.stream_updates, "A job of the viewer as it is now, and after every step until it has ended.", guard=_JOBS
    )
