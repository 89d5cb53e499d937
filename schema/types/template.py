"""Defines Template and its payloads."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.team
import resolvers.user
from domain.actor import Scope
from resolvers.inputs.search_type import SearchType
from schema.fields import leaf, relation, view
from schema.node import Entity
from schema.payload import MutationPayload
from schema.types.project import Project
from schema.types.task import Task
from schema.types.user import User

if TYPE_CHECKING:
    from schema.types.team import Team


@view("A project, or a task with its sub-tasks, as it was, to begin others with.")
class Template(Entity):
    """View over `domain.template.Template`."""

    team: Annotated["Team", strawberry.lazy("schema.types.team")] = relation(
        resolvers.team.of_parents, "Team whose template it is.", needs=["team_id"], guard=Scope.TEAMS_READ
    )
    name: str = leaf("Name.")
    kind: SearchType = leaf("What it begins: PROJECT or TASK.", lambda each: SearchType(each.kind), needs=["kind"])
    task_count: int = leaf("Number of tasks in it.")
    created_by: User | None = relation(resolvers.user.creators, "User who made it.", needs=["creator_id"])


@view("Result of making a template.")
class TemplatePayload(MutationPayload):
    """Payload."""

    template: Template | None = leaf("The template.")


@view("Result of using a template.")
class TemplateUsePayload(MutationPayload):
    """Payload."""

    project: Project | None = leaf("The project in which everything was made.")
    task: Task | None = leaf("The first task that was made; null for a template without tasks.")
