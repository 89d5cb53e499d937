"""Labels through the graph: a team's own words for its tasks."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import (
    codes_and_paths,
    create_label,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.pagination import check_pagination
from tests.support.teams import SampleTeam

SELECTION = "label { id version name color team { id } viewerCan } cursor"
LABELS_QUERY = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  team(id: $id) {
    labels(first: $first, after: $after, last: $last, before: $before) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } nodes { name }
    }
  }
}
"""


async def create_label_payload(app: App, person: Person, team: SampleTeam, **fields: Any) -> Any:
    """The payload of `labelCreate`."""
    return await mutate(
        app, person, "labelCreate", SELECTION, **({"teamId": team.team_id, "name": "Bug", "color": "#FF0000"} | fields)
    )


async def label_names(app: App, person: Person, team: SampleTeam) -> list[str]:
    """The names of a team's labels as somebody sees them."""
    nodes = (await app.run(person, LABELS_QUERY, id=team.team_id))["team"]["labels"]["nodes"]
    return [node["name"] for node in nodes]


async def test_a_member_makes_a_label(app: App, team: SampleTeam) -> None:
    payload = await create_label_payload(app, team.member, team, name=" Bug ")
    assert payload["errors"] == []
    assert payload["cursor"] is not None
    assert payload["label"] == {
        "id": payload["label"]["id"],
        "version": 1,
        "name": "Bug",
        "color": "#ff0000",
        "team": {"id": team.team_id},
        "viewerCan": ["READ", "UPDATE"],
    }
    assert await label_names(app, team.guest, team) == ["Bug"]


async def test_what_one_may_do_with_a_label_depends_on_the_role(app: App, team: SampleTeam) -> None:
    made = await create_label(app, team.member, team.team_id, "Bug")
    query = "query ($id: ID!) { node(id: $id) { ... on Label { viewerCan } } }"
    expected = {
        team.owner: ["READ", "UPDATE", "DELETE"],
        team.admin: ["READ", "UPDATE", "DELETE"],
        team.member: ["READ", "UPDATE"],
        team.guest: ["READ"],
    }
    for somebody, actions in expected.items():
        assert await app.run(somebody, query, id=made) == {"node": {"viewerCan": actions}}
    assert await app.run(team.outsider, query, id=made) == {"node": None}


async def test_a_client_may_bring_the_id(app: App, team: SampleTeam) -> None:
    own = uuid7()
    assert (await create_label_payload(app, team.member, team, id=str(own)))["label"]["id"] == ids.encode("Label", own)
    assert codes_and_paths(await create_label_payload(app, team.member, team, id=str(own), name="Other")) == [
        ("NOT_UNIQUE", ["input", "id"])
    ]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"name": ""}, ("REQUIRED", ["input", "name"])),
        ({"name": "x" * 61}, ("TOO_LONG", ["input", "name"])),
        ({"name": "a\tb"}, ("INVALID", ["input", "name"])),
        ({"color": ""}, ("INVALID", ["input", "color"])),
        ({"color": "red"}, ("INVALID", ["input", "color"])),
        ({"color": "#f00"}, ("INVALID", ["input", "color"])),
        ({"color": "#ff0000\n0"}, ("INVALID", ["input", "color"])),
    ],
)
async def test_what_cannot_be_a_label_is_refused(app: App, team: SampleTeam, given: Any, refusal: Any) -> None:
    before = await table_states(app)
    payload = await create_label_payload(app, team.member, team, **given)
    assert (codes_and_paths(payload), payload["label"]) == ([refusal], None)
    assert await table_states(app) == before


async def test_a_name_is_unique_in_its_team_whatever_its_case(app: App, team: SampleTeam) -> None:
    await create_label(app, team.member, team.team_id, "Bug")
    second = await create_label(app, team.member, team.team_id, "Chore")
    before = await table_states(app)
    assert codes_and_paths(await create_label_payload(app, team.member, team, name="bUG")) == [("NOT_UNIQUE", ["input", "name"])]
    assert codes_and_paths(await mutate(app, team.member, "labelUpdate", id=second, name="BUG")) == [
        ("NOT_UNIQUE", ["input", "name"])
    ]
    assert await table_states(app) == before
    assert (await mutate(app, team.member, "labelUpdate", SELECTION, id=second, name="CHORE"))["label"]["name"] == "CHORE"


async def test_of_labels_renamed_alike_at_once_one_is_refused(app: App, team: SampleTeam) -> None:
    made = [await create_label(app, team.member, team.team_id, name) for name in ("A", "B", "C")]
    payloads = await asyncio.gather(*(mutate(app, team.member, "labelUpdate", id=each, name="Same") for each in made))
    assert sorted(map(str, map(codes_and_paths, payloads))) == sorted(["[]"] + [str([("NOT_UNIQUE", ["input", "name"])])] * 2)
    assert (await label_names(app, team.member, team)).count("Same") == 1


async def test_what_is_given_is_changed_and_what_is_absent_stays(app: App, team: SampleTeam) -> None:
    made = await create_label(app, team.member, team.team_id, "Bug")
    payload = await mutate(app, team.mate, "labelUpdate", SELECTION, id=made, color="#00FF00", expectedVersion=1)
    assert (payload["label"]["name"], payload["label"]["color"], payload["label"]["version"]) == ("Bug", "#00ff00", 2)
    same = await mutate(app, team.mate, "labelUpdate", SELECTION, id=made, color="#00ff00")
    assert (same["label"]["version"], same["cursor"]) == (2, None)


async def test_null_and_nonsense_are_refused_in_an_edit(app: App, team: SampleTeam) -> None:
    made = await create_label(app, team.member, team.team_id, "Bug")
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.mate, "labelUpdate", id=made, name=None)) == [("REQUIRED", ["input", "name"])]
    assert codes_and_paths(await mutate(app, team.mate, "labelUpdate", id=made, color=None)) == [("INVALID", ["input", "color"])]
    (conflict,) = (await mutate(app, team.mate, "labelUpdate", id=made, name="X", expectedVersion=9))["errors"]
    assert (conflict["code"], conflict["currentVersion"], conflict["current"]) == ("CONFLICT", 1, {"id": made, "version": 1})
    assert codes_and_paths(await mutate(app, team.admin, "labelDelete", id=made, expectedVersion=9))[0][0] == "CONFLICT"
    assert await table_states(app) == before


async def test_a_deleted_label_is_gone_from_every_task_and_their_versions_stay(app: App, team: SampleTeam) -> None:
    made = await create_label(app, team.member, team.team_id, "Bug")
    kept = await create_label(app, team.member, team.team_id, "Kept")
    written = await create_task(app, team, "Labelled", labelIds=[made, kept])
    assert await mutate_ok(app, team.admin, "labelDelete", id=made, expectedVersion=1) == made
    seen = await app.run(
        team.member, "query ($id: ID!) { task(id: $id) { version labels { totalCount nodes { name } } } }", id=written["id"]
    )
    assert seen["task"] == {"version": 1, "labels": {"totalCount": 1, "nodes": [{"name": "Kept"}]}}
    assert await label_names(app, team.member, team) == ["Kept"]
    assert codes_and_paths(await mutate(app, team.admin, "labelDelete", id=made)) == [("NOT_FOUND", ["input", "id"])]
    assert await create_label(app, team.member, team.team_id, "Bug") != made


async def test_members_delete_no_label_and_guests_touch_none(app: App, team: SampleTeam) -> None:
    made = await create_label(app, team.member, team.team_id, "Bug")
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.member, "labelDelete", id=made)) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.guest, "labelDelete", id=made)) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.guest, "labelUpdate", id=made, name="Mine")) == [("FORBIDDEN", None)]
    assert codes_and_paths(await create_label_payload(app, team.guest, team)) == [("FORBIDDEN", None)]
    assert await table_states(app) == before


async def test_a_label_of_another_team_is_not_there(app: App, team: SampleTeam) -> None:
    made = await create_label(app, team.member, team.team_id, "Bug")
    before = await table_states(app)
    for somebody, label_id in ((team.outsider, made), (team.owner, ids.encode("Label", UUID(int=5)))):
        assert codes_and_paths(await mutate(app, somebody, "labelUpdate", id=label_id, name="X")) == [
            ("NOT_FOUND", ["input", "id"])
        ]
        assert codes_and_paths(await mutate(app, somebody, "labelDelete", id=label_id)) == [("NOT_FOUND", ["input", "id"])]
    assert codes_and_paths(await create_label_payload(app, team.outsider, team)) == [("NOT_FOUND", ["input", "teamId"])]
    assert await table_states(app) == before


async def test_labels_are_turned_page_by_page_in_the_order_of_their_names(app: App, team: SampleTeam) -> None:
    words = ["beta", "Alpha", "ZULU", "échec", "delta", "Charlie", "ärger", "Äpfel", "🚀 go", "Echo"]
    for word in words:
        await create_label(app, team.member, team.team_id, word)

    async def page(asked: dict[str, Any]) -> Any:
        return (await app.run(team.guest, LABELS_QUERY, id=team.team_id, **asked))["team"]["labels"]

    assert len(await check_pagination(page)) == len(words)
    assert await label_names(app, team.guest, team) == [
        "🚀 go",
        "Alpha",
        "Äpfel",
        "ärger",
        "beta",
        "Charlie",
        "delta",
        "échec",
        "Echo",
        "ZULU",
    ]


async def test_a_task_shows_its_labels_by_name(app: App, team: SampleTeam) -> None:
    made = [await create_label(app, team.member, team.team_id, name) for name in ("b", "C", "a")]
    written = await create_task(app, team, "Labelled", labelIds=made)
    assert [each["name"] for each in written["labels"]["nodes"]] == ["a", "b", "C"]
    elsewhere = await create_project(app, team, "Elsewhere")
    assert (await create_task(app, team, "Bare", projectId=elsewhere))["labels"]["nodes"] == []
