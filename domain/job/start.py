"""Starting a job: what it may do is decided here, and again while it is done."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from domain.actor import Actor, Scope
from domain.attachment import AttachmentState
from domain.document import open_document
from domain.errors import InsufficientScope, Invalid, LimitExceeded, NotFound, Required
from domain.job.entity import EXPORT_FORMATS, Job, JobKind, ReportKind, TransferFormat
from domain.job.events import JobCreated, LoggedJob
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.project import open_project
from domain.team import open_team

MAX_UNFINISHED: Final = 10
"""Jobs of one person that wait or run; they run one after the other."""
MAX_UNFINISHED_OF_TEAM: Final = 50
_WRITE_ALL: Final = (Scope.TEAMS_WRITE, Scope.PROJECTS_WRITE, Scope.TASKS_WRITE, Scope.DOCUMENTS_WRITE)
_DEFAULT_SPAN: Final = timedelta(days=29)
_MAX_SPAN: Final = timedelta(days=731)
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)
_READ_REPORTS: Final = (Scope.TEAMS_READ, Scope.PROJECTS_READ, Scope.TASKS_READ)
_READ_ALL: Final = (Scope.TEAMS_READ, Scope.PROJECTS_READ, Scope.TASKS_READ, Scope.DOCUMENTS_READ)


async def start_export(
    uow: UnitOfWork,
    actor: Actor,
    *,
    team_id: UUID | None,
    project_id: UUID | None,
    document_id: UUID | None,
    format: TransferFormat,
    include_attachments: bool,
) -> Job:
    """Export what the actor may see of a team, of a project, or of a document with those below it."""
    given = [each for each in (team_id, project_id, document_id) if each is not None]
    if not given:
        raise Required(("input", "teamId"), "Say what to export: a team, a project or a document.")
    if len(given) > 1:
        raise Invalid(("input", "teamId"), "Give one of `teamId`, `projectId` and `documentId`.")
    if format not in EXPORT_FORMATS:
        raise Invalid(("input", "format"), "This form can only be imported.")
    if format is TransferFormat.CSV and document_id is not None:
        raise Invalid(("input", "format"), "CSV is a table of tasks; export a document as JSON or as Markdown.")
    if format is TransferFormat.CSV and include_attachments:
        raise Invalid(("input", "includeAttachments"), "CSV holds no files; export as JSON or as Markdown.")
    require_scopes(actor, _READ_ALL)
    parameters = {
        "format": format.value,
        "project_id": project_id and str(project_id),
        "document_id": document_id and str(document_id),
        "include_attachments": include_attachments,
    }
    return await _add(uow, actor, JobKind.EXPORT, await _team_of(uow, actor, given[0], team_id, project_id), parameters)


async def start_import(
    uow: UnitOfWork, actor: Actor, *, team_id: UUID, upload_id: UUID, format: TransferFormat, is_dry_run: bool
) -> Job:
    """
    Import a file that the actor has uploaded into a team, as new projects. Only admins may: an import writes in the names of
    others.

    A dry run reports what it would do, and writes nothing.
    """
    team, _, rights = await open_team(uow, actor, team_id)
    rights.require(Action.MANAGE, "Only an admin of the team can import into it.")
    require_scopes(actor, _WRITE_ALL)
    (upload,) = await uow.attachments.lock_uploads([upload_id], actor.user_id) or (None,)
    if upload is None:
        raise NotFound(("input", "uploadId"))
    if upload.state != AttachmentState.READY:
        raise Invalid(("input", "uploadId"), "This upload is not complete.")
    parameters = {"format": format.value, "upload_id": str(upload.id), "dry_run": is_dry_run}
    return await _add(uow, actor, JobKind.IMPORT, team.id, parameters)


async def start_report(
    uow: UnitOfWork,
    actor: Actor,
    *,
    kind: ReportKind,
    team_id: UUID | None,
    project_id: UUID | None,
    since: date | None,
    until: date | None,
) -> Job:
    """Report on what the actor may see of a team or of a project, over a span of days (UTC): the last 30, unless others are
    given."""
    given = [each for each in (team_id, project_id) if each is not None]
    if not given:
        raise Required(("input", "teamId"), "Say what to report on: a team or a project.")
    if len(given) > 1:
        raise Invalid(("input", "teamId"), "Give `teamId` or `projectId`, not both.")
    require_scopes(actor, _READ_REPORTS)
    last = until or uow.now.date()
    if not _FIRST_DAY <= last <= _LAST_DAY:
        raise Invalid(("input", "to"), "The span does not end in these times.")
    first = since or last - _DEFAULT_SPAN
    if not _FIRST_DAY <= first <= last:
        raise Invalid(("input", "from"), "The span begins after it ends, or is not in these times.")
    if last - first >= _MAX_SPAN:
        raise LimitExceeded(f"A report covers {_MAX_SPAN.days} days at most.", _MAX_SPAN.days, path=("input", "from"))
    parameters = {
        "kind": kind.value,
        "project_id": project_id and str(project_id),
        "since": first.isoformat(),
        "until": last.isoformat(),
    }
    return await _add(uow, actor, JobKind.REPORT, await _team_of(uow, actor, given[0], team_id, project_id), parameters)


def require_scopes(actor: Actor, scopes: Collection[Scope]) -> None:
    """Raises InsufficientScope for the first scope that the token lacks."""
    for scope in scopes:
        if scope not in actor.scopes:
            raise InsufficientScope(scope)


async def _team_of(uow: UnitOfWork, actor: Actor, object_id: UUID, team_id: UUID | None, project_id: UUID | None) -> UUID:
    """The team of what the actor may read; raises NotFound."""
    if team_id is not None:
        team, _, rights = await open_team(uow, actor, team_id)
        rights.require(Action.READ)
        return team.id
    if project_id is not None:
        project, rights = await open_project(uow, actor, project_id, path=("input", "projectId"))
        rights.require(Action.READ)
        return project.team_id
    path = ("input", "documentId")
    document, _ = await open_document(uow, actor, object_id, Action.READ, path)
    if document.deleted_at is not None:
        raise NotFound(path)
    return document.team_id


async def _add(uow: UnitOfWork, actor: Actor, kind: JobKind, team_id: UUID, parameters: Mapping[str, Any]) -> Job:
    own, of_team = await uow.jobs.count_unfinished_locked(actor.user_id, team_id)
    if own >= MAX_UNFINISHED:
        raise LimitExceeded(f"{own} of your jobs have not ended; wait, or cancel some.", MAX_UNFINISHED)
    if of_team >= MAX_UNFINISHED_OF_TEAM:
        raise LimitExceeded(f"{of_team} jobs of this team have not ended; wait for some.", MAX_UNFINISHED_OF_TEAM)
    job = Job(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        kind=kind,
        creator_id=actor.user_id,
        team_id=team_id,
        scopes=tuple(sorted(actor.scopes)),
        parameters=parameters,
    )
    await uow.jobs.add(job)
    uow.record(JobCreated(actor_id=actor.user_id, user_id=actor.user_id, job=LoggedJob.of(job)))
    return job
