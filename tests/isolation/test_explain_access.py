"""explainAccess says what the real query or mutation decides, and says it to nobody whose business it is not."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest

from domain.permissions import Action
from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import create_project, create_task, mutate_ok, mutation_text
from tests.support.principals import World
from tests.support.teams import SampleTeam

pytestmark = pytest.mark.slow

_EXPLAIN = """query ($of: ID!, $action: Action!, $who: ID) {
  explainAccess(nodeId: $of, action: $action, userId: $who) { allowed steps { rule message outcome via { id } } }
}"""
_REFUSED = {"NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPE", "UNAUTHENTICATED"}
_TOO_NEW = {"expectedVersion": 999}
Call = tuple[str, dict[str, Any]]

# By type and action: a call that the rules about rights let pass and another rule then refuses, so that nothing is written.
REAL_CALLS: Mapping[str, Mapping[Action, Callable[[str, World], Call]]] = {
    "Task": {
        Action.COMMENT: lambda of, _: ("commentCreate", {"subjectId": of, "body": " "}),
        Action.UPDATE: lambda of, _: ("taskUpdate", {"id": of, **_TOO_NEW}),
        Action.ASSIGN: lambda of, world: ("taskUpdate", {"id": of, "assigneeId": world.other.team.owner.id}),
        Action.MOVE: lambda of, _: ("taskMove", {"id": of, **_TOO_NEW}),
        Action.DELETE: lambda of, _: ("taskDelete", {"id": of, **_TOO_NEW}),
    },
    "Document": {
        Action.COMMENT: lambda of, _: ("commentCreate", {"subjectId": of, "body": " "}),
        Action.UPDATE: lambda of, _: ("documentUpdate", {"id": of, "title": "T", **_TOO_NEW}),
        Action.MOVE: lambda of, _: ("documentMove", {"id": of, "afterId": of}),
        Action.DELETE: lambda of, _: ("documentDelete", {"id": of, **_TOO_NEW}),
    },
    "Comment": {
        Action.COMMENT: lambda of, _: ("commentReact", {"id": of, "emoji": "none", "on": True}),
        Action.UPDATE: lambda of, _: ("commentUpdate", {"id": of, "body": "B", **_TOO_NEW}),
        Action.DELETE: lambda of, _: ("commentDelete", {"id": of, **_TOO_NEW}),
    },
    "Project": {
        Action.CREATE: lambda of, _: ("taskCreate", {"projectId": of, "title": " "}),
        Action.UPDATE: lambda of, _: ("projectUpdate", {"id": of, **_TOO_NEW}),
        Action.SHARE: lambda of, world: ("projectSetMembers", {"id": of, "addUserIds": [world.other.team.owner.id]}),
        Action.DELETE: lambda of, _: ("projectDelete", {"id": of, **_TOO_NEW}),
        Action.MANAGE: lambda of, world: (
            "projectUpdate",
            {
                "id": of,
                "visibility": "TEAM" if of == world.own.private_objects["Project"] else "PRIVATE",
                "startOn": "2026-02-01",
                "endOn": "2026-01-01",
            },
        ),
    },
    "Team": {
        Action.CREATE: lambda of, _: ("projectCreate", {"teamId": of, "name": " "}),
        Action.UPDATE: lambda of, _: ("teamUpdate", {"id": of, **_TOO_NEW}),
        Action.SHARE: lambda of, _: ("teamInvite", {"teamId": of, "email": "none"}),
        Action.MANAGE: lambda of, world: (
            "teamMemberSetRole",
            {"teamId": of, "userId": world.other.team.owner.id, "role": "GUEST"},
        ),
        Action.DELETE: lambda of, _: ("teamDelete", {"id": of, **_TOO_NEW}),
    },
    "Label": {
        Action.UPDATE: lambda of, _: ("labelUpdate", {"id": of, **_TOO_NEW}),
        Action.DELETE: lambda of, _: ("labelDelete", {"id": of, **_TOO_NEW}),
    },
    "Attachment": {Action.DELETE: lambda of, _: ("attachmentDelete", {"id": of, **_TOO_NEW})},
    "OAuthClient": {Action.DELETE: lambda of, _: ("oauthClientDelete", {"id": of, **_TOO_NEW})},
    "Webhook": {
        Action.UPDATE: lambda of, _: ("webhookUpdate", {"id": of, **_TOO_NEW}),
        Action.DELETE: lambda of, _: ("webhookDelete", {"id": of, **_TOO_NEW}),
    },
    "User": {},
}
_PLACEMENTS = ("team", "private", "elsewhere")


def codes_of(answer: Any, field: str) -> set[str]:
    """The codes by which rights refuse; a refused argument that comes after them is none."""
    payload = (answer.get("data") or {}).get(field)
    errors = [each["extensions"]["code"] for each in answer.get("errors", ())]
    if payload is not None:
        errors += [each["code"] for each in payload["errors"] if each["path"] != ["input", "userId"]]
    return set(errors) & _REFUSED


async def really(world: World, principal: str, kind: str, of: str, action: Action) -> bool:
    """Whether the real query or mutation lets it pass."""
    asker = world.principals[principal]
    if action is Action.READ:
        answer = await world.caller.ask(asker, "query ($of: ID!) { node(id: $of) { id } }", of=of)
        return bool((answer.get("data") or {}).get("node"))
    mutation, given = REAL_CALLS[kind][action](of, world)
    text = mutation_text(mutation, "")
    return not codes_of(await world.caller.ask(asker, text, input=given), mutation)


@pytest.mark.parametrize("kind", sorted(REAL_CALLS))
async def test_it_says_what_is_really_decided(world: World, kind: str) -> None:
    differing, outcomes = [], set()
    for placement in _PLACEMENTS:
        of = world.id_at(kind, placement)
        for principal, asker in world.principals.items():
            if principal in ("document link", "board link", "expired", "suspended", "deleted"):
                continue  # which do not show it, or open nothing
            for action in (Action.READ, *REAL_CALLS[kind]):
                answer = await world.caller.ask(asker, _EXPLAIN, of=of, action=action.value)
                found = (answer.get("data") or {}).get("explainAccess")
                decided = await really(world, principal, kind, of, action)
                outcomes.add((action, decided))
                if (found is not None and found["allowed"]) != decided:
                    differing.append((placement, principal, action.value, decided, answer))
    assert differing == []
    assert len(outcomes) == 2 * (1 + len(REAL_CALLS[kind]))


async def test_what_nothing_can_do_is_granted_to_nobody(world: World) -> None:
    for kind, calls in REAL_CALLS.items():
        for action in (Action.SHARE, Action.ASSIGN):
            if action not in calls:
                answer = await world.caller.ask(
                    world.principals["owner"], _EXPLAIN, of=world.id_at(kind, "team"), action=action.value
                )
                assert answer["data"]["explainAccess"]["allowed"] is False


@pytest.mark.parametrize("kind", sorted(REAL_CALLS))
async def test_what_is_not_yours_is_answered_as_what_is_not_there(world: World, kind: str) -> None:
    for principal in ("no team", "other team", "former member", "app elsewhere"):
        asker = world.principals[principal]
        for who in (None, world.own.team.member.id, ids.encode("User", uuid4())):
            hidden = await world.caller.ask(asker, _EXPLAIN, of=world.id_at(kind, "team"), action="UPDATE", who=who)
            nothing = await world.caller.ask(asker, _EXPLAIN, of=world.id_at(kind, "nowhere"), action="UPDATE", who=who)
            assert hidden == nothing == {"data": {"explainAccess": None}}


async def test_nobody_is_told_anything_without_signing_in(world: World) -> None:
    answer = await world.caller.ask(world.principals["anonymous"], _EXPLAIN, of=world.id_at("Task", "team"), action="READ")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def ask(app: App, person: Person, of: str, action: str, who: Person | None = None) -> Any:
    """The whole answer."""
    return await app.execute(person, _EXPLAIN, of=of, action=action, who=who and who.id)


async def test_about_others_it_tells_those_who_administer_the_team_or_project(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    hidden = await create_task(app, team, by=team.owner, projectId=secret)
    for asker in (team.owner, team.admin):
        for who in (team.member, team.guest):
            told = (await ask(app, asker, task["id"], "UPDATE", who))["data"]["explainAccess"]
            own = (await ask(app, who, task["id"], "UPDATE"))["data"]["explainAccess"]
            assert told["allowed"] is own["allowed"]
            assert told["steps"] == [each for each in own["steps"] if not each["rule"].startswith("scope.")]
    unseen = (await ask(app, team.owner, hidden["id"], "READ", team.mate))["data"]["explainAccess"]
    assert (unseen["allowed"], [each["rule"] for each in unseen["steps"] if not each["outcome"]]) == (False, ["object.visible"])
    assert unseen["steps"][-1]["via"] == {"id": secret}

    for asker, of in ((team.mate, task["id"]), (team.guest, task["id"]), (team.member, hidden["id"])):
        refused = await ask(app, asker, of, "READ", team.owner)
        assert (refused["data"], refused["errors"][0]["extensions"]["code"]) == ({"explainAccess": None}, "FORBIDDEN")
    await mutate_ok(app, team.owner, "projectUpdate", id=secret, leadId=team.member.id)
    assert (await ask(app, team.member, hidden["id"], "UPDATE", team.owner))["data"]["explainAccess"]["allowed"] is True
    assert (await ask(app, team.admin, hidden["id"], "UPDATE", team.owner))["data"]["explainAccess"] is None


async def test_of_a_stranger_nobody_learns_whether_they_are_there(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    nobody = ids.encode("User", uuid4())
    stranger = await ask(app, team.owner, task["id"], "READ", team.outsider)
    assert stranger == await app.execute(team.owner, _EXPLAIN, of=task["id"], action="READ", who=nobody)
    assert stranger == {"data": {"explainAccess": None}}


async def test_an_archived_project_is_named_as_the_reason(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, status="ARCHIVED")
    told = (await ask(app, team.member, task["id"], "UPDATE"))["data"]["explainAccess"]
    assert not told["allowed"]
    (closed,) = [each for each in told["steps"] if not each["outcome"]]
    assert closed == {
        "rule": "project.state",
        "message": "The project is archived, which takes away UPDATE.",
        "outcome": False,
        "via": {"id": team.project_id},
    }


async def test_ids_without_rights_are_refused(app: App, team: SampleTeam) -> None:
    for of, who in ((ids.encode("Session", uuid4()), None), ("nonsense", None), (team.team_id, team.team_id)):
        answer = await app.execute(team.owner, _EXPLAIN, of=of, action="READ", who=who)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
