"""Defines Team, its members, invitations and labels, and their payloads."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.audit
import resolvers.label
import resolvers.oauth_client
import resolvers.project
import resolvers.team
import resolvers.template
import resolvers.user
import resolvers.webhook
from domain.actor import Scope
from domain.permissions import Role
from resolvers.page import exact_totals, total_counts
from resolvers.scalars import Markdown
from schema.connection import Connection, PageInfo
from schema.fields import leaf, relation, view
from schema.node import Entity, Node
from schema.payload import MutationPayload
from schema.types.audit import AuditEntryConnection
from schema.types.oauth_client import OAuthClient
from schema.types.user import User
from schema.types.webhook import Webhook

if TYPE_CHECKING:
    from schema.types.project import Project
    from schema.types.template import Template


@view("A member of a team as an edge, which carries the data of the membership.")
class TeamMemberEdge:
    """View over an edge to `domain.team.Member`."""

    cursor: str = leaf("Cursor for `after` and `before`.")
    node: User = leaf("The member.")
    role: Role = leaf("Role of the member in the team.", "node.role")
    joined_at: datetime = leaf("Time at which the member joined.", "node.joined_at")


@strawberry.type(description="A page of a team's members.")
class TeamMemberConnection:
    """View over `domain.page.Page`."""

    edges: list[TeamMemberEdge] = leaf("The members with their roles and cursors.")
    nodes: list[User] = leaf("The members without their roles and cursors.")
    page_info: PageInfo = leaf("Position of the page in the list.")
    total_count: int = relation(total_counts, "Number of members; counted only when selected.")
    total_count_exact: bool = relation(
        exact_totals, "Whether that is the number of members; false where there are more than 10,000, which are not counted on."
    )


@view("An invitation of an e-mail address to a team.")
class Invitation(Node):
    """View over `domain.invitation.Invitation`."""

    email: str = leaf("Invited e-mail address.")
    role: Role = leaf("Role that the invited person will have.")
    invited_by: User | None = relation(resolvers.user.inviters, "User who sent the invitation.", needs=["invited_by_id"])
    created_at: datetime = leaf("Time at which it was sent.")
    expires_at: datetime = leaf("Time until which it can be accepted.")


@view("A label for the tasks of a team.")
class Label(Entity):
    """View over `domain.label.Label`."""

    team: Annotated["Team", strawberry.lazy("schema.types.team")] = relation(
        resolvers.team.of_parents, "Team that it belongs to.", needs=["team_id"], guard=Scope.TEAMS_READ
    )
    name: str = leaf("Name, unique in the team.")
    color: str = leaf("Color, as #rrggbb.")


@view("A team, which owns projects, tasks, documents and labels.", is_union_member=True)
class Team(Entity):
    """View over `domain.team.Team`."""

    name: str = leaf("Name, unique on this server.")
    key: str = leaf("Prefix of the keys of its tasks, such as ENG in ENG-42.")
    description: Markdown | None = leaf("Description.")
    owner: User = relation(resolvers.user.owners, "User who owns the team.", needs=["owner_id"])
    viewer_role: Role | None = relation(
        resolvers.team.viewer_roles, "Role of the viewer in the team; null if not a member.", needs=["id"], personal=True
    )
    members: TeamMemberConnection = relation(resolvers.team.members, "Members, by name.", needs=["id"])
    invitations: Connection[Invitation] = relation(
        resolvers.team.open_invitations, "Invitations that have not been accepted yet, latest first.", needs=["id"]
    )
    projects: Connection[Annotated["Project", strawberry.lazy("schema.types.project")]] = relation(
        resolvers.project.of_teams,
        "Projects of the team that the viewer can see.",
        needs=["id"],
        guard=Scope.PROJECTS_READ,
    )
    oauth_clients: list[OAuthClient] = relation(
        resolvers.oauth_client.of_teams,
        "OAuth clients, oldest first; none for those who do not manage the team.",
        guard=Scope.ADMIN,
        needs=["id"],
        personal=True,
    )
    webhooks: Connection[Webhook] = relation(
        resolvers.webhook.of_teams,
        "Webhooks, oldest first; none for those who do not manage the team.",
        guard=Scope.WEBHOOKS_MANAGE,
        needs=["id"],
        personal=True,
    )
    audit_log: AuditEntryConnection = relation(
        resolvers.audit.of_teams,
        "Audit log, latest first; empty for those who do not manage the team.",
        guard=Scope.AUDIT_READ,
        weight=5,
        needs=["id"],
        personal=True,
    )
    labels: Connection[Label] = relation(resolvers.label.of_teams, "Labels of the team, by name.", needs=["id"])
    templates: Connection[Annotated["Template", strawberry.lazy("schema.types.template")]] = relation(
        resolvers.template.of_teams,
        "Templates, newest first; none for guests of the team.",
        guard=Scope.TASKS_READ,
        needs=["id"],
        personal=True,
    )


@view("Result of a mutation of a team.")
class TeamPayload(MutationPayload):
    """Payload."""

    team: Team | None = leaf("The team as it is now.")
    invitation: Invitation | None = leaf("The new invitation.")
    invitation_token: str | None = leaf(
        "Token with which the invited person, signed in with that address, accepts; shown once, for a link of the client's own."
    )


@view("Result of a mutation of a label.")
class LabelPayload(MutationPayload):
    """Payload."""

    label: Label | None = leaf("The label as it is now.")
