"""The public names of events, `task.created`: what audit logs call them, and what webhooks subscribe to.

A name derives from the type of the event and of its entity, so that a new event has one without a table:

    TaskCreated of a Task          → task.created
    MembershipChanged of a Team    → team.membershipChanged
    OAuthClientSecretRotated       → oauthClient.secretRotated
"""

from typing import Final

_ENTITY_NAMES: Final = {"OAuthClient": "oauthClient"}


def event_name(event_type: str, entity_type: str) -> str:
    """The name of an event, by its type and its entity's."""
    rest = event_type.removeprefix(entity_type) or event_type
    return f"{_ENTITY_NAMES.get(entity_type) or _lower_first(entity_type)}.{_lower_first(rest)}"


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
