"""Share links show their subject and nothing beyond it: every object, every root, everything that they may select."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
from graphql import GraphQLNamedType, get_named_type, is_abstract_type, is_leaf_type

from resolvers import ids
from schema.root import schema
from schema.shared_fields import SHARED_FIELDS
from tests.isolation.test_nodes import outcome
from tests.support.app import App
from tests.support.graph_actions import mutate_ok
from tests.support.principals import OTHER_WORD, PRIVATE_WORD, TEAM_WORD, Principal, World, create_link_token
from tests.support.share_links import create_share_link, token_of
from tests.support.teams import uuid_of

_DEPTH: Final = 6
_ROOTS: Final = {"Document": ("node", "document"), "Project": ("node", "project", "task")}
_KINDS: Final = {"document link": "Document", "board link": "Project"}


def everything_shared(kind: str, type_: GraphQLNamedType, depth: int = _DEPTH) -> str:
    """A selection of all that links of a kind may select of a type, so many levels deep."""
    allowed = SHARED_FIELDS[kind]
    if is_abstract_type(type_):
        parts = [
            f"... on {each.name} {{ {everything_shared(kind, each, depth)} }}"
            for each in schema._schema.get_possible_types(type_)
            if any(name.startswith(f"{each.name}.") for name in allowed)
        ]
        return " ".join(["__typename", *parts])
    selected = ["__typename"]
    for name, field in type_.fields.items():  # type: ignore[attr-defined]
        if f"{type_.name}.{name}" not in allowed:
            continue
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            selected.append(f"{type_.name}_{name}: {name}")  # two types may have fields of a name
        elif depth > 1 and not name.startswith("edges"):
            selected.append(f"{type_.name}_{name}: {name} {{ {everything_shared(kind, inner, depth - 1)} }}")
    return " ".join(selected)


@pytest.mark.parametrize("name", sorted(_KINDS))
async def test_all_that_a_link_may_select_holds_words_of_its_subject_only(world: World, name: str) -> None:
    kind = _KINDS[name]
    text = f"{{ shareLink {{ {everything_shared(kind, schema._schema.type_map['ShareLink'])} }} }}"
    answer = await world.caller.ask(world.principals[name], text)
    assert "errors" not in answer
    subject = answer["data"]["shareLink"]["ShareLink_subject"]
    assert subject[f"{kind}_id"] == world.own.objects[kind]
    shown = str(answer)
    assert [word in shown for word in (TEAM_WORD, PRIVATE_WORD, OTHER_WORD)] == [True, False, False]
    assert "@" not in shown
    assert ids.encode("Team", world.own.team.team.id) not in shown
    hidden = ["Comment", "Activity", "Invitation", "TaskLink", "Notification", "Team", "ShareLink", "DocumentVersion"]
    assert not [each for each in hidden if world.own.objects[each] in shown]


@pytest.mark.parametrize("name", sorted(_KINDS))
async def test_of_all_objects_a_link_finds_its_subject_and_the_tasks_of_its_board(world: World, name: str) -> None:
    kind, principal = _KINDS[name], world.principals[name]
    own = world.own.objects
    found: dict[str, set[str]] = {root: set() for root in _ROOTS[kind]}
    for objects in (own, world.own.private_objects, world.other.objects):
        for id_ in set(objects.values()):
            if ids.parse(id_) is None:
                continue
            for root in found:
                answer = await world.caller.ask(principal, f"query ($id: ID!) {{ {root}(id: $id) {{ id }} }}", id=id_)
                if (answer.get("data") or {}).get(root) is not None:
                    found[root].add(id_)
    tasks = {own[each] for each in ("Task", "second", "third", "part")}
    expected = {"node": {own[kind]}, "document": {own["Document"]}, "project": {own["Project"]}, "task": tasks}
    if kind == "Project":
        expected["node"] |= tasks
    assert found == {root: expected[root] for root in found}


@pytest.mark.parametrize("kind", ["Document", "Project"])
async def test_a_link_of_another_team_or_to_a_private_project_opens_only_that(app: App, world: World, kind: str) -> None:
    cases: Mapping[str, tuple[Any, Mapping[str, str]]] = {
        PRIVATE_WORD: (world.own.team.owner, world.own.private_objects),
        OTHER_WORD: (world.other.team.owner, world.other.objects),
    }
    text = f"{{ shareLink {{ {everything_shared(kind, schema._schema.type_map['ShareLink'])} }} }}"
    for word, (person, objects) in cases.items():
        principal = Principal("link", await create_link_token(app, person, objects[kind]))
        shown = str(await world.caller.ask(principal, text))
        assert [each in shown for each in (TEAM_WORD, PRIVATE_WORD, OTHER_WORD)] == [
            False,
            word == PRIVATE_WORD,
            word == OTHER_WORD,
        ]


async def test_a_link_that_has_ended_opens_nothing(app: App, world: World) -> None:
    owner, subject = world.own.team.owner, world.own.objects["Project"]
    revoked, expired = [await create_share_link(app, owner, subject) for _ in range(2)]
    await mutate_ok(app, owner, "shareLinkRevoke", id=revoked["id"])
    await app.sql.execute("UPDATE share_links SET expires_at = now() WHERE id = $1", uuid_of(expired["id"]))
    for link in (revoked, expired):
        answer = await world.caller.ask(Principal("ended", f"Bearer {token_of(link)}"), "{ shareLink { id } }")
        assert outcome(answer, "shareLink") == "sign in"
