"""Explains what somebody may do to one object: the rules of `domain.permissions`, one after the other, each with its outcome.

Nothing is decided here a second time: a test compares what is explained with `granted_actions`, for every combination.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.actor import Scope
from domain.permissions import (
    ALLOWED_WHEN_ARCHIVED,
    GRANTED_BY_ROLE,
    GRANTED_TO_OWN,
    SCOPES,
    Action,
    Actions,
    ResourceKind,
    Role,
)

Reference = tuple[str, UUID]
"""An object by its type and id."""

_OWN_RULES: Final = {
    ResourceKind.USER: ("own.account", "It is their own account"),
    ResourceKind.PROJECT: ("own.lead", "They lead or created the project"),
    ResourceKind.COMMENT: ("own.author", "They wrote the comment"),
    ResourceKind.ATTACHMENT: ("own.uploader", "They uploaded the file"),
    ResourceKind.TEMPLATE: ("own.creator", "They made the template"),
    ResourceKind.SHARE_LINK: ("own.creator", "They made the link"),
}
_MORE_SCOPES: Final = {(ResourceKind.DOCUMENT, Action.COMMENT): Scope.TASKS_WRITE}
"""What a mutation requires beside the scope of its object's kind: comments are written with that of tasks."""
_NO_ACTIONS: Final[Actions] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessStep:
    """One rule: its name, what it says in words, whether it lets the action pass, and the object on account of which."""

    rule: str
    message: str
    outcome: bool
    via_reference: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessExplanation:
    """Whether an action is allowed, and the rules that were consulted, in order."""

    allowed: bool
    steps: Sequence[AccessStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    What somebody is to an object of a kind.

    `role`: in its team; None for nobody of the team. `sees`: whether they may see the object. `is_own`: whether they are its
    author, lead or uploader, or it themselves. `is_active`: whether their account can be used. `scopes`: those of the token; None
    where no token is looked at; `more_scopes` are needed for writing beside those of the kind.
    """

    kind: ResourceKind
    role: Role | None
    sees: bool
    is_own: bool
    is_archived: bool
    is_active: bool = True
    team: Reference | None = None
    project: Reference | None = None
    scopes: frozenset[Scope] | None = None
    more_scopes: Sequence[Scope] = ()


def explain(standing: Standing, action: Action) -> AccessExplanation:
    """Why somebody with this standing may do this, or not."""
    active = "Their account is active." if standing.is_active else "Their account is closed or suspended."
    steps = [AccessStep(rule="account.active", message=active, outcome=standing.is_active), *_membership(standing)]
    granting = [*_grants(standing, action)]
    is_granted = action is Action.READ or any(each.outcome for each in granting)
    steps += granting
    is_open = True
    if standing.project is not None and action is not Action.READ:
        is_open = not standing.is_archived or action in ALLOWED_WHEN_ARCHIVED.get(standing.kind, frozenset({action}))
        steps.append(_project_state(standing, action, is_open))
    lent = [*_scopes(standing, action)]
    steps += lent
    allowed = standing.is_active and standing.sees and is_granted and is_open and all(each.outcome for each in lent)
    return AccessExplanation(allowed=allowed, steps=steps)


def _membership(standing: Standing) -> Sequence[AccessStep]:
    steps: list[AccessStep] = []
    if standing.team is not None:
        words = (
            "They belong to no team with it." if standing.role is None else f"They belong to its team as {standing.role.value}."
        )
        steps.append(
            AccessStep(rule="team.member", message=words, outcome=standing.role is not None, via_reference=standing.team)
        )
    via = standing.project or standing.team
    words = "They can see it." if standing.sees else "They cannot see it."
    if standing.project is not None:
        seen = "They see its project: it is open to the team, or they are a member of it."
        words = seen if standing.sees else "They do not see its project, which is private, or they are a guest who was not added."
    steps.append(AccessStep(rule="object.visible", message=words, outcome=standing.sees, via_reference=via))
    return steps


def _grants(standing: Standing, action: Action) -> Sequence[AccessStep]:
    """What grants the action, each by itself; reading needs no more than seeing."""
    if action is Action.READ:
        return ()
    kind, role = standing.kind, standing.role
    steps = []
    if kind in GRANTED_BY_ROLE and role is not None:
        grants = action in GRANTED_BY_ROLE[kind][role]
        words = f"The role {role.value} {'grants' if grants else 'does not grant'} {action.value} on a {kind.value}."
        steps.append(AccessStep(rule=f"role.{role.value}", message=words, outcome=grants, via_reference=standing.team))
    if kind in _OWN_RULES and action in GRANTED_TO_OWN.get(kind, _NO_ACTIONS):
        rule, words = _OWN_RULES[kind]
        counts = standing.is_own and (role is not None or standing.team is None)
        said = (
            f"{words}, which grants {action.value}."
            if counts
            else f"Not so: {words[0].lower()}{words[1:]}, which would grant it."
        )
        steps.append(AccessStep(rule=rule, message=said, outcome=counts, via_reference=None))
    if not steps:
        words = f"Nothing grants {action.value} on a {kind.value} to them."
        steps.append(AccessStep(rule="policy.none", message=words, outcome=False, via_reference=standing.team))
    return steps


def _project_state(standing: Standing, action: Action, is_open: bool) -> AccessStep:
    if not standing.is_archived:
        words = "The project is not archived."
    else:
        words = f"The project is archived, which {'leaves' if is_open else 'takes away'} {action.value}."
    return AccessStep(rule="project.state", message=words, outcome=is_open, via_reference=standing.project)


def _scopes(standing: Standing, action: Action) -> Sequence[AccessStep]:
    if standing.scopes is None:
        return ()
    reads, writes = SCOPES[standing.kind]
    more = [] if (found := _MORE_SCOPES.get((standing.kind, action))) is None else [found]
    needed = [reads] if action is Action.READ else [writes, *more, *standing.more_scopes]
    return [
        AccessStep(
            rule=f"scope.{scope.value}",
            message=f"The token {'has' if scope in standing.scopes else 'lacks'} the scope {scope.value}.",
            outcome=scope in standing.scopes,
        )
        for scope in needed
    ]
