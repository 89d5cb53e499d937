"""An id of what a principal is not shown is answered as one that was never given out, wherever the graph takes an id.

The places are found in the built schema (`tests/support/id_places.py`), the mutations' in their inputs; what a principal is shown
is what `node` says (`test_nodes`). At each place each principal names each object that they are not shown, and the answers must be
equal but for the id; nothing may have been written. `make matrix` does so for all principals, `make test` for some.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from resolvers import ids
from tests.graph.test_foreign_ids import CASES, answer_without_id, value_at, with_value_at
from tests.isolation.quick import some_in_quick
from tests.isolation.test_nodes import outcome
from tests.support.app import App
from tests.support.graph_actions import mutation_text, table_states
from tests.support.id_places import IdPlace, id_places, operation_at
from tests.support.principals import World
from tests.support.snapshots import download_as
from tests.support.tenants import MUTATIONS

PRINCIPALS: Final = (
    "anonymous", "no team", "other team", "former member", "guest elsewhere", "guest", "member", "admin", "owner", "app",
    "app, one scope", "app elsewhere", "document link", "board link", "expired", "suspended", "deleted",
)  # fmt: skip
_NARROWS_ONLY: Final = {"Subscription.changes"}
"""What is sent of the scope is decided change by change (`tests/graph/test_changes_scope.py`)."""


def answer_code(answer: Any) -> str:
    """The code of an answer's only error."""
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


def test_all_principals_are_asked_for(world: World) -> None:
    assert set(PRINCIPALS) == world.principals.keys()


async def _hidden_ids(world: World, principal: str, kind: str) -> list[str]:
    """The ids of a type's objects that a principal is not shown; the first was never given out."""
    found = [world.id_at(kind, "nowhere")]
    for placement in ("team", "private", "elsewhere"):
        id_ = world.id_at(kind, placement)
        if principal.endswith("link"):  # which are refused when they ask for more than they show
            answer = await world.caller.ask(world.principals[principal], "query ($id: ID!) { node(id: $id) { id } }", id=id_)
        else:
            answer = await world.node(principal, kind, placement)
        found += [] if outcome(answer) == "shown" else [id_]
    return found


def _kinds_at(world: World, place: IdPlace) -> Iterator[str]:
    yield from place.kinds or world.types


async def _answer(app: App, world: World, principal: str, place: IdPlace, id_: str) -> str:
    """The answer to an id at a place as text, without the id; of a snapshot, what is in it."""
    asker, text = world.principals[principal], operation_at(place)
    given = {"of": id_}
    if "$holder" in text:
        given["holder"] = world.own.objects[place.holder if place.holder in world.own.objects else "Task"]
    if place.holder == "Subscription":
        answer = await world.caller.first_event(asker, text, **given)
    else:
        answer = await world.caller.ask(asker, text, **given)
    if place.field == "snapshot" and outcome(answer, "snapshot") == "shown":
        return (await download_as(app, asker.authorization, answer["data"]["snapshot"]["url"])).text
    return answer_without_id(answer, id_)


@pytest.mark.slow
@pytest.mark.parametrize("principal", some_in_quick(PRINCIPALS, "admin", "guest"))
async def test_a_query_says_of_what_is_hidden_what_it_says_of_what_is_not_there(app: App, world: World, principal: str) -> None:
    differing = []
    for place in id_places():
        if f"{place.holder}.{place.field}" in _NARROWS_ONLY:
            continue
        for kind in _kinds_at(world, place):
            nothing, *hidden = [
                await _answer(app, world, principal, place, each) for each in await _hidden_ids(world, principal, kind)
            ]
            differing += [(place.title, kind, answer, nothing) for answer in hidden if answer != nothing]
    assert differing == []


@pytest.mark.long
@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_a_mutation_says_of_what_is_hidden_what_it_says_of_what_is_not_there_and_changes_nothing(
    app: App, world: World, principal: str
) -> None:
    differing, written = [], []
    before = await table_states(app)
    for name, path in CASES:
        given = MUTATIONS[name].input_with(world.own, path)
        (kind, _) = ids.parse(value_at(given, path)) or ("", None)
        answers: list[tuple[str, Any]] = []
        for hidden in await _hidden_ids(world, principal, kind):
            if hidden in json.dumps(with_value_at(given, path, "")):
                continue  # named twice, it is refused for that
            answer = await world.caller.ask(
                world.principals[principal], mutation_text(name), input=with_value_at(given, path, hidden)
            )
            answers.append((answer_without_id(answer, hidden), answer))
        (nothing, whole), *others = answers
        differing += [(name, path, text, nothing) for text, _ in others if text != nothing]
        after = await table_states(app)
        if after != before and not _takes_out(name, path, whole):
            written.append((name, path, whole, {table for table, state in after.items() if before[table] != state}))
        before = after
    assert differing == []
    assert written == []


def _takes_out(name: str, path: tuple[str | int, ...], answer: Any) -> bool:
    """Whether the rest of the input was carried out: taking out what is not in is no mistake."""
    payload = (answer.get("data") or {}).get(name)
    return payload is not None and payload["errors"] == [] and any(str(step).startswith("remove") for step in path)


def test_every_place_that_takes_an_id_is_found() -> None:
    found = {(place.holder, place.field) for place in id_places()}
    assert len(id_places()) >= 70
    assert {("Query", "node"), ("Project", "tasks"), ("Document", "diff"), ("Subscription", "taskChanged")} <= found
    assert json.dumps(sorted({kind for place in id_places() for kind in place.kinds})) == json.dumps(
        ["Comment", "Document", "DocumentVersion", "Job", "Label", "Project", "Task", "Team", "User", "Webhook"]
    )
