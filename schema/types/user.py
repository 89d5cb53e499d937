"""Defines User, the viewer's account and sessions, and payloads without an object of their own."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.api_token
import resolvers.calendar_feed
import resolvers.external_identity
import resolvers.factor
import resolvers.inputs.factor
import resolvers.inputs.notification
import resolvers.notification_settings
import resolvers.push_device
import resolvers.user
from domain.actor import Scope
from domain.factor import FactorKind
from domain.notification import DigestFrequency
from domain.user import UserStatus
from resolvers import ids
from resolvers.enums import graphql_enum
from resolvers.scalars import JSON, URL
from schema.connection import Connection
from schema.fields import leaf, relation, view
from schema.node import Entity, Node
from schema.payload import MutationPayload
from schema.types.api_token import ApiToken
from schema.types.notification_settings import NotificationPreference, QuietHoursView
from schema.types.push_device import PushDevice

if TYPE_CHECKING:
    from schema.types.task import Task
    from schema.types.team import Team

graphql_enum(
    UserStatus,
    "Status of a user.",
    ACTIVE="Can sign in.",
    INACTIVE="Cannot sign in: the account is closed or suspended.",
    PENDING="Cannot sign in yet.",
)


@view("A session of the viewer on one device.")
class Session(Node):
    """View over `domain.session.Session`."""

    id: strawberry.ID = leaf("Global id.", lambda session: ids.encode("Session", session.id))
    created_at: datetime = leaf("Time of signing in.")
    last_used_at: datetime = leaf("Time at which its token was last refreshed.")
    expires_at: datetime = leaf("Time at which it ends unless it is refreshed.")
    user_agent: str | None = leaf("User agent of the device.")
    device: str | None = leaf("What it runs on, such as Firefox on Windows; null when unknown.", needs=["user_agent"])
    ip_address: str | None = leaf("IP address from which it was last used.")
    app_name: str | None = relation(
        resolvers.user.app_names, "Name of the app that the viewer granted it to; null for sessions opened by signing in."
    )
    is_current: bool = relation(resolvers.user.is_current, "Whether it is the session of this request.", personal=True)


@view("A second factor of the viewer, or a passkey, which replaces the password too.")
class Factor(Node):
    """View over `domain.factor.Factor`."""

    id: strawberry.ID = leaf("Global id.", lambda factor: ids.encode("Factor", factor.id))
    kind: FactorKind = leaf("What it is.")
    label: str | None = leaf("What the viewer calls it.")
    created_at: datetime = leaf("Time of adding it.")
    last_used_at: datetime | None = leaf("Time of the last sign-in with it.")


@view("An account of an outside OpenID provider that signs the viewer in.")
class ExternalIdentity(Node):
    """View over `domain.external_identity.ExternalIdentity`."""

    id: strawberry.ID = leaf("Global id.", lambda identity: ids.encode("ExternalIdentity", identity.id))
    provider: str = leaf("Name of the provider.")
    issuer: str = leaf("Issuer identifier of the provider.")
    email: str | None = leaf("E-mail address that the provider gave at the last sign-in.")
    created_at: datetime = leaf("Time of linking it.")
    last_used_at: datetime = leaf("Time of the last sign-in with it.")


@view("Private data of the viewer.")
class Account:
    """View over `domain.user.User`."""

    email: str = leaf("E-mail address to sign in with.", "email_address")
    email_verified_at: datetime | None = leaf("Time at which the address was verified; null if never.")
    is_server_admin: bool = relation(
        resolvers.user.are_server_admins,
        "Whether the viewer administers the server.",
        guard=Scope.PROFILE_READ,
        needs=["is_server_admin"],
    )
    sessions: list[Session] = relation(
        resolvers.user.sessions, "Open sessions, most recently used first.", guard=Scope.PROFILE_READ, personal=True
    )
    api_tokens: list[ApiToken] = relation(
        resolvers.api_token.of_accounts, "API tokens, newest first.", guard=Scope.PROFILE_READ, personal=True
    )
    factors: list[Factor] = relation(
        resolvers.factor.factors, "Second factors and passkeys, the oldest first.", guard=Scope.PROFILE_READ, personal=True
    )
    external_identities: list[ExternalIdentity] = relation(
        resolvers.external_identity.of_accounts,
        "Accounts of outside OpenID providers that sign the viewer in, the oldest first.",
        guard=Scope.PROFILE_READ,
        personal=True,
    )
    calendar_feed_url: URL | None = relation(
        resolvers.calendar_feed.urls,
        "Address at which calendar programs read what is assigned to the viewer and due; null before `calendarFeedRotate`. "
        "Whoever has it can read.",
        guard=Scope.ADMIN,
        personal=True,
    )
    recovery_codes_left: int = relation(
        resolvers.factor.recovery_codes_left,
        "How many recovery codes have not been used.",
        guard=Scope.PROFILE_READ,
        personal=True,
    )
    notification_preferences: list[NotificationPreference] = relation(
        resolvers.notification_settings.preferences,
        "Channels for every reason.",
        guard=Scope.NOTIFICATIONS_READ,
        needs=["id"],
        personal=True,
    )
    push_devices: list[PushDevice] = relation(
        resolvers.push_device.of_accounts,
        "Browsers and phones to which pushes are sent, the newest first.",
        guard=Scope.NOTIFICATIONS_READ,
        personal=True,
    )
    push_content: bool = relation(
        resolvers.notification_settings.push_contents,
        "Whether pushes show titles and texts; without, they carry ids only.",
        guard=Scope.NOTIFICATIONS_READ,
        needs=["id"],
        personal=True,
    )
    quiet_hours: QuietHoursView | None = relation(
        resolvers.notification_settings.quiet_hours,
        "Hours in which no mails and pushes are sent; null if there are none.",
        guard=Scope.NOTIFICATIONS_READ,
        needs=["id"],
        personal=True,
    )
    digest: DigestFrequency = relation(
        resolvers.notification_settings.digests,
        "How often mails and pushes are sent.",
        guard=Scope.NOTIFICATIONS_READ,
        needs=["id"],
        personal=True,
    )
    email_off_reason: str | None = relation(
        resolvers.notification_settings.email_off_reasons,
        "Why no mails about notifications are sent, such as an address that does not exist; null while they are sent.",
        guard=Scope.NOTIFICATIONS_READ,
        needs=["id"],
        personal=True,
    )


@view("A person, or a bot.", is_union_member=True)
class User(Entity):
    """View over `domain.user.User`."""

    first_name: str = leaf("First name.")
    last_name: str = leaf("Last name.")
    display_name: str = leaf("First and last name.", needs=["first_name", "last_name"])
    email: str | None = relation(
        resolvers.user.emails, "E-mail address; null unless the viewer shares a team with the user or is the user."
    )
    avatar_url: URL | None = relation(
        resolvers.user.avatar_urls,
        "Short-lived signed URL of the picture as a square WebP, without metadata; null when there is none.",
        needs=["avatar_id"],
    )
    status: UserStatus = leaf("Status of the account.")
    is_bot: bool = leaf("Whether the user is a program.")
    time_zone: str = leaf("IANA time zone, such as Europe/Rome.")
    locale: str = leaf("BCP 47 language tag, such as pt-BR.")
    teams: Connection[Annotated["Team", strawberry.lazy("schema.types.team")]] = relation(
        resolvers.user.teams, "Teams that the user shares with the viewer, by name.", guard=Scope.TEAMS_READ
    )
    assigned_tasks: Connection[Annotated["Task", strawberry.lazy("schema.types.task")]] = relation(
        resolvers.user.assigned_tasks, "Tasks assigned to the user that the viewer can see.", guard=Scope.TASKS_READ
    )
    account: Account | None = relation(
        resolvers.user.accounts,
        "Sessions, e-mail address and settings of notifications; null for anybody but the viewer. Needs PROFILE_READ or "
        "NOTIFICATIONS_READ, as its fields say.",
        personal=True,
    )


@view("Tokens with which a client acts for a user.")
class TokenPair:
    """View over the result of signing in."""

    access_token: str = leaf("Access token for the Authorization header, as a Bearer token.", lambda pair: pair["access_token"])
    refresh_token: str = leaf("Refresh token for one call of `sessionRefresh`.", lambda pair: pair["refresh_token"])
    expires_in: int = leaf("Lifetime of the access token in seconds.", lambda pair: pair["expires_in"])
    scopes: list[Scope] = leaf("Scopes of the access token.", lambda pair: pair["scopes"])


_LINKS = "Links of the mails that were sent; null except in development."


@view("Result of registering, signing in or refreshing a session.")
class SessionPayload(MutationPayload):
    """Payload."""

    user: User | None = leaf("The signed-in user; null after `userRegister` where the address must be verified first.")
    tokens: TokenPair | None = leaf("New tokens of the session.")
    development_links: list[URL] | None = leaf(_LINKS)


@view("Result of asking for a mail.")
class MailPayload(MutationPayload):
    """Payload."""

    development_links: list[URL] | None = leaf(_LINKS)


@view("Result of changing a profile.")
class UserPayload(MutationPayload):
    """Payload."""

    user: User | None = leaf("The user as they are now.")


@view("Result of asking for options with which a passkey signs.")
class PasskeyRequestPayload(MutationPayload):
    """Payload."""

    options: JSON | None = leaf(
        "Options of `navigator.credentials.get` as JSON, of WebAuthn's `PublicKeyCredentialRequestOptions`."
    )
    expires_at: datetime | None = leaf("When they are good no more.")


@view("Result of adding a factor.")
class FactorPayload(MutationPayload):
    """Payload."""

    factor: Factor | None = leaf("The factor.")
    secret: JSON | None = leaf(
        "Shown once: `{uri, secret}` with the `otpauth:` address for a QR code; `{options}` of `navigator.credentials.create` "
        "for a passkey; or `{recoveryCodes}`, a list of texts."
    )


@view("Result of a mutation that returns no object.")
class BasicPayload(MutationPayload):
    """Payload."""


@view("Result of a deletion.")
class DeletePayload(MutationPayload):
    """Payload."""

    deleted_id: strawberry.ID | None = leaf(
        "Global id of the deleted object.", lambda outcome: ids.encode(outcome.type, outcome.deleted) if outcome.deleted else None
    )
