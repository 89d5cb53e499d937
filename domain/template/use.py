"""Begins a project, or tasks of one, with a template: everything in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from domain import label as labels
from domain import project as projects
from domain import reference, text
from domain.actor import Actor, Scope
from domain.collation import collation_key
from domain.errors import InsufficientScope, Invalid, NotFound, Required
from domain.notification.timing import zone_of
from domain.permissions import Action, ResourceKind, access
from domain.ports import UnitOfWork
from domain.project import Project, open_project
from domain.task import Task, TaskCreated
from domain.task_link import TaskLinked
from domain.template.content import Place, TemplateContent, day_of, links_of, parents_first, tasks_of
from domain.template.entity import Template, TemplateKind
from domain.user import lock_self

_TEMPLATE = ("input", "templateId")
_PROJECT = ("input", "projectId")


@dataclass(frozen=True, slots=True)
class Begun:
    """What a template has begun: the project in which everything lies, and the first task, if there is one."""

    project: Project
    task: Task | None


async def use(
    uow: UnitOfWork, actor: Actor, template_id: UUID, *, project_id: UUID | None, name: str | None, start_on: date | None
) -> Begun:
    """
    Make what is in a template: a new project, or in `project_id` the tasks of the template, at its end.

    `name`: that of the new project, or the title of the task; as in the template where it is None. `start_on`: the template's
    first day; today, where the actor lives, where it is None.
    """
    found = await uow.templates.lock(template_id, actor.user_id)
    if found is None:
        raise NotFound(_TEMPLATE)
    template, role = found
    rights = access(actor, role, ResourceKind.TEMPLATE, path=_TEMPLATE)
    if Action.READ not in rights.actions:
        raise NotFound(_TEMPLATE)
    rights.require(Action.CREATE)
    content = await uow.templates.content(template.id)
    if start_on is None:
        start_on = uow.now.astimezone(zone_of((await lock_self(uow, actor, lock=False)).time_zone)).date()
    if template.kind is TemplateKind.TASK and name is not None:
        title = text.validate_line(name, ("input", "name"), limit=text.MAX_TITLE_CHARS)
        content = replace(content, tasks=(replace(content.tasks[0], title=title), *content.tasks[1:]))
    project = await _project(uow, actor, template, content, project_id, name, start_on)
    tasks = await _add_tasks(uow, actor, project, content, start_on)
    return Begun(project, tasks[0] if tasks else None)


async def _project(
    uow: UnitOfWork,
    actor: Actor,
    template: Template,
    content: TemplateContent,
    project_id: UUID | None,
    name: str | None,
    start_on: date,
) -> Project:
    if project_id is None:
        if template.kind is TemplateKind.TASK:
            raise Required(_PROJECT, "A task needs a project.")
        if Scope.PROJECTS_WRITE not in actor.scopes:
            raise InsufficientScope(Scope.PROJECTS_WRITE)
        values = {
            "name": content.name if name is None else name,
            "description": content.description,
            "start_on": day_of(start_on, content.start_day),
            "end_on": day_of(start_on, content.end_day),
        }
        return await projects.create(uow, actor, None, values, team_id=template.team_id)
    project, rights = await open_project(uow, actor, project_id, ResourceKind.TASK, _PROJECT)
    rights.require(Action.CREATE)
    if project.team_id != template.team_id:
        raise Invalid(_PROJECT, "The template is another team's.")
    return project


async def _add_tasks(uow: UnitOfWork, actor: Actor, project: Project, content: TemplateContent, start_on: date) -> Sequence[Task]:
    if not content.tasks:
        return ()
    people = {each.assignee_id for each in content.tasks if each.assignee_id is not None}
    label_ids = await _label_ids(uow, actor, project, content)
    first_number, team_key = await uow.templates.reserve_numbers(project.team_id, len(content.tasks))
    place = Place(
        team_id=project.team_id,
        team_key=team_key,
        project_id=project.id,
        creator_id=actor.user_id,
        last_rank=await uow.tasks.last_rank(project.id),
        first_number=first_number,
        label_ids=label_ids,
        reader_ids=await uow.projects.readers(project.id, sorted(people)) if people else frozenset(),
        start_on=start_on,
        now=uow.now,
    )
    ids = [uow.new_id() for _ in content.tasks]
    tasks = tasks_of(content, place, ids)
    ordered = parents_first(tasks)
    await uow.templates.add_tasks(ordered)
    for task in ordered:
        if task.description:
            await reference.update_references(uow, task, None, task.description)
        uow.record(TaskCreated(actor_id=actor.user_id, task=task))
    by_id = {each.id: each for each in tasks}
    pairs = links_of(content, ids, iter(uow.new_id, None), uow.now)
    await uow.templates.add_links([side for pair in pairs for side in pair])
    for side in (side for pair in pairs for side in pair):
        uow.record(TaskLinked(actor_id=actor.user_id, task=by_id[side.task_id], link=side))
    return tasks


async def _label_ids(uow: UnitOfWork, actor: Actor, project: Project, content: TemplateContent) -> Sequence[UUID]:
    """The labels of the team that have these names; those that are gone are made again."""
    keys = {collation_key(each.name) for each in content.labels}
    known = {each.name_collation: each.id for each in await uow.templates.labels_by_name(project.team_id, keys)} if keys else {}
    for each in content.labels:
        key = collation_key(each.name)
        if key not in known:
            made = await labels.create(uow, actor, None, team_id=project.team_id, name=each.name, color=each.color)
            known[key] = made.id
    return [known[collation_key(each.name)] for each in content.labels]
