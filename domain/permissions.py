"""What one may do: the actions that a role grants on a kind of object, less what the token was not lent.

Rights are sets. `GRANTED_BY_ROLE` is the whole policy for team roles; ownership adds to it (`granted(own=True)`), an archived
project takes away. Writes are decided here (through `access`), reads are narrowed in SQL by the same rules (`persistence.access`).
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.actor import Actor, Scope
from domain.errors import Forbidden, NotFound, Path


class Role(StrEnum):
    """What somebody is in a team. A guest sees only the projects that he was added to."""

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


class Kind(StrEnum):
    """The kinds of objects that rights are granted on."""

    USER = "USER"
    TEAM = "TEAM"
    LABEL = "LABEL"
    PROJECT = "PROJECT"
    TASK = "TASK"
    DOCUMENT = "DOCUMENT"
    COMMENT = "COMMENT"
    ATTACHMENT = "ATTACHMENT"


Actions = frozenset[Action]

READ_ONLY: Actions = frozenset({Action.READ})
_A = Action
_READER = frozenset({_A.READ})
_DISCUSSES = frozenset({_A.READ, _A.COMMENT})
_WORKS = frozenset({_A.READ, _A.COMMENT, _A.CREATE, _A.UPDATE, _A.ASSIGN, _A.MOVE, _A.DELETE})
_WRITES = _WORKS - {_A.ASSIGN}
_LEADS = frozenset({_A.READ, _A.COMMENT, _A.CREATE, _A.UPDATE, _A.SHARE})

GRANTED_BY_ROLE: dict[Kind, dict[Role, Actions]] = {
    Kind.TEAM: {
        Role.GUEST: _READER,
        Role.MEMBER: frozenset({_A.READ, _A.CREATE}),
        Role.ADMIN: frozenset({_A.READ, _A.CREATE, _A.UPDATE, _A.SHARE, _A.MANAGE}),
        Role.OWNER: frozenset({_A.READ, _A.CREATE, _A.UPDATE, _A.SHARE, _A.MANAGE, _A.DELETE}),
    },
    Kind.LABEL: {
        Role.GUEST: _READER,
        Role.MEMBER: frozenset({_A.READ, _A.UPDATE}),
        Role.ADMIN: frozenset({_A.READ, _A.UPDATE, _A.DELETE}),
        Role.OWNER: frozenset({_A.READ, _A.UPDATE, _A.DELETE}),
    },
    Kind.PROJECT: {
        Role.GUEST: _DISCUSSES,
        Role.MEMBER: _LEADS,
        Role.ADMIN: _LEADS | {_A.DELETE, _A.MANAGE},
        Role.OWNER: _LEADS | {_A.DELETE, _A.MANAGE},
    },
    Kind.TASK: {
        Role.GUEST: _DISCUSSES,
        Role.MEMBER: _WORKS,
        Role.ADMIN: _WORKS,
        Role.OWNER: _WORKS,
    },
    Kind.DOCUMENT: {
        Role.GUEST: _DISCUSSES,
        Role.MEMBER: _WRITES,
        Role.ADMIN: _WRITES,
        Role.OWNER: _WRITES,
    },
    Kind.COMMENT: {
        Role.GUEST: _DISCUSSES,
        Role.MEMBER: _DISCUSSES,
        Role.ADMIN: _DISCUSSES | {_A.DELETE},
        Role.OWNER: _DISCUSSES | {_A.DELETE},
    },
    Kind.ATTACHMENT: {
        Role.GUEST: _READER,
        Role.MEMBER: _READER,
        Role.ADMIN: _READER | {_A.DELETE},
        Role.OWNER: _READER | {_A.DELETE},
    },
}

# What being its author, lead or subject adds.
GRANTED_TO_OWN: dict[Kind, Actions] = {
    Kind.USER: frozenset({_A.READ, _A.UPDATE, _A.DELETE}),
    Kind.PROJECT: frozenset({_A.DELETE, _A.MANAGE}),
    Kind.COMMENT: frozenset({_A.UPDATE, _A.DELETE}),
    Kind.ATTACHMENT: frozenset({_A.DELETE}),
}

# What is left in a project that is archived: reading, and changing the project's own status back.
LEFT_WHEN_ARCHIVED: dict[Kind, Actions] = {
    Kind.PROJECT: frozenset({_A.READ, _A.UPDATE, _A.DELETE, _A.MANAGE}),
    Kind.TASK: READ_ONLY,
    Kind.DOCUMENT: READ_ONLY,
    Kind.COMMENT: READ_ONLY,
    Kind.ATTACHMENT: READ_ONLY,
}

SCOPES: dict[Kind, tuple[Scope, Scope]] = {
    Kind.USER: (Scope.PROFILE_READ, Scope.PROFILE_WRITE),
    Kind.TEAM: (Scope.TEAMS_READ, Scope.TEAMS_WRITE),
    Kind.LABEL: (Scope.TEAMS_READ, Scope.TEAMS_WRITE),
    Kind.PROJECT: (Scope.PROJECTS_READ, Scope.PROJECTS_WRITE),
    Kind.TASK: (Scope.TASKS_READ, Scope.TASKS_WRITE),
    Kind.DOCUMENT: (Scope.DOCUMENTS_READ, Scope.DOCUMENTS_WRITE),
    Kind.COMMENT: (Scope.TASKS_READ, Scope.TASKS_WRITE),
    Kind.ATTACHMENT: (Scope.TASKS_READ, Scope.TASKS_WRITE),
}


@dataclass(frozen=True, slots=True)
class Access:
    """Proof that rights were looked up: what may be done to one object."""

    actions: Actions

    def require(self, action: Action, message: str = "Your role does not allow this.", *, path: Path | None = None) -> None:
        """Refuse with `Forbidden` unless the action was granted."""
        if action not in self.actions:
            raise Forbidden(action, message, path=path)


def granted(actor: Actor, role: Role | None, kind: Kind, *, own: bool = False, archived: bool = False) -> Actions:
    """What an actor may do to an object of a kind in a team where he has a role (None: no role; only `own` counts)."""
    actions = GRANTED_BY_ROLE[kind][role] if role is not None and kind in GRANTED_BY_ROLE else frozenset[Action]()
    if own and (role is not None or kind is Kind.USER):
        actions |= GRANTED_TO_OWN.get(kind, frozenset())
    if archived:
        actions &= LEFT_WHEN_ARCHIVED.get(kind, actions)
    reads, writes = SCOPES[kind]
    if writes not in actor.scopes:
        actions &= READ_ONLY
    if reads not in actor.scopes:
        actions -= READ_ONLY
    return actions


def access(
    actor: Actor, role: Role | None, kind: Kind, *, own: bool = False, archived: bool = False, path: Path | None = None
) -> Access:
    """An outsider learns nothing (`NotFound`); a member may ask the result what he can do."""
    if role is None:
        raise NotFound(path)
    return Access(granted(actor, role, kind, own=own, archived=archived))
