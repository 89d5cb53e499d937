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


@dataclass(frozen=True, slots=True)
class SharedSubject:
    """The document or project that a share link opens: nothing beyond it may be seen."""

    type_name: str
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in user, through one session, with the scopes of its token.

    `session_id` is that of what was signed in with: a session, an API token, a client that acts for itself (`is_app`), or a share
    link. Whoever has a share link is nobody: they see what its creator, `user_id`, sees of the `shared` subject, and what depends
    on the person is not theirs to see (`schema.shared_fields`).
    """

    user_id: UUID
    session_id: UUID | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    is_app: bool = False
    shared: SharedSubject | None = None

    @property
    def principal_id(self) -> UUID:
        """Whose work it is that the actor asks for: the user, or the share link."""
        if self.shared is None:
            return self.user_id
        assert self.session_id is not None
        return self.session_id
