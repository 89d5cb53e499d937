"""Defines Project, its progress, and its payload."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.document
import resolvers.project
import resolvers.share_link
import resolvers.task
import resolvers.team
import resolvers.user
from domain.actor import Scope
from domain.project import ProjectStatus, ProjectVisibility
from domain.task import TaskStatus
from resolvers.scalars import Markdown
from schema.connection import Connection
from schema.fields import leaf, relation, view
from schema.node import Entity
from schema.payload import MutationPayload
from schema.types.change import Activity
from schema.types.team import Team
from schema.types.user import User

if TYPE_CHECKING:
    from schema.types.document import Document
    from schema.types.share_link import ShareLink
    from schema.types.task import Task


@view("Number of tasks with one status.")
class StatusCount:
    """View over `resolvers.progress.StatusCount`."""

    status: TaskStatus = leaf("Status, which is a board column.")
    count: int = leaf("Number of tasks.")


@view("Progress of a set of tasks.")
class Progress:
    """View over `resolvers.progress.Progress`."""

    total: int = leaf("Number of tasks.")
    done: int = leaf("Number of tasks with the status DONE.")
    overdue: int = leaf("Number of open tasks past their due date.")
    by_status: list[StatusCount] = leaf("Number of tasks by status, in board order; statuses without tasks are left out.")


@view("A project of a team.", is_union_member=True)
class Project(Entity):
    """View over `domain.project.Project`."""

    team: Team = relation(resolvers.team.of_parents, "Team that it belongs to.", needs=["team_id"], guard=Scope.TEAMS_READ)
    name: str = leaf("Name.")
    description: Markdown | None = leaf("Description.")
    status: ProjectStatus = leaf("Status.")
    visibility: ProjectVisibility = leaf("Who can see it.")
    start_on: date | None = leaf("First day.")
    end_on: date | None = leaf("Planned last day.")
    lead: User | None = relation(resolvers.user.leads, "User who leads it.", needs=["lead_id"])
    members: Connection[User] = relation(resolvers.project.members, "Users who were added to it, by name.", needs=["id"])
    tasks: Connection[Annotated["Task", strawberry.lazy("schema.types.task")]] = relation(
        resolvers.task.of_projects, "Tasks in it, by rank.", needs=["id"], guard=Scope.TASKS_READ
    )
    documents: Connection[Annotated["Document", strawberry.lazy("schema.types.document")]] = relation(
        resolvers.document.of_projects, "Documents in it, by rank.", needs=["id"], guard=Scope.DOCUMENTS_READ
    )
    activity: Connection[Activity] = relation(
        resolvers.project.activity,
        "History of the project and everything in it, latest first.",
        needs=["id"],
        guard=Scope.TASKS_READ,
    )
    share_links: Connection[Annotated["ShareLink", strawberry.lazy("schema.types.share_link")]] = relation(
        resolvers.share_link.of_subjects,
        "Links that open it read-only to whoever has the address, the newest first; none for those who may not make them.",
        guard=Scope.PROJECTS_WRITE,
        needs=["id"],
    )
    progress: Progress = relation(
        resolvers.project.progress, "Progress of its tasks.", needs=["id"], guard=Scope.TASKS_READ, weight=3
    )


@view("Result of a mutation of a project.")
class ProjectPayload(MutationPayload):
    """Payload."""

    project: Project | None = leaf("The project as it is now.")
