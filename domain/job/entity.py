"""What a job is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from domain.actor import Actor, Scope

MAX_ISSUES: Final = 100
"""So many issues are recorded with a job."""
MAX_FILES: Final = 4  # of a try


class JobKind(StrEnum):
    """What a job does."""

    EXPORT = "EXPORT"
    IMPORT = "IMPORT"
    REPORT = "REPORT"


class JobState(StrEnum):
    """How far a job has come."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


FINISHED: Final = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED})


class TransferFormat(StrEnum):
    """The form of an exported or imported file."""

    JSON = "JSON"
    CSV = "CSV"
    MARKDOWN_ZIP = "MARKDOWN_ZIP"
    TRELLO_JSON = "TRELLO_JSON"
    GITHUB_JSON = "GITHUB_JSON"
    JIRA_CSV = "JIRA_CSV"
    LINEAR_CSV = "LINEAR_CSV"


EXPORT_FORMATS: Final = frozenset({TransferFormat.JSON, TransferFormat.CSV, TransferFormat.MARKDOWN_ZIP})


class ReportKind(StrEnum):
    """What a report is about."""

    PROJECT_PROGRESS = "PROJECT_PROGRESS"
    BURN_DOWN = "BURN_DOWN"
    TEAM_WORKLOAD = "TEAM_WORKLOAD"
    CYCLE_TIME = "CYCLE_TIME"
    OVERDUE = "OVERDUE"
    ACTIVITY_SUMMARY = "ACTIVITY_SUMMARY"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobIssue:
    """Something about the data of a job. `row` counts from 1; None: about the whole."""

    row: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file that a job produced; `key` is that of its blob."""

    name: str
    content_type: str
    byte_size: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    Work that `creator_id` has started with a token of these `scopes`, on a team, or on one project or document of it.

    `parameters` are what it was asked for. `attempt` is the try of the worker that does it; `rows_total` is None until it is
    known. `result` are figures as JSON; `files` and `issues` are JSON forms of `JobFile` and `JobIssue`. `project_ids` are the
    projects whose contents are in its result, which is shown to whoever may see all of them.
    """

    type_name: ClassVar[str] = "Job"

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    kind: JobKind
    state: JobState = JobState.QUEUED
    creator_id: UUID
    team_id: UUID
    scopes: tuple[Scope, ...]
    parameters: Mapping[str, Any]
    attempt: int = 0
    rows_done: int = 0
    rows_total: int | None = None
    message: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    issues: tuple[Mapping[str, Any], ...] = ()
    project_ids: tuple[UUID, ...] = ()

    @property
    def progress(self) -> float:
        """The share that is done, from 0 to 1."""
        if self.state == JobState.SUCCEEDED:
            return 1.0
        return min(1.0, self.rows_done / self.rows_total) if self.rows_total else 0.0

    @property
    def rows_per_second(self) -> float | None:
        """How fast it is, or was, on average; None before it has begun."""
        if self.started_at is None or not self.rows_done:
            return None
        seconds = ((self.finished_at or self.updated_at) - self.started_at).total_seconds()
        return round(self.rows_done / seconds, 3) if seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """How much longer it takes at that speed; None unless it runs and that is known."""
        speed = self.rows_per_second
        if self.state != JobState.RUNNING or speed is None or self.rows_total is None:
            return None
        return round(max(0, self.rows_total - self.rows_done) / speed, 1)

    @property
    def actor(self) -> Actor:
        """Whose rights it has."""
        return Actor(user_id=self.creator_id, scopes=frozenset(Scope(each) for each in self.scopes))


def file_key(job_id: UUID, attempt: int, index: int) -> str:
    """Where a file of a try lies: no try writes over those of another, which may be the one that counts."""
    return f"jobs/{job_id}/{attempt}/{index}"
