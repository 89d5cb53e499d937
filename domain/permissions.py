"""What one may do: the actions that a role grants on a kind of object, less what the token does not allow.

Rights are sets. `GRANTED_BY_ROLE` is the whole policy for team roles; ownership adds to it (`granted(own=True)`), an archived
project takes away. Writes are decided here (through `access`), reads are narrowed in SQL by the same rules
(`persistence.access`).
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.actor import Actor, Scope
from domain.errors import Forbidden, NotFound, Path


class Role(StrEnum):
    """What somebody is in a team. A guest sees only the projects that they were added to."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    GUEST = "GUEST"


class Action(StrEnum):
    """What can be done to an object, in the order clients are shown."""

    READ = "READ"
    COMMENT = "COMMENT"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    ASSIGN = "ASSIGN"
    MOVE = "MOVE"
    DELETE = "DELETE"
    SHARE = "SHARE"
    MANAGE = "MANAGE"


class ResourceKind(StrEnum):
    """The kinds of objects that rights are granted on."""

    USER = "USER"
    TEAM = "TEAM"
    LABEL = "LABEL"
    PROJECT = "PROJECT"
    TASK = "TASK"
    DOCUMENT = "DOCUMENT"
    COMMENT = "COMMENT"
    ATTACHMENT = "ATTACHMENT"
    OAUTH_CLIENT = "OAUTHCLIENT"
    WEBHOOK = "WEBHOOK"
    SHARE_LINK = "SHARELINK"
    TEMPLATE = "TEMPLATE"


Actions = frozenset[Action]

READ_ONLY: Actions = frozenset({Action.READ})
_A = Action
_READER = frozenset({_A.READ})
_COMMENTER = frozenset({_A.READ, _A.COMMENT})
_TASK_EDITOR = frozenset({_A.READ, _A.COMMENT, _A.CREATE, _A.UPDATE, _A.ASSIGN, _A.MOVE, _A.DELETE})
_DOCUMENT_EDITOR = _TASK_EDITOR - {_A.ASSIGN}
_MANAGER = frozenset({_A.READ, _A.UPDATE, _A.DELETE, _A.MANAGE})
_PROJECT_EDITOR = frozenset({_A.READ, _A.COMMENT, _A.CREATE, _A.UPDATE, _A.SHARE})

GRANTED_BY_ROLE: dict[ResourceKind, dict[Role, Actions]] = {
    ResourceKind.TEAM: {
        Role.GUEST: _READER,
        Role.MEMBER: frozenset({_A.READ, _A.CREATE}),
        Role.ADMIN: frozenset({_A.READ, _A.CREATE, _A.UPDATE, _A.SHARE, _A.MANAGE}),
        Role.OWNER: frozenset({_A.READ, _A.CREATE, _A.UPDATE, _A.SHARE, _A.MANAGE, _A.DELETE}),
    },
    ResourceKind.LABEL: {
        Role.GUEST: _READER,
        Role.MEMBER: frozenset({_A.READ, _A.UPDATE}),
        Role.ADMIN: frozenset({_A.READ, _A.UPDATE, _A.DELETE}),
        Role.OWNER: frozenset({_A.READ, _A.UPDATE, _A.DELETE}),
    },
    ResourceKind.PROJECT: {
        Role.GUEST: _COMMENTER,
        Role.MEMBER: _PROJECT_EDITOR,
        Role.ADMIN: _PROJECT_EDITOR | {_A.DELETE, _A.MANAGE},
        Role.OWNER: _PROJECT_EDITOR | {_A.DELETE, _A.MANAGE},
    },
    ResourceKind.TASK: {
        Role.GUEST: _COMMENTER,
        Role.MEMBER: _TASK_EDITOR,
        Role.ADMIN: _TASK_EDITOR,
        Role.OWNER: _TASK_EDITOR,
    },
    ResourceKind.DOCUMENT: {
        Role.GUEST: _COMMENTER,
        Role.MEMBER: _DOCUMENT_EDITOR,
        Role.ADMIN: _DOCUMENT_EDITOR,
        Role.OWNER: _DOCUMENT_EDITOR,
    },
    ResourceKind.COMMENT: {
        Role.GUEST: _COMMENTER,
        Role.MEMBER: _COMMENTER,
        Role.ADMIN: _COMMENTER | {_A.DELETE},
        Role.OWNER: _COMMENTER | {_A.DELETE},
    },
    ResourceKind.ATTACHMENT: {
        Role.GUEST: _READER,
        Role.MEMBER: _READER,
        Role.ADMIN: _READER | {_A.DELETE},
        Role.OWNER: _READER | {_A.DELETE},
    },
    ResourceKind.OAUTH_CLIENT: {
        Role.GUEST: frozenset(),
        Role.MEMBER: frozenset(),
        Role.ADMIN: _MANAGER,
        Role.OWNER: _MANAGER,
    },
    ResourceKind.WEBHOOK: {
        Role.GUEST: frozenset(),
        Role.MEMBER: frozenset(),
        Role.ADMIN: _MANAGER,
        Role.OWNER: _MANAGER,
    },
    ResourceKind.SHARE_LINK: {
        Role.GUEST: frozenset(),
        Role.MEMBER: _READER,
        Role.ADMIN: _READER | {_A.DELETE},
        Role.OWNER: _READER | {_A.DELETE},
    },
    ResourceKind.TEMPLATE: {
        Role.GUEST: frozenset(),
        Role.MEMBER: frozenset({_A.READ, _A.CREATE}),
        Role.ADMIN: frozenset({_A.READ, _A.CREATE, _A.DELETE}),
        Role.OWNER: frozenset({_A.READ, _A.CREATE, _A.DELETE}),
    },
}

# What being its author, lead or subject adds.
GRANTED_TO_OWN: dict[ResourceKind, Actions] = {
    ResourceKind.USER: frozenset({_A.READ, _A.UPDATE, _A.DELETE}),
    ResourceKind.PROJECT: frozenset({_A.DELETE, _A.MANAGE}),
    ResourceKind.COMMENT: frozenset({_A.UPDATE, _A.DELETE}),
    ResourceKind.TEMPLATE: frozenset({_A.DELETE}),
    ResourceKind.ATTACHMENT: frozenset({_A.DELETE}),
    ResourceKind.SHARE_LINK: frozenset({_A.DELETE}),
}

# What is left in a project that is archived: reading, and changing the project's own status back.
ALLOWED_WHEN_ARCHIVED: dict[ResourceKind, Actions] = {
    ResourceKind.PROJECT: frozenset({_A.READ, _A.UPDATE, _A.DELETE, _A.MANAGE}),
    ResourceKind.TASK: READ_ONLY,
    ResourceKind.DOCUMENT: READ_ONLY,
    ResourceKind.COMMENT: READ_ONLY,
    ResourceKind.ATTACHMENT: READ_ONLY,
}

SCOPES: dict[ResourceKind, tuple[Scope, Scope]] = {
    ResourceKind.USER: (Scope.PROFILE_READ, Scope.PROFILE_WRITE),
    ResourceKind.TEAM: (Scope.TEAMS_READ, Scope.TEAMS_WRITE),
    ResourceKind.LABEL: (Scope.TEAMS_READ, Scope.TEAMS_WRITE),
    ResourceKind.PROJECT: (Scope.PROJECTS_READ, Scope.PROJECTS_WRITE),
    ResourceKind.TASK: (Scope.TASKS_READ, Scope.TASKS_WRITE),
    ResourceKind.DOCUMENT: (Scope.DOCUMENTS_READ, Scope.DOCUMENTS_WRITE),
    ResourceKind.COMMENT: (Scope.TASKS_READ, Scope.TASKS_WRITE),
    ResourceKind.ATTACHMENT: (Scope.TASKS_READ, Scope.TASKS_WRITE),
    ResourceKind.OAUTH_CLIENT: (Scope.ADMIN, Scope.ADMIN),
    ResourceKind.WEBHOOK: (Scope.WEBHOOKS_MANAGE, Scope.WEBHOOKS_MANAGE),
    ResourceKind.SHARE_LINK: (Scope.PROJECTS_READ, Scope.PROJECTS_WRITE),
    ResourceKind.TEMPLATE: (Scope.TASKS_READ, Scope.TASKS_WRITE),
}


@dataclass(frozen=True, slots=True)
class Access:
    """Proof that rights were looked up: what may be done to one object."""

    actions: Actions

    def require(self, action: Action, message: str = "Your role does not allow this.", *, path: Path | None = None) -> None:
        """Refuse with `Forbidden` unless the action was granted."""
        if action not in self.actions:
            raise Forbidden(action, message, path=path)


def granted_actions(actor: Actor, role: Role | None, kind: ResourceKind, *, own: bool = False, archived: bool = False) -> Actions:
    """What an actor may do to an object of a kind in a team where they have a role (None: no role; only `own` counts)."""
    actions = GRANTED_BY_ROLE[kind][role] if role is not None and kind in GRANTED_BY_ROLE else frozenset[Action]()
    if own and (role is not None or kind is ResourceKind.USER):
        actions |= GRANTED_TO_OWN.get(kind, frozenset())
    if archived:
        actions &= ALLOWED_WHEN_ARCHIVED.get(kind, actions)
    reads, writes = SCOPES[kind]
    if writes not in actor.scopes:
        actions &= READ_ONLY
    if reads not in actor.scopes:
        actions -= READ_ONLY
    return actions


def access(
    actor: Actor, role: Role | None, kind: ResourceKind, *, own: bool = False, archived: bool = False, path: Path | None = None
) -> Access:
    """An outsider learns nothing (`NotFound`); a member may ask the result what they can do."""
    if role is None:
        raise NotFound(path)
    return Access(granted_actions(actor, role, kind, own=own, archived=archived))
