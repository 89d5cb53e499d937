"""Decides for each kind of event whether and how it is undone. An event without a decision fails a test."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from domain.actor import Actor, Scope
from domain.events import Entry
from domain.ports import UnitOfWork
from domain.undo import attachment, comment, document, label, person, project, task, task_link, team
from domain.undo.change_log import Call

Reverse = Callable[[UnitOfWork, Actor, Entry, Call], Awaitable[None]]
"""Writes the inverse of an entry, with the actor's rights of now. Raises UndoConflict where what it changed has changed again,
and any other error of the rules by which the inverse is written."""


@dataclass(frozen=True, slots=True)
class Reversible:
    """The event is undone by `reverse`, which needs the scope of what it writes."""

    scope: Scope
    reverse: Reverse


@dataclass(frozen=True, slots=True)
class Derived:
    """The event only follows from another one of the same mutation, or from none, and goes with it."""


@dataclass(frozen=True, slots=True)
class Irreversible:
    """The event is not undone, for this reason, which says what can be done instead."""

    reason: str


_TASKS, _DOCUMENTS, _PROJECTS, _TEAMS = (
    Scope.TASKS_WRITE,
    Scope.DOCUMENTS_WRITE,
    Scope.PROJECTS_WRITE,
    Scope.TEAMS_WRITE,
)
_DERIVED: Final = Derived()
_CREDENTIAL: Final = Irreversible("Credentials and what they open are not given back: make them anew.")
_TOLD: Final = Irreversible("This tells that something happened; nothing was changed that could be changed back.")
_WEBHOOK: Final = Irreversible(
    "Webhooks are not put back: `webhookUpdate` changes one, `webhookCreate` makes one with a new secret."
)

DECISIONS: Final[Mapping[str, Reversible | Derived | Irreversible]] = MappingProxyType(
    {
        "TaskCreated": Reversible(_TASKS, task.delete_created),
        "TaskUpdated": Reversible(_TASKS, task.update_back),
        "TaskMoved": Reversible(_TASKS, task.move_back),
        "TaskMovedAway": _DERIVED,
        "TaskDeleted": Reversible(_TASKS, task.restore),
        "TaskRestored": Reversible(_TASKS, task.delete_restored),
        "TaskFilesChanged": Reversible(_TASKS, attachment.remove_attached),
        "TaskLinked": Reversible(_TASKS, task_link.unlink),
        "TaskUnlinked": Reversible(_TASKS, task_link.link_again),
        "TaskDerivedChanged": _DERIVED,
        "TaskRankCompacted": _DERIVED,
        "DocumentCreated": Reversible(_DOCUMENTS, document.delete_created),
        "DocumentUpdated": Reversible(_DOCUMENTS, document.update_back),
        "DocumentMoved": Reversible(_DOCUMENTS, document.move_back),
        "DocumentMovedAway": _DERIVED,
        "DocumentDeleted": Reversible(_DOCUMENTS, document.restore),
        "DocumentRestored": Reversible(_DOCUMENTS, document.delete_restored),
        "DocumentFilesChanged": Reversible(_DOCUMENTS, attachment.remove_attached),
        "DocumentRankCompacted": _DERIVED,
        "DocumentVersionSaved": Irreversible("Contents have versions: `documentRestoreVersion` brings an earlier one back."),
        "CommentCreated": Reversible(_TASKS, comment.delete_created),
        "CommentUpdated": Reversible(_TASKS, comment.update_back),
        "CommentReacted": Reversible(_TASKS, comment.react_back),
        "CommentDeleted": Reversible(_TASKS, comment.restore),
        "CommentRestored": Reversible(_TASKS, comment.delete_restored),
        "CommentFilesChanged": Reversible(_TASKS, attachment.remove_attached),
        "LabelCreated": Reversible(_TEAMS, label.delete_created),
        "LabelUpdated": Reversible(_TEAMS, label.update_back),
        "LabelDeleted": Reversible(_TEAMS, label.restore),
        "LabelRestored": Reversible(_TEAMS, label.delete_restored),
        "ProjectCreated": Reversible(_PROJECTS, project.delete_created),
        "ProjectImported": Reversible(_PROJECTS, project.delete_created),
        "ProjectUpdated": Reversible(_PROJECTS, project.update_back),
        "ProjectDeleted": Reversible(_PROJECTS, project.restore),
        "ProjectRestored": Reversible(_PROJECTS, project.delete_restored),
        "ProjectMembersChanged": Reversible(_PROJECTS, project.set_members_back),
        "ProjectJoined": _DERIVED,
        "ProjectAccessLost": _DERIVED,
        "TeamCreated": Irreversible("A team is deleted by `teamDelete`, for good."),
        "TeamUpdated": Reversible(_TEAMS, team.update_back),
        "TeamDeleted": Irreversible("A team that was deleted is gone for good."),
        "TeamJoined": _DERIVED,
        "TeamAccessLost": _DERIVED,
        "MembershipChanged": Reversible(_TEAMS, team.membership_back),
        "InvitationChanged": Reversible(_TEAMS, team.revoke_invitation),
        "UserUpdated": Reversible(Scope.PROFILE_WRITE, person.profile_back),
        "UserProfileChanged": _DERIVED,
        "UserRegistered": Irreversible("An account is closed by `userDelete`."),
        "UserDeleted": Irreversible("An account that was closed is gone for good."),
        "NotificationUpdated": Reversible(Scope.NOTIFICATIONS_WRITE, person.mark_back),
        "NotificationCreated": _TOLD,
        "NotificationSettingsChanged": Irreversible("`notificationPreferencesUpdate` chooses other settings."),
        "TemplateCreated": Irreversible("`templateDelete` deletes a template."),
        "TemplateDeleted": Irreversible("A template that was deleted is gone: make it anew."),
        "JobCreated": Irreversible("A job is ended by `jobCancel`; the projects of an import are undone by their own changes."),
        "JobUpdated": _TOLD,
        "WebhookCreated": _WEBHOOK,
        "WebhookUpdated": _WEBHOOK,
        "WebhookDeleted": _WEBHOOK,
        "WebhookSecretRotated": _CREDENTIAL,
        "ApiTokenCreated": _CREDENTIAL,
        "ApiTokenRevoked": _CREDENTIAL,
        "OAuthClientCreated": _CREDENTIAL,
        "OAuthClientSecretRotated": _CREDENTIAL,
        "OAuthClientDeleted": _CREDENTIAL,
        "ExternalIdentityLinked": _CREDENTIAL,
        "ExternalIdentityRemoved": _CREDENTIAL,
        "FactorConfirmed": _CREDENTIAL,
        "FactorRemoved": _CREDENTIAL,
        "CalendarFeedRotated": _CREDENTIAL,
        "PushDeviceRegistered": _CREDENTIAL,
        "PushDeviceRemoved": _CREDENTIAL,
        "ShareLinkCreated": _CREDENTIAL,
        "ShareLinkRevoked": _CREDENTIAL,
        "SessionStarted": _CREDENTIAL,
        "SessionEnded": _CREDENTIAL,
        "PasswordChanged": _CREDENTIAL,
        "SignInRefused": _TOLD,
        "OperationRefused": _TOLD,
    }
)
"""By the event's type."""
