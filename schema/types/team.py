"""Team, its members and invitations, and labels."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.label
import resolvers.project
import resolvers.team
import resolvers.user
from domain.actor import Scope
from domain.permissions import Role
from resolvers.page import total_counts
from resolvers.scalars import Markdown
from schema.connection import Connection, PageInfo
from schema.fields import leaf, relation, view
from schema.node import Entity, Node
from schema.payload import MutationPayload
from schema.types.user import User

if TYPE_CHECKING:
    from schema.types.project import Project


@view("Somebody in a team, with his place in the list. Membership data lives on the edge.")
class TeamMemberEdge:
    """View over an edge to `domain.team.Member`."""

    cursor: str = leaf("Its place, for `after` and `before`.")
    node: User = leaf("The member.")
    role: Role = leaf("What he is in the team.", "node.role")
    joined_at: datetime = leaf("When he joined.", "node.joined_at")


@strawberry.type(description="One page of a team's members.")
class TeamMemberConnection:
    """View over `domain.page.Page`."""

    edges: list[TeamMemberEdge] = leaf("The members with their roles and cursors.")
    nodes: list[User] = leaf("The members alone.")
    page_info: PageInfo = leaf("Where the page lies in its list.")
    total_count: int = relation(total_counts, "How many there are; counted only when asked for.")


@view("An address that was asked to join a team.")
class Invitation(Node):
    """View over `domain.invitation.Invitation`."""

    email: str = leaf("Who was asked.")
    role: Role = leaf("As what.")
    invited_by: User | None = relation(resolvers.user.inviters, "By whom.", needs=["invited_by_id"])
    created_at: datetime = leaf("When.")
    expires_at: datetime = leaf("Until when it can be accepted.")


@view("A team's own word for sorting tasks.")
class Label(Entity):
    """View over `domain.label.Label`."""

    team: Annotated["Team", strawberry.lazy("schema.types.team")] = relation(
        resolvers.team.of_parents, "Whose word it is.", needs=["team_id"], guard=Scope.TEAMS_READ
    )
    name: str = leaf("Its name, unique in the team.")
    color: str = leaf("Its colour, #rrggbb.")


@view("People who work together; everything else belongs to one team.")
class Team(Entity):
    """View over `domain.team.Team`."""

    name: str = leaf("Its name, unique on this server.")
    key: str = leaf("Short prefix of human task keys, e.g. ENG in ENG-42.")
    description: Markdown | None = leaf("What the team is for.")
    owner: User = relation(resolvers.user.owners, "Who has the last word.", needs=["owner_id"])
    viewer_role: Role | None = relation(resolvers.team.viewer_roles, "What the viewer is in it.", needs=["id"], personal=True)
    members: TeamMemberConnection = relation(resolvers.team.members, "Who belongs to it, by name.", needs=["id"])
    invitations: Connection[Invitation] = relation(
        resolvers.team.open_invitations, "Who was asked and has not answered.", needs=["id"]
    )
    projects: Connection[Annotated["Project", strawberry.lazy("schema.types.project")]] = relation(
        resolvers.project.of_teams,
        "What it undertakes, as far as the viewer may see it.",
        needs=["id"],
        guard=Scope.PROJECTS_READ,
    )
    labels: Connection[Label] = relation(resolvers.label.of_teams, "Its words for sorting tasks, by name.", needs=["id"])


@view("The outcome of a change to a team.")
class TeamPayload(MutationPayload):
    """Payload."""

    team: Team | None = leaf("The team as it is now.")
    invitation: Invitation | None = leaf("The invitation that was made.")
    invitation_token: str | None = leaf(
        "What the invited person accepts with, signed in under that address; shown once, for a link of one's own."
    )


@view("The outcome of a change to a label.")
class LabelPayload(MutationPayload):
    """Payload."""

    label: Label | None = leaf("The label as it is now.")
