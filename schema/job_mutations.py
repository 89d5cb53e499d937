"""Declares the mutations of jobs, which `schema.root` includes in Mutation."""

import strawberry

import resolvers.job
from domain.actor import Scope
from resolvers.inputs import job as inputs
from resolvers.inputs import team as shared
from schema.payload import mutation
from schema.types.job import JobPayload


@strawberry.type
class JobMutations:
    """Part of the root of mutations."""

    export_start: JobPayload | None = mutation(
        resolvers.job.start_export,
        inputs.ExportStartInput,
        "Starts to export what the viewer may see of a team, a project or a document.",
        guard=Scope.TASKS_READ,
    )
    job_cancel: JobPayload | None = mutation(
        resolvers.job.cancel,
        shared.DeleteInput,
        "Cancels a job of the viewer, at any moment before its end; nothing of it is left.",
        guard=Scope.TASKS_READ,
        delete=["Job"],
    )
