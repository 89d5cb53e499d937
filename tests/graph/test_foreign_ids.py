"""“Not there” and “not yours” are the same answer, byte for byte, wherever the graph takes an id.

The ids of every input of mutations are found in the schema (for all other places: `tests/isolation/test_ids.py`). Each in turn is exchanged for one that was never given out, for another tenant's,
and for one of a private project that the caller does not see: the answers must be equal, and nothing may have changed.
"""

import json
from copy import deepcopy
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from resolvers import ids
from schema.root import schema
from tests.graph.test_rights import first_event
from tests.support.app import App, Person
from tests.support.graph_actions import mutation_text, table_states
from tests.support.id_places import InputPath, id_paths
from tests.support.teams import uuid_of
from tests.support.tenant_filters import FILTERED_LISTS
from tests.support.tenants import MUTATIONS, QUERIES, SUBSCRIPTIONS, QueryCase, Tenant, create_tenant

# What is seen by the whole team, private projects or not, or belongs to no team.
_TEAM_WIDE_TYPES = {
    "Template",
    "AuditEntry",
    "Webhook",
    "WebhookDelivery",
    "OAuthClient",
    "ExternalIdentity",
    "Factor",
    "Label",
    "Invitation",
    "Team",
    "User",
    "Session",
}


@pytest.fixture(scope="module")
async def tenants(app: App) -> tuple[Tenant, Tenant]:
    """The caller's tenant, and another."""
    return await create_tenant(app), await create_tenant(app)


def id_paths_of(name: str) -> list[InputPath]:
    """Where a mutation takes ids."""
    mutations = schema._schema.mutation_type
    assert mutations is not None
    return list(id_paths(mutations.fields[name].args["input"].type))


def with_value_at(input_value: Any, path: InputPath, value: str) -> Any:
    """The input with another id at a place."""
    changed = deepcopy(input_value)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return changed


def value_at(input_value: Any, path: InputPath) -> str:
    """The id at a place of an input; fails where the table names none."""
    for step in path:
        input_value = input_value[step]
    assert isinstance(input_value, str)
    return input_value


def answer_without_id(answer: Any, id_: str) -> str:
    """An answer as text, without the id that the caller himself named."""
    return json.dumps(answer).replace(id_, "ID").replace(str(uuid_of(id_)), "ID")


# A client's own name for a session of editing is nobody's object. The scope of a webhook is a filter: what its bot does not see
# matches nothing, now or later.
CASES = [
    (name, place)
    for name in sorted(MUTATIONS)
    for place in id_paths_of(name)
    if not (name.startswith("document") and place == ("sessionId",))
    if not (name.startswith("webhook") and place[0] == "scope")
]


def test_every_mutation_that_takes_ids_is_tried() -> None:
    assert {name for name, _ in CASES} >= {name for name in MUTATIONS if name.startswith(("task", "comment", "label", "project"))}


@pytest.mark.parametrize(("name", "place"), CASES, ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else part)
async def test_a_mutation_answers_alike_for_what_is_not_there_and_what_is_not_yours(
    app: App, tenants: tuple[Tenant, Tenant], name: str, place: InputPath
) -> None:
    own, other = tenants
    given = MUTATIONS[name].input_with(own, place)
    (type_name, _) = ids.parse(value_at(given, place)) or ("", None)
    answers = []
    before = await table_states(app)
    # The admin may do nearly everything here, and does not see the owner's private project.
    for stranger in (ids.encode(type_name, uuid7()), other.objects[type_name], own.private_objects[type_name]):
        if stranger == own.private_objects[type_name] and type_name in _TEAM_WIDE_TYPES:
            continue
        answer = await app.execute(own.team.admin, mutation_text(name), input=with_value_at(given, place, stranger))
        assert "errors" not in answer
        answers.append(answer_without_id(answer, stranger))
        codes = {each["code"] for each in answer["data"][name]["errors"]}
        assert codes == set() if _is_removal(place) else codes in ({"NOT_FOUND"}, {"INVALID"})
        if codes:
            assert await table_states(app) == before
        else:
            before = await table_states(app)
    assert len(set(answers)) == 1, answers


@pytest.mark.parametrize(("name", "place"), CASES, ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else part)
async def test_a_mutation_takes_a_uuid_alone_for_the_global_id(
    app: App, tenants: tuple[Tenant, Tenant], name: str, place: InputPath
) -> None:
    own, _ = tenants
    given = MUTATIONS[name].input_with(own, place)
    (type_name, _) = ids.parse(value_at(given, place)) or ("", None)
    unknown = uuid7()
    answers = [
        await app.execute(own.team.admin, mutation_text(name), input=with_value_at(given, place, spelt))
        for spelt in (ids.encode(type_name, unknown), str(unknown), str(unknown).upper())
    ]
    assert len({answer_without_id(answer, ids.encode(type_name, unknown)) for answer in answers}) == 1, answers


def _is_removal(path: InputPath) -> bool:
    """Taking out what is not in is no mistake."""
    return any(str(step).startswith("remove") for step in path)


_QUERY_CASES = {**QUERIES, **FILTERED_LISTS}


async def test_a_key_answers_alike_for_what_is_not_there_and_what_is_not_yours(app: App, tenants: tuple[Tenant, Tenant]) -> None:
    own, other = tenants
    strangers = ("T-999999999", other.objects["key"], own.private_objects["key"])
    for somebody in (own.team.admin, own.team.guest):
        answers = {json.dumps(await app.execute(somebody, QUERIES["taskByKey"].text, of=stranger)) for stranger in strangers}
        assert answers == {'{"data": {"taskByKey": null}}'}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name, question in _QUERY_CASES.items()
        for kind in question.id_types
        if kind != "key" and name not in ("node", "nodes", "explainAccess")
    ],
    ids="-".join,
)
async def test_a_query_takes_a_uuid_alone_for_the_global_id(
    app: App, tenants: tuple[Tenant, Tenant], name: str, kind: str
) -> None:
    own, _ = tenants
    question = _QUERY_CASES[name]
    named = own.objects[kind]
    expected = await app.execute(own.team.admin, question.text, of=named)
    assert expected.get("errors") is None
    assert await app.execute(own.team.admin, question.text, of=str(uuid_of(named))) == expected


@pytest.mark.parametrize("id_", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
@pytest.mark.parametrize("name", ["taskCreate", "documentCreate", "labelCreate", "projectCreate", "teamCreate", "commentCreate"])
async def test_nobody_brings_an_id_that_nobody_can_have_made(
    app: App, tenants: tuple[Tenant, Tenant], name: str, id_: str
) -> None:
    own, _ = tenants
    before = await table_states(app)
    answer = await app.execute(own.team.owner, mutation_text(name), input=MUTATIONS[name].input(own) | {"id": id_})
    (error,) = answer["data"][name]["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "id"])
    assert await table_states(app) == before


async def test_a_subscription_answers_alike_for_what_is_not_there_and_what_is_not_yours(
    app: App, tenants: tuple[Tenant, Tenant]
) -> None:
    own, other = tenants
    unknown = {"Task": ids.encode("Task", uuid7())}
    question: QueryCase = SUBSCRIPTIONS["taskChanged"]
    answers = [
        json.dumps(await first_event(app, question, Tenant(own.team, objects, {}), own.team.admin))
        for objects in (unknown, other.objects, own.private_objects)
    ]
    assert len(set(answers)) == 1, answers
    assert json.loads(answers[0])["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_an_id_of_another_type_is_a_mistake_of_the_caller_wherever_it_points(
    app: App, tenants: tuple[Tenant, Tenant]
) -> None:
    own, other = tenants
    somebody: Person = own.team.member
    for text in ("query ($of: ID!) { task(id: $of) { id } }", "query ($of: ID!) { team(id: $of) { id } }"):
        answers = {json.dumps(await app.execute(somebody, text, of=each.objects["Label"])) for each in (own, other)}
        answers.add(json.dumps(await app.execute(somebody, text, of=ids.encode("Label", uuid7()))))
        assert len(answers) == 1
        assert "BAD_USER_INPUT" in answers.pop()
