"""Defines Task, links between tasks, and their payloads."""

from datetime import date, datetime
from typing import Annotated

import strawberry

import resolvers.label
import resolvers.project
import resolvers.task
import resolvers.user
from domain.actor import Scope
from domain.task import TaskPriority, TaskStatus
from domain.task_link import TaskLinkKind
from resolvers import ids
from resolvers.scalars import URL, Markdown
from schema.connection import Connection, Edge
from schema.errors import UserError, to_user_errors
from schema.fields import leaf, relation, view
from schema.node import Discussable, Node
from schema.payload import MutationPayload
from schema.types.project import Progress, Project
from schema.types.team import Label
from schema.types.user import User


@view("One side of a link between two tasks; each side has an id of its own.")
class TaskLink(Node):
    """View over `domain.task_link.TaskLink`."""

    kind: TaskLinkKind = leaf("Relation of the task to the target.")
    task: Annotated["Task", strawberry.lazy("schema.types.task")] = relation(
        resolvers.task.link_tasks, "Task whose link it is.", needs=["task_id"]
    )
    target: Annotated["Task", strawberry.lazy("schema.types.task")] = relation(
        resolvers.task.link_targets, "The linked task.", needs=["target_id"]
    )
    created_at: datetime = leaf("Time at which the tasks were linked.")


@view("A task in a project.", is_union_member=True)
class Task(Discussable):
    """View over `domain.task.Task`."""

    key: str = leaf("Readable key such as ENG-42; accepted by `taskByKey`.")
    url: URL = relation(resolvers.task.urls, "URL of the task in the application.", needs=["key"])
    project: Project = relation(
        resolvers.project.of_tasks, "Project that it belongs to.", guard=Scope.PROJECTS_READ, needs=["project_id"]
    )
    title: str = leaf("Title.")
    description: Markdown | None = leaf("Description.")
    status: TaskStatus = leaf("Status, which is its board column.")
    priority: TaskPriority = leaf("Priority.")
    assignee: User | None = relation(resolvers.user.assignees, "User who is to do it.", needs=["assignee_id"])
    creator: User | None = relation(resolvers.user.creators, "User who created it.", needs=["creator_id"])
    start_on: date | None = leaf("Day on which work starts.")
    due_on: date | None = leaf("Day on which it is due.")
    is_overdue: bool = leaf("Whether it is open past its due date, in UTC.", needs=["due_on", "status"])
    completed_at: datetime | None = leaf("Time at which it was done or canceled.")
    estimate: float | None = leaf("Estimated effort, in the team's own unit.")
    labels: Connection[Label] = relation(resolvers.label.of_tasks, "Labels, by name.", needs=["id"])
    parent: Annotated["Task", strawberry.lazy("schema.types.task")] | None = relation(
        resolvers.task.parents_of, "Task of which it is a subtask.", needs=["parent_id"]
    )
    subtasks: Connection[Annotated["Task", strawberry.lazy("schema.types.task")]] = relation(
        resolvers.task.subtasks, "Subtasks, by rank.", needs=["id"]
    )
    subtask_progress: Progress = relation(resolvers.task.subtask_progress, "Progress of its subtasks.", weight=3, needs=["id"])
    rank: str = leaf("Fractional index; compare as strings. Set only through `taskMove`.")
    links: Connection[TaskLink] = relation(resolvers.task.links, "Links to other tasks, oldest first.", needs=["id"])
    is_blocked: bool = relation(resolvers.task.are_blocked, "Whether it is blocked by an open task.", needs=["id"])
    deleted_at: datetime | None = leaf("Time at which it was deleted; `taskRestore` restores it.")
    recurrence: str | None = leaf(
        "RRULE of RFC 5545, whose series begins on the due day. The next task is made when this one is closed or the day of the "
        "next one comes, and takes the rule over."
    )
    external_ref: str | None = leaf("Id in the system that it was imported from.")


@view("Result of a mutation of a task.")
class TaskPayload(MutationPayload):
    """Payload."""

    task: Task | None = leaf("The task as it is now.")
    task_edge: Edge[Task] | None = leaf("The task as an edge of its project's list.", resolvers.task.edge)


@view("Result of one row of a bulk mutation.")
class TaskResult:
    """View over `domain.task.TaskResult`."""

    index: int = leaf("Index of the input row, from 0.")
    id: strawberry.ID | None = leaf("Global id of the task.", lambda row: ids.encode("Task", row.id) if row.id else None)
    task: Task | None = leaf("The task as it is now; null when the row was refused.")
    errors: list[UserError] = leaf("Why the row was refused.", lambda row: to_user_errors(row.refusals))


@view("Result of a bulk mutation.")
class TasksPayload(MutationPayload):
    """Payload."""

    results: list[TaskResult] = leaf(
        "One result per input row, in input order; empty when the whole call was refused.", lambda outcome: outcome.results or []
    )
    succeeded: int = leaf("Number of rows written.", lambda outcome: sum(not row.refusals for row in outcome.results or ()))
    failed: int = leaf(
        "Number of rows refused.",
        lambda outcome: sum(bool(row.refusals) for row in outcome.results or ()) or len(outcome.errors),
    )
