"""Defines AccessExplanation: why somebody may do something, or not."""

import resolvers.access_explanation
from schema.fields import leaf, relation, view
from schema.node import Node


@view("One rule about rights, and what came of it.")
class AccessStep:
    """View over `domain.access_explanation.AccessStep`."""

    rule: str = leaf(
        "Name of the rule, for programs: `account.active`, `team.member`, `object.visible`, `role.MEMBER` (and other roles), "
        "`own.author` (`own.lead`, `own.uploader`, `own.account`), `policy.none`, `project.state`, `scope.TASKS_WRITE` (and "
        "other scopes)."
    )
    message: str = leaf("What it says, for people.")
    outcome: bool = leaf(
        "Whether it lets the action pass. Of the rules that grant, `role.…`, `own.…` and `policy.none`, one is enough; all "
        "others must hold."
    )
    via: Node | None = relation(
        resolvers.access_explanation.reasons, "The team or project that the rule is about; null where it is about none."
    )


@view("Whether somebody may do something with an object, and why.")
class AccessExplanation:
    """View over `domain.access_explanation.AccessExplanation`."""

    allowed: bool = leaf("Whether the server allows it.")
    steps: list[AccessStep] = leaf("The rules that were consulted, in order.")
