"""Words of one team, and of a private project, stand in no answer to anybody else: whatever is asked, and however deep.

Every root field is asked for everything that it leads to, three levels deep, and searches for the words themselves. Who may read
which word is stated here, apart from the rules of the graph.
"""

from typing import Final

import pytest

from tests.support.app import App
from tests.support.principals import OTHER_WORD as OTHER
from tests.support.principals import PRIVATE_WORD as PRIVATE
from tests.support.principals import TEAM_WORD as TEAM
from tests.support.principals import World
from tests.support.selections import everything_of
from tests.support.snapshots import SNAPSHOT_QUERY, download_as
from tests.support.tenant_filters import FILTERED_LISTS
from tests.support.tenants import QUERIES

_READABLE: Final = {
    "anonymous": set(),
    "no team": set(),
    "other team": {OTHER},
    "former member": set(),
    "guest elsewhere": set(),
    "guest": {TEAM},
    "member": {TEAM},
    "admin": {TEAM},
    "owner": {TEAM, PRIVATE},
    "app": {TEAM},
    "app, one scope": set(),
    "app elsewhere": {OTHER},
    "document link": set(),  # these ask for more than links show: see test_share_links
    "board link": set(),
    "expired": set(),
    "suspended": set(),
    "deleted": set(),
}
"""Which words each principal may read."""

_READABLE_BY_ID: Final = {"document link": {TEAM}, "board link": {TEAM}}
"""Which words share links may read besides, where a question asks for no more than they show."""

_CONNECTIONS: Final = {
    "tasks": "TaskConnection",
    "projects": "ProjectConnection",
    "documents": "DocumentConnection",
    "teams": "TeamConnection",
    "users": "UserConnection",
    "notifications": "NotificationConnection",
    "viewer": "User",
    "changes": "ChangeConnection",
}


def _questions() -> list[tuple[str, dict[str, str]]]:
    """Everything, from every root that needs no id; and searches."""
    deep: list[tuple[str, dict[str, str]]] = [
        (f"{{ {field} {{ {everything_of(type_name, 3)} }} }}", {}) for field, type_name in _CONNECTIONS.items()
    ]
    searches = [
        (
            "query ($query: String!) { search(query: $query, first: 50, facets: [TYPE, PROJECT, ASSIGNEE, LABEL, AUTHOR]) { "
            + everything_of("SearchConnection", 2)
            + " } }",
            {"query": text},
        )
        for text in (TEAM, PRIVATE, OTHER, "okapj", "quok", "first", "page", "label")
    ]
    return [*deep, *searches]


@pytest.mark.parametrize("name", sorted(_READABLE))
async def test_no_answer_holds_a_word_that_is_not_for_its_reader(world: World, name: str) -> None:
    read: set[str] = set()
    for text, variables in _questions():
        asked = variables.get("query", "")
        answer = str(await world.caller.ask(world.principals[name], text, **variables))
        found = {word for word in (TEAM, PRIVATE, OTHER) if word in answer}
        assert found <= _READABLE[name], (text[:80], asked)
        read |= found
    assert read == _READABLE[name]


@pytest.mark.parametrize("name", sorted(_READABLE))
async def test_no_snapshot_holds_a_word_that_is_not_for_its_reader(app: App, world: World, name: str) -> None:
    principal = world.principals[name]
    answer = await world.caller.ask(principal, SNAPSHOT_QUERY, types=["USER", "TEAM", "PROJECT", "TASK", "DOCUMENT", "COMMENT"])
    if "errors" in answer:
        assert _READABLE[name] == set()
        return
    text = (await download_as(app, principal.authorization, answer["data"]["snapshot"]["url"])).text
    assert {word for word in (TEAM, PRIVATE, OTHER) if word in text} == _READABLE[name]


@pytest.mark.parametrize("name", sorted(_READABLE))
async def test_ids_that_are_not_yours_lead_to_no_words(world: World, name: str) -> None:
    for title, question in {**QUERIES, **FILTERED_LISTS}.items():
        for kind in question.id_types:
            for objects in (world.own.objects, world.own.private_objects, world.other.objects):
                answer = str(await world.caller.ask(world.principals[name], question.text, of=objects[kind]))
                found = {word for word in (TEAM, PRIVATE, OTHER) if word in answer}
                assert found <= _READABLE[name] | _READABLE_BY_ID.get(name, set()), (title, kind)
