"""Defines Job, its files and issues, and its payload."""

from datetime import datetime

import resolvers.inputs.job
import resolvers.job
import resolvers.user
from domain.job import JobKind, JobState
from resolvers.scalars import JSON, URL
from schema.fields import leaf, relation, view
from schema.node import Node
from schema.payload import MutationPayload
from schema.types.user import User


@view("Something about the data of a job.")
class JobIssue:
    """View over the JSON form of `domain.job.JobIssue`."""

    row: int | None = leaf("Row of the file, from 1; null where it is about the whole.", lambda issue: issue["row"])
    message: str = leaf("What is wrong.", lambda issue: issue["message"])


@view("A file that a job produced.")
class JobFile:
    """View over the JSON form of `domain.job.JobFile`, with its URL."""

    name: str = leaf("Name of the file.", lambda file: file["name"])
    content_type: str = leaf("Media type.", lambda file: file["content_type"])
    byte_size: float = leaf("Size in bytes, which may exceed 2³¹.", lambda file: float(file["byte_size"]))
    url: URL = leaf("Signed download URL, for five minutes and as long as the viewer's rights.", lambda file: file["url"])


@view("Long work that the viewer has started, such as an export. Nobody else sees it.")
class Job(Node):
    """View over `domain.job.Job`."""

    version: int = leaf("Increases with every step; pass it as `expectedVersion`.")
    kind: JobKind = leaf("What it does.")
    state: JobState = leaf("How far it has come.")
    progress: float = leaf("Share that is done, from 0 to 1.", needs=["state", "rows_done", "rows_total"])
    rows_done: int = leaf("Number of rows that are done.")
    rows_total: int | None = leaf("Number of rows in all; null until it is known.")
    rows_per_second: float | None = leaf(
        "Rows done per second, on average; null before it has begun.",
        needs=["started_at", "finished_at", "updated_at", "rows_done"],
    )
    seconds_left: float | None = leaf(
        "Seconds until it is done, at that speed; null unless it runs and that is known.",
        needs=["state", "started_at", "finished_at", "updated_at", "rows_done", "rows_total"],
    )
    message: str | None = leaf("What it does just now, or why it has failed.")
    created_by: User | None = relation(resolvers.user.creators, "User who started it: the viewer.", needs=["creator_id"])
    created_at: datetime = leaf("Time of starting it.")
    started_at: datetime | None = leaf("Time at which a worker began; null while it waits.")
    finished_at: datetime | None = leaf("Time of its end; null before.")
    result: JSON | None = leaf("Figures; null before its end.")
    result_url: URL | None = relation(
        resolvers.job.result_urls,
        "Signed URL of its first file, for five minutes. Null once the file is deleted, or the viewer may not see all that is in "
        "it any more; then the URL answers 404.",
        needs=["id", "files"],
        personal=True,
    )
    files: list[JobFile] = relation(
        resolvers.job.files, "All of its files, under the same conditions.", needs=["id", "files"], personal=True
    )
    issues: list[JobIssue] = leaf("What is wrong with its data: the first 100.")


@view("Result of a mutation of a job.")
class JobPayload(MutationPayload):
    """Payload."""

    job: Job | None = leaf("The job.")
