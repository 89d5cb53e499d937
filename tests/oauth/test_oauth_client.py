"""OAuth clients of a team: who manages them, what is refused, and how secrets rotate."""

from typing import Any

import pytest

from domain.actor import ALL_SCOPES, Actor, Scope
from domain.oauth_client import MAX_CLIENTS
from tests.support.app import App
from tests.support.graph_actions import table_states
from tests.support.oauth import create_client, registered
from tests.support.teams import SampleTeam, uuid_of

CLIENTS = "query ($id: ID!) { team(id: $id) { oauthClients { id name viewerCan } members { nodes { displayName isBot } } } }"
ROTATE = """
mutation ($input: DeleteInput!) { oauthClientRotateSecret(input: $input) { secret oauthClient { version } errors { code path } } }
"""
DELETE = "mutation ($input: DeleteInput!) { oauthClientDelete(input: $input) { deletedId errors { code path } } }"


async def test_an_owner_gives_the_team_an_app_whose_bot_is_a_member(app: App, team: SampleTeam) -> None:
    payload = await create_client(app, team.owner, team.team_id, name="Importer")
    assert payload["errors"] == []
    assert payload["secret"].startswith("hive_secret_")
    client = payload["oauthClient"]
    assert client["clientId"] == str(uuid_of(client["id"]))
    assert client["viewerCan"] == ["READ", "UPDATE", "DELETE", "MANAGE"]
    shown = (await app.run(team.admin, CLIENTS, id=team.team_id))["team"]
    assert [each["name"] for each in shown["oauthClients"]] == ["Importer"]
    assert {"displayName": "Importer", "isBot": True} in shown["members"]["nodes"]
    assert payload["secret"] not in repr(await table_states(app))


@pytest.mark.parametrize(("who", "code"), [("member", "FORBIDDEN"), ("guest", "FORBIDDEN"), ("outsider", "NOT_FOUND")])
async def test_others_do_not_and_see_none(app: App, team: SampleTeam, who: str, code: str) -> None:
    client = await registered(app, team.owner, team.team_id)
    person = getattr(team, who)
    before = await table_states(app)
    assert [each["code"] for each in (await create_client(app, person, team.team_id))["errors"]] == [code]
    for mutation, name in ((ROTATE, "oauthClientRotateSecret"), (DELETE, "oauthClientDelete")):
        refused = (await app.run(person, mutation, input={"id": client.id}))[name]
        assert refused["errors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]
    assert await table_states(app) == before
    seen = (await app.run(person, CLIENTS, id=team.team_id))["team"]
    assert seen is None or seen["oauthClients"] == []
    assert await app.run(person, "query ($id: ID!) { node(id: $id) { id } }", id=client.id) == {"node": None}


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"name": ""}, "REQUIRED", ["input", "name"]),
        ({"grants": []}, "REQUIRED", ["input", "grants"]),
        ({"scopes": []}, "REQUIRED", ["input", "scopes"]),
        ({"redirectUris": []}, "REQUIRED", ["input", "redirectUris"]),
        ({"isPublic": True}, "INVALID", ["input", "grants"]),
        ({"grants": ["REFRESH_TOKEN"]}, "INVALID", ["input", "grants"]),
        ({"redirectUris": ["https://a.example", "http://a.example"]}, "INVALID", ["input", "redirectUris", "1"]),
        ({"redirectUris": ["https://a.example"] * 11}, "LIMIT_EXCEEDED", ["input", "redirectUris"]),
    ],
)
async def test_what_makes_no_client_is_refused(
    app: App, team: SampleTeam, fields: dict[str, Any], code: str, path: list[str]
) -> None:
    before = await table_states(app)
    (error,) = (await create_client(app, team.owner, team.team_id, **fields))["errors"]
    assert (error["code"], error["path"]) == (code, path)
    assert await table_states(app) == before


async def test_nobody_gives_an_app_a_scope_that_they_do_not_have(app: App, team: SampleTeam) -> None:
    limited = Actor(user_id=team.owner.user.id, scopes=ALL_SCOPES - {Scope.DOCUMENTS_WRITE})
    given = {"teamId": team.team_id, "name": "App", "isPublic": False, "redirectUris": [], "grants": ["CLIENT_CREDENTIALS"]}
    text = "mutation ($input: OAuthClientCreateInput!) { oauthClientCreate(input: $input) { errors { code path } } }"
    answer = await app.execute(None, text, actor=limited, input=given | {"scopes": ["DOCUMENTS_WRITE"]})
    assert answer["data"]["oauthClientCreate"]["errors"] == [{"code": "INVALID", "path": ["input", "scopes"]}]


async def test_a_team_has_a_bounded_number_of_apps(app: App, team: SampleTeam) -> None:
    client = await registered(app, team.owner, team.team_id)
    await app.sql.execute(
        "INSERT INTO oauth_clients (id, version, created_at, updated_at, team_id, bot_user_id, name, is_public, redirect_uris,"
        " grants, scopes) SELECT gen_random_uuid(), 1, now(), now(), team_id, bot_user_id, 'filler', true, '{}', '{}', '{}'"
        " FROM oauth_clients, generate_series(2, $2) WHERE id = $1",
        uuid_of(client.id),
        MAX_CLIENTS,
    )
    (error,) = (await create_client(app, team.owner, team.team_id))["errors"]
    assert error["code"] == "LIMIT_EXCEEDED"


async def test_a_secret_is_shown_once_though_a_retry_is_recognized(app: App, team: SampleTeam) -> None:
    first = await create_client(app, team.owner, team.team_id, clientMutationId="once")
    again = await create_client(app, team.owner, team.team_id, clientMutationId="once")
    assert again["oauthClient"] == first["oauthClient"]
    assert (again["secret"], again["errors"]) == (None, [])


async def test_a_stale_version_rotates_nothing(app: App, team: SampleTeam) -> None:
    client = await registered(app, team.owner, team.team_id)
    before = await table_states(app)
    refused = (await app.run(team.owner, ROTATE, input={"id": client.id, "expectedVersion": 7}))["oauthClientRotateSecret"]
    assert refused["errors"] == [{"code": "CONFLICT", "path": ["input", "expectedVersion"]}]
    assert await table_states(app) == before


async def test_a_public_client_has_no_secret(app: App, team: SampleTeam) -> None:
    client = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"])
    assert client.secret is None
    refused = (await app.run(team.owner, ROTATE, input={"id": client.id}))["oauthClientRotateSecret"]
    assert refused["errors"] == [{"code": "INVALID", "path": ["input", "id"]}]
