"""Who may follow which task, and edit which document with others, wherever it lies."""

from typing import Final

import pytest
from uuid_utils.compat import uuid7

from tests.isolation.test_nodes import outcome
from tests.support.principals import World

_SUBSCRIPTIONS: Final = {
    "taskChanged": ("Task", "subscription ($id: ID!, $after: SyncCursor) { taskChanged(id: $id, after: $after) { kind } }"),
    "documentCollaboration": (
        "Document",
        'subscription ($id: ID!) { documentCollaboration(id: $id, sessionId: "s") { __typename } }',
    ),
}
_MAY_FOLLOW: Final = {
    "team": {"guest", "member", "admin", "owner", "app"},
    "private": {"owner"},
    "elsewhere": {"other team", "app elsewhere"},
    "nowhere": set[str](),
}

_ENDED: Final = {"expired": "expired", "suspended": "sign in", "deleted": "sign in"}
_LINKS: Final = {
    "taskChanged": (set[str](), dict.fromkeys(("document link", "board link"), "FORBIDDEN")),
    "documentCollaboration": ({"document link"}, {"board link": "FORBIDDEN"}),
}
"""Which share links may follow what they lead to, and how the others are refused."""


async def _cursor(world: World, name: str) -> str | None:
    """How far the principal's streams are; None without the right to ask."""
    answer = await world.caller.ask(world.principals[name], "{ changes { cursor } }")
    changes = (answer.get("data") or {}).get("changes")
    return None if changes is None else str(changes["cursor"])


async def _change_tasks(world: World) -> None:
    """There is something to be told of each task."""
    change = "mutation ($id: ID!, $text: Markdown!) { taskUpdate(input: {id: $id, description: $text}) { errors { code } } }"
    for owner, placement in (("owner", "team"), ("owner", "private"), ("other team", "elsewhere")):
        answer = await world.caller.ask(world.principals[owner], change, id=world.id_at("Task", placement), text=str(uuid7()))
        assert answer == {"data": {"taskUpdate": {"errors": []}}}


@pytest.mark.parametrize("field", sorted(_SUBSCRIPTIONS))
async def test_only_who_sees_an_object_may_follow_it(world: World, field: str) -> None:
    type_name, text = _SUBSCRIPTIONS[field]
    cursors = {name: await _cursor(world, name) for name in world.principals} if "$after" in text else {}
    await _change_tasks(world)
    for placement, people in _MAY_FOLLOW.items():
        readers = people | _LINKS[field][0] if placement == "team" else people
        refusals = set()
        for name, principal in world.principals.items():
            given = {"after": cursors[name]} if cursors else {}
            answer = await world.caller.first_event(principal, text, id=world.id_at(type_name, placement), **given)
            assert (outcome(answer, field) == "shown") is (name in readers), (placement, name, answer)
            if name not in readers:
                refusals.add((name, outcome(answer, field)))
        expected = _ENDED | {"anonymous": "sign in", "app, one scope": "no scope"} | _LINKS[field][1]
        assert refusals == {(name, expected.get(name, "NOT_FOUND")) for name in world.principals.keys() - readers}, placement
