"""Says which scopes a token needs to read entries of the log, beside TASKS_READ, which the log itself requires."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.actor import Actor, Scope

SCOPES_BEYOND_LOG: Final[Mapping[str, Scope]] = MappingProxyType(
    {
        "ApiToken": Scope.PROFILE_READ,
        "Document": Scope.DOCUMENTS_READ,
        "DocumentVersion": Scope.DOCUMENTS_READ,
        "Job": Scope.TASKS_READ,
        "Notification": Scope.NOTIFICATIONS_READ,
        "OAuthClient": Scope.ADMIN,
        "PushDevice": Scope.NOTIFICATIONS_READ,
        "Session": Scope.PROFILE_READ,
        "ShareLink": Scope.PROJECTS_WRITE,
        "Template": Scope.TASKS_READ,
        "Webhook": Scope.WEBHOOKS_MANAGE,
    }
)


def scope_allows(actor: Actor, about_type: str) -> bool:
    """Whether the scopes of a token allow reading entries about objects of this type."""
    scope = SCOPES_BEYOND_LOG.get(about_type)
    return scope is None or scope in actor.scopes
