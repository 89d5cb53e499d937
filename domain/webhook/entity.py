"""What a webhook is, which events it may want, and what can happen to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

from domain.actor import Scope
from domain.errors import Invalid, LimitExceeded, Path, Required
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream

MAX_WEBHOOKS: Final = 10
"""Of one team."""
MAX_EVENT_NAMES: Final = 50
MAX_QUERY_CHARS: Final = 16_384
EVENT_NAMES: Final = frozenset(
    [
        "comment.created",
        "comment.deleted",
        "comment.filesChanged",
        "comment.reacted",
        "comment.restored",
        "comment.updated",
        "document.created",
        "document.deleted",
        "document.filesChanged",
        "document.moved",
        "document.movedAway",
        "document.restored",
        "document.updated",
        "document.versionSaved",
        "label.created",
        "label.deleted",
        "label.restored",
        "label.updated",
        "project.created",
        "project.deleted",
        "project.membersChanged",
        "project.restored",
        "project.updated",
        "task.created",
        "task.deleted",
        "task.filesChanged",
        "task.linked",
        "task.moved",
        "task.movedAway",
        "task.restored",
        "task.unlinked",
        "task.updated",
        "team.deleted",
        "team.invitationChanged",
        "team.membershipChanged",
        "team.updated",
        "user.profileChanged",
    ]
)
"""What a webhook can want, by the names of `domain.event_name`."""
_KINDS: Final = frozenset(each.partition(".")[0] for each in EVENT_NAMES)


class WebhookState(StrEnum):
    """Whether anything is sent."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """
    One webhook of a team. It sees what its *bot* sees, a member of the team, with `scopes`.

    `scope`: the values of a `ChangeScope`, as JSON. `query`: the subscription document whose result is the payload; None for a
    default. `encrypted_secret` signs what is sent; for a day after another took its place, the one before it signs as well.
    `failing_since`: when the first of the deliveries failed that have done nothing but fail since.
    """

    type_name: ClassVar[str] = "Webhook"

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID
    bot_id: UUID
    url: str
    events: tuple[str, ...]
    scope: Mapping[str, Any] | None = None
    query: str | None = None
    scopes: tuple[Scope, ...]
    state: WebhookState = WebhookState.ACTIVE
    state_reason: str | None = None
    encrypted_secret: str
    previous_encrypted_secret: str | None = None
    previous_secret_expires_at: datetime | None = None
    failing_since: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def host(self) -> str:
        """The host of its address, which is shown where the address itself may not be."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedWebhook:
    """A webhook as its events carry it: all members of the team may read these, and an address may hold a secret."""

    type_name: ClassVar[str] = "Webhook"

    id: UUID
    version: int
    events: tuple[str, ...]
    state: WebhookState


@dataclass(frozen=True, slots=True, kw_only=True)
class _WebhookEvent(Event):
    team_id: UUID
    webhook: LoggedWebhook

    @property
    def stream(self) -> str:
        return team_stream(self.team_id)

    @property
    def entity(self) -> LoggedWebhook:
        return self.webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookCreated(_WebhookEvent):
    """A team got a webhook."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookUpdated(_WebhookEvent):
    """A webhook was changed, paused or resumed."""

    kind = ChangeKind.UPDATED
    before: LoggedWebhook

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.webhook)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecretRotated(_WebhookEvent):
    """A webhook signs with another secret."""

    kind = ChangeKind.UPDATED


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeleted(_WebhookEvent):
    """A team's webhook is gone."""

    kind = ChangeKind.DELETED


def logged(webhook: Webhook) -> LoggedWebhook:
    """A webhook as its events carry it."""
    return LoggedWebhook(id=webhook.id, version=webhook.version, events=webhook.events, state=webhook.state)


def validate_events(names: Sequence[str], path: Path = ("input", "events")) -> tuple[str, ...]:
    """The names, each once: of events, of all of a kind (`task.*`), or `*`. Raises Invalid, Required, LimitExceeded."""
    if not names:
        raise Required(path, "Name at least one event, or *.")
    if len(names) > MAX_EVENT_NAMES:
        raise LimitExceeded(f"At most {MAX_EVENT_NAMES} names are allowed.", MAX_EVENT_NAMES, path=path)
    for index, name in enumerate(names):
        kind, _, rest = name.partition(".")
        if name != "*" and name not in EVENT_NAMES and not (rest == "*" and kind in _KINDS):
            raise Invalid((*path, str(index)), "There is no event of this name; write task.updated, task.* or *.")
    return tuple(dict.fromkeys(names))


def wants(webhook: Webhook, name: str) -> bool:
    """Whether a webhook wants an event of this name."""
    return name in EVENT_NAMES and any(each in ("*", name, f"{name.partition('.')[0]}.*") for each in webhook.events)
