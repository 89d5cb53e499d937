"""Makes a template of a project or a task, and deletes it."""

import json
from collections.abc import Sequence
from uuid import UUID

from domain import codec, text
from domain.actor import Actor
from domain.errors import Invalid, LimitExceeded, NotFound
from domain.permissions import Action, ResourceKind, access
from domain.ports import UnitOfWork
from domain.project import Project, ProjectVisibility, open_project
from domain.task import Task, open_task
from domain.team import open_team
from domain.template.content import capture
from domain.template.entity import (
    MAX_TEAM_TEMPLATES,
    MAX_TEMPLATE_BYTES,
    MAX_TEMPLATE_LINKS,
    MAX_TEMPLATE_TASKS,
    LoggedTemplate,
    Template,
    TemplateCreated,
    TemplateDeleted,
    TemplateKind,
)
from domain.version import require_version

_SUBJECT = ("input", "subjectId")


async def create(uow: UnitOfWork, actor: Actor, subject_id: UUID, name: str) -> Template:
    """Make a template of a project or a task as it is now. Everybody in the team but guests may use it, so what is private cannot
    be one."""
    subject: Project | Task
    kind = TemplateKind.PROJECT if await uow.projects.lock(subject_id, actor.user_id) else TemplateKind.TASK
    if kind is TemplateKind.TASK:
        subject, _ = await open_task(uow, actor, subject_id, Action.READ, _SUBJECT)
        if subject.deleted_at is not None:
            raise NotFound(_SUBJECT)
        project, rights = await open_project(uow, actor, subject.project_id, ResourceKind.TASK, _SUBJECT)
    else:
        project, rights = await open_project(uow, actor, subject_id, ResourceKind.PROJECT, _SUBJECT)
        subject = project
    rights.require(Action.READ)
    team, role, _ = await open_team(uow, actor, project.team_id, _SUBJECT)
    access(actor, role, ResourceKind.TEMPLATE).require(Action.CREATE)
    if project.visibility is ProjectVisibility.PRIVATE:
        raise Invalid(_SUBJECT, "The whole team may use a template, and this project is private.")
    if await uow.templates.count(team.id) >= MAX_TEAM_TEMPLATES:
        raise LimitExceeded(f"A team has at most {MAX_TEAM_TEMPLATES} templates.", MAX_TEAM_TEMPLATES)
    tasks = await _tasks(uow, kind, subject_id)
    task_ids = [each.id for each in tasks]
    links = await uow.templates.links(task_ids, MAX_TEMPLATE_LINKS + 1)
    if len(links) > MAX_TEMPLATE_LINKS:
        raise LimitExceeded(f"A template has at most {MAX_TEMPLATE_LINKS} links.", MAX_TEMPLATE_LINKS, path=_SUBJECT)
    labels = await uow.templates.labels(team.id, {label_id for each in tasks for label_id in each.label_ids})
    content = capture(subject, tasks, labels, links)
    if len(json.dumps(codec.encode(content), ensure_ascii=False).encode()) > MAX_TEMPLATE_BYTES:
        raise LimitExceeded("The texts are too long for a template.", MAX_TEMPLATE_BYTES, path=_SUBJECT)
    template = Template(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        team_id=team.id,
        name=text.validate_name(name, ("input", "name")),
        kind=kind,
        task_count=len(tasks),
        creator_id=actor.user_id,
    )
    await uow.templates.add(template, content)
    uow.record(TemplateCreated(actor_id=actor.user_id, team_id=team.id, template=LoggedTemplate(id=template.id)))
    return template


async def delete(uow: UnitOfWork, actor: Actor, template_id: UUID, *, expected_version: int | None) -> UUID:
    """Delete a template: one's own, or as an admin of its team."""
    found = await uow.templates.lock(template_id, actor.user_id)
    if found is None:
        raise NotFound(("input", "id"))
    template, role = found
    rights = access(actor, role, ResourceKind.TEMPLATE, own=template.creator_id == actor.user_id)
    if Action.READ not in rights.actions:
        raise NotFound(("input", "id"))
    rights.require(Action.DELETE)
    require_version(template, expected_version)
    await uow.templates.remove(template.id)
    uow.record(TemplateDeleted(actor_id=actor.user_id, team_id=template.team_id, template=LoggedTemplate(id=template.id)))
    return template.id


async def _tasks(uow: UnitOfWork, kind: TemplateKind, subject_id: UUID) -> Sequence[Task]:
    read = uow.templates.task_tree if kind is TemplateKind.TASK else uow.templates.project_tasks
    tasks = await read(subject_id, MAX_TEMPLATE_TASKS + 1)
    if len(tasks) > MAX_TEMPLATE_TASKS:
        raise LimitExceeded(f"A template has at most {MAX_TEMPLATE_TASKS} tasks.", MAX_TEMPLATE_TASKS, path=_SUBJECT)
    return tasks
