"""What is explained is what is decided, for every combination of kind, role, ownership, archive, scopes and action."""

from itertools import product
from uuid import uuid4

import pytest

from domain.access_explanation import Standing, explain
from domain.actor import ALL_SCOPES, Actor, Scope
from domain.permissions import GRANTED_BY_ROLE, SCOPES, Action, ResourceKind, Role, granted_actions

_IN_PROJECTS = {ResourceKind.PROJECT, ResourceKind.TASK, ResourceKind.DOCUMENT, ResourceKind.COMMENT, ResourceKind.ATTACHMENT}


@pytest.mark.parametrize("kind", ResourceKind)
def test_it_explains_what_the_policy_grants(kind: ResourceKind) -> None:
    reads, writes = SCOPES[kind]
    for role, own, archived, scopes in product(
        (None, *Role), (False, True), (False, True), (ALL_SCOPES, frozenset({reads}), frozenset({writes}), frozenset[Scope]())
    ):
        if archived and kind not in _IN_PROJECTS:
            continue
        granted = granted_actions(Actor(user_id=uuid4(), scopes=scopes), role, kind, own=own, archived=archived)
        standing = Standing(
            kind=kind,
            role=role,
            sees=role is not None or (own and kind is ResourceKind.USER),
            is_own=own,
            is_archived=archived,
            team=("Team", uuid4()) if kind in GRANTED_BY_ROLE else None,
            project=("Project", uuid4()) if kind in _IN_PROJECTS else None,
            scopes=scopes,
        )
        for action in Action:
            found = explain(standing, action)
            if (kind, action) == (ResourceKind.DOCUMENT, Action.COMMENT) and Scope.TASKS_WRITE not in scopes:
                assert not found.allowed  # the policy of documents does not know of the mutation's own scope
            elif action is Action.READ:
                assert found.allowed == (standing.sees and reads in scopes)
            else:
                assert found.allowed == (action in granted), (role, own, archived, scopes, action)
            if not found.allowed:
                assert not all(each.outcome for each in found.steps)
            assert len({each.rule for each in found.steps}) == len(found.steps)


def test_the_rules_come_in_the_order_in_which_they_are_consulted() -> None:
    team, project = ("Team", uuid4()), ("Project", uuid4())
    standing = Standing(
        kind=ResourceKind.COMMENT,
        role=Role.GUEST,
        sees=True,
        is_own=False,
        is_archived=True,
        team=team,
        project=project,
        scopes=frozenset({Scope.TASKS_READ}),
    )
    found = explain(standing, Action.DELETE)
    assert [(each.rule, each.outcome, each.via_reference) for each in found.steps] == [
        ("account.active", True, None),
        ("team.member", True, team),
        ("object.visible", True, project),
        ("role.GUEST", False, team),
        ("own.author", False, None),
        ("project.state", False, project),
        ("scope.TASKS_WRITE", False, None),
    ]
    assert [each.message for each in found.steps][3:] == [
        "The role GUEST does not grant DELETE on a COMMENT.",
        "Not so: they wrote the comment, which would grant it.",
        "The project is archived, which takes away DELETE.",
        "The token lacks the scope TASKS_WRITE.",
    ]
