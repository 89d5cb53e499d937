"""Defines the inputs of mutations of jobs."""

from datetime import date

import strawberry

from domain.job import JobKind, JobState, ReportKind, TransferFormat
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required

graphql_enum(
    JobKind,
    "What a job does.",
    EXPORT="Writes a team, a project or a document to a file.",
    IMPORT="Writes a file into a team, as new projects.",
    REPORT="Computes figures, a table and a chart.",
)
graphql_enum(
    JobState,
    "State of a job.",
    QUEUED="It waits for its turn.",
    RUNNING="It is under way.",
    SUCCEEDED="It is done.",
    FAILED="It has failed for good; `message` says why.",
    CANCELED="It was canceled; nothing of it is left.",
)
graphql_enum(
    TransferFormat,
    "Form of a file of tasks and documents.",
    JSON="JSON Lines, an object a line, with everything; with attachments a zip that holds them beside it.",
    CSV="A table of tasks (RFC 4180, UTF-8).",
    MARKDOWN_ZIP="A zip with a Markdown file for each task and document.",
    TRELLO_JSON="A board as Trello exports it; for imports only.",
    GITHUB_JSON="Issues as GitHub's API lists them, or `gh issue list --json`; for imports only.",
    JIRA_CSV="Issues as Jira exports them; for imports only.",
    LINEAR_CSV="Issues as Linear exports them; for imports only.",
)
graphql_enum(
    ReportKind,
    "What a report is about.",
    PROJECT_PROGRESS="Tasks of each project by status, the share that is done, and what was created and done.",
    BURN_DOWN="Open tasks at the end of each day.",
    TEAM_WORKLOAD="What each assignee has open, and did.",
    CYCLE_TIME="How long tasks took: from their creation, and from when work on them began.",
    OVERDUE="Open tasks that were due.",
    ACTIVITY_SUMMARY="What happened each day, and who did it.",
)


@input_type("Input of `exportStart`: one of a team, a project and a document.")
class ExportStartInput:
    """Input of `exportStart`."""

    team_id: strawberry.ID | None = optional("The team, with all projects that the viewer may see.", of="Team")
    project_id: strawberry.ID | None = optional("The project.", of="Project")
    document_id: strawberry.ID | None = optional("The document, with those below it.", of="Document")
    format: TransferFormat = optional("Form of the file.", default=TransferFormat.JSON)
    include_attachments: bool = optional("Whether the file holds the attachments, 1 GiB in all at most.", default=False)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `importStart`.")
class ImportStartInput:
    """Input of `importStart`."""

    team_id: strawberry.ID = required("The team, which the viewer administers.", of="Team")
    upload_id: strawberry.ID = required("The file, uploaded and complete.", of="Attachment")
    format: TransferFormat = required("Form of the file.")
    is_dry_run: bool = optional("Whether only to report on each row, and write nothing.", default=False, name="dryRun")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `reportStart`: a team or a project.")
class ReportStartInput:
    """Input of `reportStart`."""

    kind: ReportKind = required("What it is about.")
    team_id: strawberry.ID | None = optional("The team, with all projects that the viewer may see.", of="Team")
    project_id: strawberry.ID | None = optional("The project.", of="Project")
    from_: date | None = optional("First day (UTC); 29 days before the last one when absent.", name="from")
    to: date | None = optional("Last day (UTC); today when absent. The span has 731 days at most.")
    client_mutation_id: str | None = client_mutation_id()
