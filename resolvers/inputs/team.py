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

    id: strawberry.ID = required("Id of the object.")
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of mutations that restore an object.")
class RestoreInput:
    """Input of everything that restores."""

    id: strawberry.ID = required("Id of the deleted object.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamCreate`.")
class TeamCreateInput:
    """Input of `teamCreate`."""

    id: UUID | None = optional("Id chosen by the client, for offline creation.")
    name: str = required("Name, unique on this server.")
    key: str | None = optional(
        "Prefix of the keys of its tasks: 2 to 10 letters and digits, such as ENG; derived from the name when omitted."
    )
    description: Markdown | None = optional("Description.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamUpdate`. Omitted fields remain unchanged, null clears a value.")
class TeamUpdateInput:
    """Input of `teamUpdate`."""

    id: strawberry.ID = required("Id of the team.", of="Team")
    name: str | None = optional("Name.")
    description: Markdown | None = optional("Description.")
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamInvite`.")
class TeamInviteInput:
    """Input of `teamInvite`."""

    team_id: strawberry.ID = required("Id of the team.", of="Team")
    email: str = required("E-mail address to invite; an earlier invitation of the same address is replaced.")
    role: Role = optional("Role of the new member; OWNER is not allowed.", default=Role.MEMBER)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamMemberSetRole`.")
class TeamMemberSetRoleInput:
    """Input of `teamMemberSetRole`."""

    team_id: strawberry.ID = required("Id of the team.", of="Team")
    user_id: strawberry.ID = required("Id of the member.", of="User")
    role: Role = required("The new role; OWNER hands the team over.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `teamMemberRemove`.")
class TeamMemberRemoveInput:
    """Input of `teamMemberRemove`."""

    team_id: strawberry.ID = required("Id of the team.", of="Team")
    user_id: strawberry.ID = required("Id of the member; the viewer's own id to leave.", of="User")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `labelCreate`.")
class LabelCreateInput:
    """Input of `labelCreate`."""

    id: UUID | None = optional("Id chosen by the client, for offline creation.")
    team_id: strawberry.ID = required("Id of the team.", of="Team")
    name: str = required("Name, unique in the team.")
    color: str = required("Color, as #rrggbb.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `labelUpdate`. Omitted fields remain unchanged.")
class LabelUpdateInput:
    """Input of `labelUpdate`."""

    id: strawberry.ID = required("Id of the label.", of="Label")
    name: str | None = optional("Name.")
    color: str | None = optional("Color, as #rrggbb.")
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()
