"""Project and its progress."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.document
import resolvers.project
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
    from schema.types.task import Task


@view("How many tasks stand in one column.")
class StatusCount:
    """View over `resolvers.progress.StatusCount`."""

    status: TaskStatus = leaf("The column.")
    count: int = leaf("How many.")


@view("How far a set of tasks is.")
class Progress:
    """View over `resolvers.progress.Progress`."""

    total: int = leaf("How many tasks there are.")
    done: int = leaf("How many are done.")
    overdue: int = leaf("How many are open beyond their due day.")
    by_status: list[StatusCount] = leaf("How many stand in each column that has any, in the columns' order.")


@view("A team's undertaking.")
class Project(Entity):
    """View over `domain.project.Project`."""

    team: Team = relation(resolvers.team.of_parents, "Whose it is.", needs=["team_id"], guard=Scope.TEAMS_READ)
    name: str = leaf("Its name.")
    description: Markdown | None = leaf("What it is about.")
    status: ProjectStatus = leaf("Where it stands.")
    visibility: ProjectVisibility = leaf("Who sees it.")
    start_on: date | None = leaf("When it starts.")
    end_on: date | None = leaf("When it is to end.")
    lead: User | None = relation(resolvers.user.leads, "Who leads it.", needs=["lead_id"])
    members: Connection[User] = relation(resolvers.project.members, "Who was added to it, by name.", needs=["id"])
    tasks: Connection[Annotated["Task", strawberry.lazy("schema.types.task")]] = relation(
        resolvers.task.of_projects, "What is to be done in it, by rank.", needs=["id"], guard=Scope.TASKS_READ
    )
    documents: Connection[Annotated["Document", strawberry.lazy("schema.types.document")]] = relation(
        resolvers.document.of_projects, "What is written in it, by rank.", needs=["id"], guard=Scope.DOCUMENTS_READ
    )
    activity: Connection[Activity] = relation(
        resolvers.project.activity, "What happened in it, latest first.", needs=["id"], guard=Scope.TASKS_READ
    )
    progress: Progress = relation(
        resolvers.project.progress, "Counts by status, one aggregate query.", needs=["id"], guard=Scope.TASKS_READ, weight=3
    )


@view("The outcome of a change to a project.")
class ProjectPayload(MutationPayload):
    """Payload."""

    project: Project | None = leaf("The project as it is now.")
