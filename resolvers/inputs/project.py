"""Defines the inputs of mutations of projects, their filter and order."""

from datetime import date
from enum import Enum
from uuid import UUID

import strawberry

from domain.project import ProjectStatus, ProjectVisibility
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.inputs.filter import DateTimeFilter, IDFilter, OrderDirection, StringFilter
from resolvers.scalars import Markdown

graphql_enum(
    ProjectStatus,
    "Status of a project.",
    ACTIVE="In progress.",
    COMPLETED="Completed.",
    ARCHIVED="Archived, and read-only.",
)
graphql_enum(
    ProjectVisibility,
    "Visibility of a project.",
    TEAM="Visible to all members of the team, and to guests who were added.",
    PRIVATE="Visible only to those who were added.",
)


@input_type("Input of `projectCreate`.")
class ProjectCreateInput:
    """Input of `projectCreate`."""

    id: UUID | None = optional("An id of the client's own, for offline creation.")
    team_id: strawberry.ID = required("The team.", of="Team")
    name: str = required("Its name.")
    description: Markdown | None = optional("What it is about.")
    visibility: ProjectVisibility | None = optional("Who sees it.", default=ProjectVisibility.TEAM)
    start_on: date | None = optional("When it starts.")
    end_on: date | None = optional("When it is to end.")
    lead_id: strawberry.ID | None = optional("Who leads it: a member of the team.", of="User")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `projectUpdate`. Omitted fields remain unchanged, null clears a value.")
class ProjectUpdateInput:
    """Input of `projectUpdate`."""

    id: strawberry.ID = required("The project.", of="Project")
    name: str | None = optional("Its name.")
    description: Markdown | None = optional("What it is about.")
    status: ProjectStatus | None = optional("Where it stands.")
    visibility: ProjectVisibility | None = optional("Who sees it.")
    start_on: date | None = optional("When it starts.")
    end_on: date | None = optional("When it is to end.")
    lead_id: strawberry.ID | None = optional("Who leads it: a member of the team.", of="User")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `projectSetMembers`.")
class ProjectSetMembersInput:
    """Input of `projectSetMembers`."""

    id: strawberry.ID = required("The project.", of="Project")
    add_user_ids: list[strawberry.ID] | None = optional("Members of the team to add.", of="User")
    remove_user_ids: list[strawberry.ID] | None = optional("Whom to take out.", of="User")
    dry_run: bool | None = optional("Say what would happen, and write nothing.", default=False)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Filters projects. All given fields must match.")
class ProjectFilter:
    """Filter of projects."""

    name: StringFilter | None = optional("By name.")
    status: ProjectStatus | None = optional("By status.")
    lead: IDFilter | None = optional("By lead.")
    updated_at: DateTimeFilter | None = optional("By last change.")


@strawberry.enum(description="Field that projects are sorted by.")
class ProjectOrderField(Enum):
    """Sortable columns."""

    NAME = strawberry.enum_value("NAME", description="Name, without regard to case.")
    STATUS = strawberry.enum_value("STATUS", description="Active, completed, archived.")
    START_ON = strawberry.enum_value("START_ON", description="First day; unset counts as last.")
    END_ON = strawberry.enum_value("END_ON", description="Last day; unset counts as last.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="Creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="Last change.")


@input_type("A field to sort projects by.")
class ProjectOrder:
    """Order of projects."""

    field: ProjectOrderField = required("What to sort by.")
    direction: OrderDirection = optional("Which way.", default=OrderDirection.ASC)


FILTER_ID_TYPES = {"lead": "User"}
