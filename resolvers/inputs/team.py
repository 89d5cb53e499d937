"""Defines the inputs of mutations of teams, invitations and labels, and those of deletions and restorations."""

from uuid import UUID

import strawberry

from domain.permissions import Role
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import Markdown

graphql_enum(
    Role,
    "Role of a member of a team.",
    name="TeamRole",
    OWNER="Owns the team; every team has one owner.",
    ADMIN="Manages members, projects and the team itself.",
    MEMBER="Works in all projects of the team.",
    GUEST="Sees and comments on the projects that they were added to.",
)


@input_type("Input of mutations that delete, revoke or remove an object.")
class DeleteInput:
    """Input of everything that deletes, revokes or removes."""

    id: strawberry.ID = required("The object.")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of mutations that restore an object.")
class RestoreInput:
    """Input of everything that restores."""

    id: strawberry.ID = required("The deleted object.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamCreate`.")
class TeamCreateInput:
    """Input of `teamCreate`."""

    id: UUID | None = optional("An id of the client's own, for offline creation.")
    name: str = required("Its name, unique on this server.")
    key: str | None = optional("Prefix of its task keys: 2 to 10 letters and digits, such as ENG; from the name when absent.")
    description: Markdown | None = optional("What the team is for.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamUpdate`. Omitted fields remain unchanged, null clears a value.")
class TeamUpdateInput:
    """Input of `teamUpdate`."""

    id: strawberry.ID = required("The team.", of="Team")
    name: str | None = optional("Its name.")
    description: Markdown | None = optional("What the team is for.")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamInvite`.")
class TeamInviteInput:
    """Input of `teamInvite`."""

    team_id: strawberry.ID = required("The team.", of="Team")
    email: str = required("Who is invited; an earlier invitation of the same address is replaced.")
    role: Role = optional("As what; there is only one owner.", default=Role.MEMBER)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamMemberSetRole`.")
class TeamMemberSetRoleInput:
    """Input of `teamMemberSetRole`."""

    team_id: strawberry.ID = required("The team.", of="Team")
    user_id: strawberry.ID = required("The member.", of="User")
    role: Role = required("The new role; OWNER hands the team over.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamMemberRemove`.")
class TeamMemberRemoveInput:
    """Input of `teamMemberRemove`."""

    team_id: strawberry.ID = required("The team.", of="Team")
    user_id: strawberry.ID = required("The member; oneself to leave.", of="User")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `labelCreate`.")
class LabelCreateInput:
    """Input of `labelCreate`."""

    id: UUID | None = optional("An id of the client's own, for offline creation.")
    team_id: strawberry.ID = required("The team.", of="Team")
    name: str = required("Its name, unique in the team.")
    color: str = required("Its colour, #rrggbb.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `labelUpdate`. Omitted fields remain unchanged.")
class LabelUpdateInput:
    """Input of `labelUpdate`."""

    id: strawberry.ID = required("The label.", of="Label")
    name: str | None = optional("Its name.")
    color: str | None = optional("Its colour, #rrggbb.")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()
