"""Teams through the graph: founding, changing, dissolving, and who belongs to them."""

import asyncio
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import ERROR_FIELDS, codes_and_paths, create_task, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam, create_person_without_team

TEAM = """
query ($id: ID!) {
  team(id: $id) {
    id version name key description owner { id } viewerRole viewerCan members { totalCount edges { role node { id } } }
  }
}
"""
SELECTION = "team { id version name key description owner { id } viewerRole }"


def unused_name() -> str:
    """A word that no team was named by."""
    return uuid7().hex[-12:]


# ── founding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_founds_a_team_owns_it(app: App) -> None:
    founder = await create_person_without_team(app)
    name = f"Crew {unused_name()}"
    key = f"C{unused_name()[-8:]}"
    payload = await mutate(
        app, founder, "teamCreate", f"{SELECTION} cursor", name=f" {name} ", key=key.lower(), description="We *sail*."
    )
    assert payload["errors"] == []
    assert payload["cursor"] is not None
    assert payload["team"] == {
        "id": payload["team"]["id"],
        "version": 1,
        "name": name,
        "key": key.upper(),
        "description": "We *sail*.",
        "owner": {"id": founder.id},
        "viewerRole": "OWNER",
    }
    listed = (await app.run(founder, "{ teams { totalCount nodes { id viewerCan } } }"))["teams"]
    rights = ["READ", "CREATE", "UPDATE", "DELETE", "SHARE", "MANAGE"]
    assert listed == {"totalCount": 1, "nodes": [{"id": payload["team"]["id"], "viewerCan": rights}]}


async def test_a_client_may_bring_the_id(app: App) -> None:
    founder, own = await create_person_without_team(app), uuid7()
    given = {"id": str(own), "name": f"Crew {unused_name()}"}
    assert (await mutate_ok(app, founder, "teamCreate", **given))["id"] == ids.encode("Team", own)
    assert codes_and_paths(await mutate(app, founder, "teamCreate", **given)) == [("NOT_UNIQUE", ["input", "id"])]


@pytest.mark.parametrize(
    ("name", "stem"),
    [("Quiet Zebra Xylophone", "QZX"), ("Xkcd", "XKC"), ("9 Zwölf Quux", "ZQ"), ("Команда", "TM"), ("7", "TM")],
)
async def test_a_team_without_a_key_gets_one_made_of_its_name(app: App, name: str, stem: str) -> None:
    founder = await create_person_without_team(app)
    first = await create_team_with_derived_key(app, founder, name)
    await mutate_ok(app, founder, "teamDelete", id=first["id"])
    second = await create_team_with_derived_key(app, founder, name)
    number = first["key"].removeprefix(stem)
    assert first["key"] == f"{stem}{number}"
    assert second["key"] == f"{stem}{int(number or 1) + 1}"


async def create_team_with_derived_key(app: App, founder: Person, name: str) -> Any:
    """A team whose key was derived."""
    payload = await mutate(app, founder, "teamCreate", "team { id key }", name=name, key=None)
    assert payload["errors"] == []
    return payload["team"]


@pytest.mark.parametrize("key", ["", "E", "ELEVENCHARS", "1AB", "A B", "ÄÖÜ", "A-B", "AB\u0000"])
async def test_a_key_that_could_not_stand_in_a_tasks_name_is_refused(app: App, team: SampleTeam, key: str) -> None:
    before = await table_states(app)
    payload = await mutate(app, team.member, "teamCreate", name=f"Crew {unused_name()}", key=key)
    assert codes_and_paths(payload) == [("INVALID", ["input", "key"])]
    assert await table_states(app) == before


async def test_names_and_keys_are_unique_on_the_server(app: App, team: SampleTeam) -> None:
    founder = await create_person_without_team(app)
    before = await table_states(app)
    taken_name = await mutate(app, founder, "teamCreate", name=team.team.name.upper())
    taken_key = await mutate(app, founder, "teamCreate", name=f"Crew {unused_name()}", key=team.team.key.lower())
    assert codes_and_paths(taken_name) == [("NOT_UNIQUE", ["input", "name"])]
    assert codes_and_paths(taken_key) == [("NOT_UNIQUE", ["input", "key"])]
    assert await table_states(app) == before


async def test_a_dissolved_team_gives_back_its_name_but_not_its_key(app: App, team: SampleTeam) -> None:
    await mutate_ok(app, team.owner, "teamDelete", id=team.team_id)
    again = await mutate(app, team.owner, "teamCreate", name=team.team.name, key=team.team.key)
    assert codes_and_paths(again) == [("NOT_UNIQUE", ["input", "key"])]
    assert (await mutate(app, team.owner, "teamCreate", name=team.team.name))["errors"] == []


# ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_given_is_changed_and_null_clears(app: App, team: SampleTeam) -> None:
    name = f"Crew {unused_name()}"
    payload = await mutate(app, team.admin, "teamUpdate", SELECTION, id=team.team_id, description="Hello.", expectedVersion=1)
    assert (payload["team"]["description"], payload["team"]["version"]) == ("Hello.", 2)
    payload = await mutate(app, team.admin, "teamUpdate", SELECTION, id=team.team_id, name=name, description=None)
    assert payload["team"] == {
        "id": team.team_id,
        "version": 3,
        "name": name,
        "key": team.team.key,
        "description": None,
        "owner": {"id": team.owner.id},
        "viewerRole": "ADMIN",
    }
    same = await mutate(app, team.admin, "teamUpdate", f"{SELECTION} cursor", id=team.team_id, name=name)
    assert (same["team"]["version"], same["cursor"]) == (3, None)


async def test_an_edit_of_an_old_version_is_a_conflict(app: App, team: SampleTeam) -> None:
    await mutate_ok(app, team.owner, "teamUpdate", id=team.team_id, description="First.")
    before = await table_states(app)
    payload = await mutate(app, team.admin, "teamUpdate", id=team.team_id, description="Second.", expectedVersion=1)
    (error,) = payload["errors"]
    assert (error["code"], error["currentVersion"], error["current"]) == ("CONFLICT", 2, {"id": team.team_id, "version": 2})
    assert await table_states(app) == before


async def test_a_team_is_not_renamed_to_anothers_name_or_to_nothing(app: App, team: SampleTeam) -> None:
    other = await mutate_ok(app, team.outsider, "teamCreate", name=f"Crew {unused_name()}")
    name = (await app.run(team.outsider, TEAM, id=other["id"]))["team"]["name"]
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.owner, "teamUpdate", id=team.team_id, name=name.lower())) == [
        ("NOT_UNIQUE", ["input", "name"])
    ]
    assert codes_and_paths(await mutate(app, team.owner, "teamUpdate", id=team.team_id, name=None)) == [
        ("REQUIRED", ["input", "name"])
    ]
    assert codes_and_paths(await mutate(app, team.owner, "teamUpdate", id=team.team_id, name="x" * 201)) == [
        ("TOO_LONG", ["input", "name"])
    ]
    assert await table_states(app) == before


async def test_of_two_teams_renamed_alike_at_once_one_is_refused(app: App, team: SampleTeam) -> None:
    other = await mutate_ok(app, team.owner, "teamCreate", name=f"Crew {unused_name()}")
    name = f"Crew {unused_name()}"
    payloads = await asyncio.gather(
        *(mutate(app, team.owner, "teamUpdate", id=each, name=name) for each in (team.team_id, other["id"]) for _ in range(3))
    )
    assert {code for payload in payloads for code, _ in codes_and_paths(payload)} == {"NOT_UNIQUE"}
    found = await app.sql.fetchval("SELECT count(*) FROM teams WHERE name = $1", name)
    assert found == 1


async def test_errors_of_teams_are_typed(app: App, team: SampleTeam) -> None:
    update = f"mutation ($input: TeamUpdateInput!) {{ teamUpdate(input: $input) {{ {ERROR_FIELDS} }} }}"
    data = await app.run(team.guest, update, input={"id": team.team_id, "name": "Mine"})
    assert data["teamUpdate"]["errors"] == [
        {
            "__typename": "ForbiddenError",
            "code": "FORBIDDEN",
            "message": "Your role does not allow this.",
            "path": None,
            "missing": "UPDATE",
        }
    ]


# ── dissolving ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_when_a_team_is_dissolved_everybody_loses_everything(app: App, team: SampleTeam) -> None:
    written = await create_task(app, team, "Gone soon")
    token = await mutate(
        app, team.owner, "teamInvite", "invitationToken", teamId=team.team_id, email=team.outsider.user.email_address
    )
    assert await mutate_ok(app, team.owner, "teamDelete", id=team.team_id, expectedVersion=1) == team.team_id
    query = "query ($t: ID!, $p: ID!, $k: ID!) { team(id: $t) { id } project(id: $p) { id } task(id: $k) { id } users { nodes { id } } }"
    for somebody in (team.owner, team.admin, team.member, team.guest):
        left = await app.run(somebody, query, t=team.team_id, p=team.project_id, k=written["id"])
        assert left == {"team": None, "project": None, "task": None, "users": {"nodes": [{"id": somebody.id}]}}
        assert codes_and_paths(await mutate(app, somebody, "taskUpdate", id=written["id"], title="Still here")) == [
            ("NOT_FOUND", ["input", "id"])
        ]
    accepted = await mutate(app, team.outsider, "invitationAccept", token=token["invitationToken"])
    assert codes_and_paths(accepted) == [("NOT_FOUND", ["input", "token"])]
    assert codes_and_paths(await mutate(app, team.owner, "teamDelete", id=team.team_id)) == [("NOT_FOUND", ["input", "id"])]


async def test_only_the_owner_dissolves_a_team(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    for somebody in (team.admin, team.member, team.guest):
        assert codes_and_paths(await mutate(app, somebody, "teamDelete", id=team.team_id)) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.owner, "teamDelete", id=team.team_id, expectedVersion=7))[0][0] == "CONFLICT"
    assert await table_states(app) == before
