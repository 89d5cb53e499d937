"""What is in a template: texts, days counted from its first day, and numbers of rows in place of ids.

It is made of rows, and rows are made of it; pure, nothing is read or written here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain import rank
from domain.errors import Invalid
from domain.label import Label
from domain.project import Project
from domain.task import Task, TaskPriority, TaskStatus
from domain.task_link import INVERSE, TaskLink, TaskLinkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTask:
    """A task. `parent` and `labels` count rows of the template; days count from its first day."""

    title: str
    description: str | None = None
    status: TaskStatus = TaskStatus.TODO
    priority: TaskPriority = TaskPriority.NONE
    assignee_id: UUID | None = None
    start_day: int | None = None
    due_day: int | None = None
    recurrence: str | None = None
    estimate: float | None = None
    labels: tuple[int, ...] = ()
    parent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateLabel:
    """A label, which is found again by its name."""

    name: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateLink:
    """A link between two of the tasks."""

    task: int
    target: int
    kind: TaskLinkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateContent:
    """A project, or a task and what is below it: then that task is the first one. Tasks stand in their order."""

    name: str
    description: str | None = None
    start_day: int | None = None
    end_day: int | None = None
    tasks: tuple[TemplateTask, ...]
    labels: tuple[TemplateLabel, ...]
    links: tuple[TemplateLink, ...]


def capture(
    subject: Project | Task, tasks: Sequence[Task], labels: Sequence[Label], links: Sequence[TaskLink]
) -> TemplateContent:
    """The content of a template. Its first day is that on which the subject starts, or else the first that is named in it."""
    end = subject.end_on if isinstance(subject, Project) else None
    named = [day for each in tasks for day in (each.start_on, each.due_on) if day is not None]
    first = subject.start_on or min([*named, *([] if end is None else [end])], default=None)

    def offset(day: date | None) -> int | None:
        return None if day is None or first is None else (day - first).days

    rows = {each.id: index for index, each in enumerate(tasks)}
    label_rows = {each.id: index for index, each in enumerate(labels)}
    return TemplateContent(
        name=subject.name if isinstance(subject, Project) else subject.title,
        description=subject.description if isinstance(subject, Project) else None,
        start_day=offset(subject.start_on) if isinstance(subject, Project) else None,
        end_day=offset(end),
        tasks=tuple(
            TemplateTask(
                title=each.title,
                description=each.description,
                status=TaskStatus.BACKLOG if each.status is TaskStatus.BACKLOG else TaskStatus.TODO,
                priority=each.priority,
                assignee_id=each.assignee_id,
                start_day=offset(each.start_on),
                due_day=offset(each.due_on),
                recurrence=each.recurrence,
                estimate=each.estimate,
                labels=tuple(label_rows[label_id] for label_id in each.label_ids if label_id in label_rows),
                parent=rows.get(each.parent_id) if each.parent_id is not None else None,
            )
            for each in tasks
        ),
        labels=tuple(TemplateLabel(name=each.name, color=each.color) for each in labels),
        links=tuple(TemplateLink(task=rows[each.task_id], target=rows[each.target_id], kind=each.kind) for each in links),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where tasks are made: after which rank of the project, with which numbers, labels and people, and from which day on."""

    team_id: UUID
    team_key: str
    project_id: UUID
    creator_id: UUID
    last_rank: str | None
    first_number: int
    label_ids: Sequence[UUID]
    reader_ids: frozenset[UUID]
    start_on: date
    now: datetime


def day_of(start_on: date, offset: int | None) -> date | None:
    """A day of a template that begins on another one. Raises Invalid where the calendar ends."""
    try:
        return None if offset is None else start_on + timedelta(days=offset)
    except OverflowError:
        raise Invalid(("input", "startOn"), "The template has days that would lie beyond the calendar.") from None


def tasks_of(content: TemplateContent, place: Place, ids: Sequence[UUID]) -> list[Task]:
    """The tasks of a template at a place, in their order."""
    tasks: list[Task] = []
    last = place.last_rank
    for index, (row, id_) in enumerate(zip(content.tasks, ids, strict=True)):
        last = rank.between(last, None)
        number = place.first_number + index
        tasks.append(
            Task(
                id=id_,
                created_at=place.now,
                updated_at=place.now,
                team_id=place.team_id,
                project_id=place.project_id,
                parent_id=None if row.parent is None else ids[row.parent],
                number=number,
                key=f"{place.team_key}-{number}",
                title=row.title,
                description=row.description,
                status=row.status,
                priority=row.priority,
                assignee_id=row.assignee_id if row.assignee_id in place.reader_ids else None,
                creator_id=place.creator_id,
                start_on=day_of(place.start_on, row.start_day),
                due_on=day_of(place.start_on, row.due_day),
                estimate=row.estimate,
                label_ids=tuple(sorted({place.label_ids[each] for each in row.labels})),
                rank=last,
                recurrence=row.recurrence,
            )
        )
    return tasks


def parents_first(tasks: Sequence[Task]) -> list[Task]:
    """The tasks so that none comes before the one above it."""
    levels: dict[UUID, int] = {}
    parents = {each.id: each.parent_id for each in tasks}

    def level(task_id: UUID) -> int:
        if task_id not in levels:
            parent_id = parents[task_id]
            levels[task_id] = 0 if parent_id is None or parent_id not in parents else level(parent_id) + 1
        return levels[task_id]

    return sorted(tasks, key=lambda each: level(each.id))


def links_of(
    content: TemplateContent, ids: Sequence[UUID], link_ids: Iterator[UUID], now: datetime
) -> list[tuple[TaskLink, TaskLink]]:
    """Both sides of each link."""
    found = []
    for each in content.links:
        task_id, target_id, ours, theirs = ids[each.task], ids[each.target], next(link_ids), next(link_ids)
        common: Mapping[str, Any] = {"created_at": now}
        forth = TaskLink(id=ours, twin_id=theirs, task_id=task_id, target_id=target_id, kind=each.kind, **common)
        back = TaskLink(id=theirs, twin_id=ours, task_id=target_id, target_id=task_id, kind=INVERSE[each.kind], **common)
        found.append((forth, back))
    return found
