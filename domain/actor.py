"""The actor of an operation, and which of their rights the token grants."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """Scopes that an OAuth token may have; a first-party session has all of them."""

    PROFILE_READ = "PROFILE_READ"
    PROFILE_WRITE = "PROFILE_WRITE"
    TEAMS_READ = "TEAMS_READ"
    TEAMS_WRITE = "TEAMS_WRITE"
    PROJECTS_READ = "PROJECTS_READ"
    PROJECTS_WRITE = "PROJECTS_WRITE"
    TASKS_READ = "TASKS_READ"
    TASKS_WRITE = "TASKS_WRITE"
    DOCUMENTS_READ = "DOCUMENTS_READ"
    DOCUMENTS_WRITE = "DOCUMENTS_WRITE"
    NOTIFICATIONS_READ = "NOTIFICATIONS_READ"
    NOTIFICATIONS_WRITE = "NOTIFICATIONS_WRITE"
    SEARCH = "SEARCH"
    WEBHOOKS_MANAGE = "WEBHOOKS_MANAGE"
    AUDIT_READ = "AUDIT_READ"
    ADMIN = "ADMIN"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in user, through one session, with the scopes of its token.

    `session_id` is that of what was signed in with: a session, an API token, or a client that acts for itself (`is_app`).
    """

    user_id: UUID
    session_id: UUID | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    is_app: bool = False
