"""Task, links between tasks, and their payloads."""

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

    kind: TaskLinkKind = leaf("What the task is to its target.")
    task: Annotated["Task", strawberry.lazy("schema.types.task")] = relation(
        resolvers.task.link_tasks, "The task.", needs=["task_id"]
    )
    target: Annotated["Task", strawberry.lazy("schema.types.task")] = relation(
        resolvers.task.link_targets, "The other task.", needs=["target_id"]
    )
    created_at: datetime = leaf("When they were linked.")


@view("One piece of work in a project.")
class Task(Discussable):
    """View over `domain.task.Task`."""

    key: str = leaf("Human key such as ENG-42; accepted by `taskByKey`.")
    url: URL = relation(resolvers.task.urls, "Where people open it.", needs=["key"])
    project: Project = relation(resolvers.project.of_tasks, "Where it belongs.", guard=Scope.PROJECTS_READ, needs=["project_id"])
    title: str = leaf("What is to be done.")
    description: Markdown | None = leaf("More about it.")
    status: TaskStatus = leaf("Its column.")
    priority: TaskPriority = leaf("How pressing it is.")
    assignee: User | None = relation(resolvers.user.assignees, "Who does it.", needs=["assignee_id"])
    creator: User | None = relation(resolvers.user.creators, "Who wrote it down.", needs=["creator_id"])
    start_on: date | None = leaf("When work starts.")
    due_on: date | None = leaf("When it is due.")
    is_overdue: bool = leaf("Whether it is open and its due day is over, in UTC.", needs=["due_on", "status"])
    completed_at: datetime | None = leaf("When it was done or canceled.")
    estimate: float | None = leaf("How much work it is, in the team's own unit.")
    labels: Connection[Label] = relation(resolvers.label.of_tasks, "Its labels, by name.", needs=["id"])
    parent: Annotated["Task", strawberry.lazy("schema.types.task")] | None = relation(
        resolvers.task.parents_of, "The task that it is a part of.", needs=["parent_id"]
    )
    subtasks: Connection[Annotated["Task", strawberry.lazy("schema.types.task")]] = relation(
        resolvers.task.subtasks, "Its parts, by rank.", needs=["id"]
    )
    subtask_progress: Progress = relation(resolvers.task.subtask_progress, "How far its parts are.", weight=3, needs=["id"])
    rank: str = leaf("Fractional index; compare as strings. Set only through `taskMove`.")
    links: Connection[TaskLink] = relation(
        resolvers.task.links, "What it has to do with other tasks, oldest first.", needs=["id"]
    )
    is_blocked: bool = relation(resolvers.task.are_blocked, "Whether it waits for a task that is still open.", needs=["id"])
    deleted_at: datetime | None = leaf("When it was put away; `taskRestore` brings it back.")
    external_ref: str | None = leaf("Id from the system the task was imported from.")


@view("The outcome of a change to a task.")
class TaskPayload(MutationPayload):
    """Payload."""

    task: Task | None = leaf("The task as it is now.")
    task_edge: Edge[Task] | None = leaf("The same, with its place in its project's list.", resolvers.task.edge)


@view("Outcome of one row of a bulk call, in input order.")
class TaskResult:
    """View over `domain.task.TaskResult`."""

    index: int = leaf("Which row of the input, from 0.")
    id: strawberry.ID | None = leaf("The task's global id.", lambda row: ids.encode("Task", row.id) if row.id else None)
    task: Task | None = leaf("The task as it is now; null when the row was refused.")
    errors: list[UserError] = leaf("Why the row was refused.", lambda row: to_user_errors(row.refusals))


@view("The outcome of a bulk call.")
class TasksPayload(MutationPayload):
    """Payload."""

    results: list[TaskResult] = leaf(
        "What became of each row; empty when everything was refused.", lambda outcome: outcome.results or []
    )
    succeeded: int = leaf("How many rows were written.", lambda outcome: sum(not row.refusals for row in outcome.results or ()))
    failed: int = leaf(
        "How many rows were refused.",
        lambda outcome: sum(bool(row.refusals) for row in outcome.results or ()) or len(outcome.errors),
    )
