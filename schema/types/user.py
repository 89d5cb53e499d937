"""User, the viewer's account and sessions."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.user
from domain.actor import Scope
from domain.user import UserStatus
from resolvers import ids
from resolvers.enums import graphql_enum
from resolvers.scalars import URL
from schema.connection import Connection
from schema.fields import leaf, relation, view
from schema.node import Entity, Node
from schema.payload import MutationPayload

if TYPE_CHECKING:
    from schema.types.task import Task
    from schema.types.team import Team

graphql_enum(
    UserStatus, "Whether somebody can sign in.", ACTIVE="Yes.", INACTIVE="No: the account is closed.", PENDING="Not yet."
)
graphql_enum(
    Scope,
    "What an OAuth token may be lent.",
    name="OAuthScope",
    PROFILE_READ="See the viewer's profile and account.",
    PROFILE_WRITE="Change them.",
    TEAMS_READ="See teams, members and labels.",
    TEAMS_WRITE="Change them.",
    PROJECTS_READ="See projects.",
    PROJECTS_WRITE="Change them.",
    TASKS_READ="See tasks and comments.",
    TASKS_WRITE="Change them.",
    DOCUMENTS_READ="See documents.",
    DOCUMENTS_WRITE="Change them.",
    NOTIFICATIONS_READ="See notifications.",
    NOTIFICATIONS_WRITE="Mark them.",
    SEARCH="Search.",
    WEBHOOKS_MANAGE="Manage webhooks.",
    AUDIT_READ="Read the audit log.",
    ADMIN="Everything else.",
)


@view("One signed-in device.")
class Session(Node):
    """View over `domain.session.Session`."""

    id: strawberry.ID = leaf("Global id.", lambda session: ids.encode("Session", session.id))
    created_at: datetime = leaf("When it was opened.")
    last_used_at: datetime = leaf("When its token was last refreshed.")
    expires_at: datetime = leaf("When it ends unless it is refreshed.")
    user_agent: str | None = leaf("What the device said it is.")
    ip_address: str | None = leaf("Where it was last used from.")
    is_current: bool = relation(resolvers.user.is_current, "Whether it is the one that asks.", personal=True)


@view("Sessions and what only the viewer may know of himself.")
class Account:
    """View over `domain.user.User`."""

    email: str = leaf("The address to sign in with.", "email_address")
    email_verified_at: datetime | None = leaf("When it was verified.")
    sessions: list[Session] = relation(resolvers.user.sessions, "Where one is signed in, the latest used first.", personal=True)


@view("A person, or a bot.")
class User(Entity):
    """View over `domain.user.User`."""

    first_name: str = leaf("First name.")
    last_name: str = leaf("Last name.")
    display_name: str = leaf("First and last name.", needs=["first_name", "last_name"])
    email: str | None = relation(resolvers.user.emails, "Null unless the viewer shares a team with the user or is the user.")
    avatar_url: URL | None = relation(
        resolvers.user.avatar_urls, "A picture, as it was uploaded; null when there is none.", needs=["avatar_id"]
    )
    status: UserStatus = leaf("Whether the user can sign in.")
    is_bot: bool = leaf("Whether it is a program.")
    time_zone: str = leaf("IANA time zone.")
    locale: str = leaf("Language tag.")
    teams: Connection[Annotated["Team", strawberry.lazy("schema.types.team")]] = relation(
        resolvers.user.teams, "The teams that the user shares with the viewer, by name.", guard=Scope.TEAMS_READ
    )
    assigned_tasks: Connection[Annotated["Task", strawberry.lazy("schema.types.task")]] = relation(
        resolvers.user.assigned_tasks, "What the user is to do, as far as the viewer may see it.", guard=Scope.TASKS_READ
    )
    account: Account | None = relation(
        resolvers.user.accounts, "Sessions and preferences; only on the viewer.", guard=Scope.PROFILE_READ, personal=True
    )


@view("What a client needs to act for a user.")
class TokenPair:
    """View over the result of signing in."""

    access_token: str = leaf("For the Authorization header, as a Bearer token.", lambda pair: pair["access_token"])
    refresh_token: str = leaf("For `sessionRefresh`, once.", lambda pair: pair["refresh_token"])
    expires_in: int = leaf("Seconds for which the access token is good.", lambda pair: pair["expires_in"])
    scopes: list[Scope] = leaf("What the token was lent.", lambda pair: pair["scopes"])


@view("The outcome of signing up, in, or staying signed in.")
class SessionPayload(MutationPayload):
    """Payload."""

    user: User | None = leaf("Who is signed in.")
    tokens: TokenPair | None = leaf("The session's new tokens.")


@view("The outcome of changing a profile.")
class UserPayload(MutationPayload):
    """Payload."""

    user: User | None = leaf("The user as he is now.")


@view("An outcome without anything to show.")
class BasicPayload(MutationPayload):
    """Payload."""


@view("The outcome of a deletion.")
class DeletePayload(MutationPayload):
    """Payload."""

    deleted_id: strawberry.ID | None = leaf(
        "What is gone.", lambda outcome: ids.encode(outcome.type, outcome.deleted) if outcome.deleted else None
    )
