"""Client credentials: an app acts as its bot, bounded by its scopes and its team."""

import asyncio
import base64

import httpx
import pytest

from tests.oauth.test_oauth_client import DELETE, ROTATE
from tests.support.app import App
from tests.support.graph_actions import create_task, table_states
from tests.support.oauth import SampleClient, graph_error, post_graph, post_token, registered
from tests.support.teams import SampleTeam

VIEWER = "{ viewer { id } }"
TASKS = "{ tasks { nodes { title } } }"
GRANT = {"grant_type": "client_credentials"}


async def access_token(http: httpx.AsyncClient, client: SampleClient, **form: str) -> str:
    """An access token of a client for itself."""
    response = await post_token(http, client, **GRANT, **form)
    assert response.status_code == 200, response.text
    token: str = response.json()["access_token"]
    return token


async def test_a_client_gets_a_token_that_nobody_stores(http: httpx.AsyncClient, confidential: SampleClient) -> None:
    response = await post_token(http, confidential, **GRANT, scope="TASKS_READ")
    body = response.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "TASKS_READ")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


async def test_an_app_sees_its_team_and_no_other(
    app: App, http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient
) -> None:
    await create_task(app, team, "Theirs")
    token = await access_token(http, confidential)
    assert (await post_graph(http, token, TASKS)).json() == {"data": {"tasks": {"nodes": [{"title": "Theirs"}]}}}
    assert graph_error(await post_graph(http, token, VIEWER)) == {"code": "INSUFFICIENT_SCOPE", "scope": "PROFILE_READ"}


async def test_what_an_app_writes_is_its_bots(
    app: App, http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient
) -> None:
    token = await access_token(http, confidential)
    text = "mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { task { creator { isBot displayName } } errors { code } } }"
    made = (await post_graph(http, token, text, input={"projectId": team.project_id, "title": "Made"})).json()
    assert made["data"]["taskCreate"] == {"task": {"creator": {"isBot": True, "displayName": "App"}}, "errors": []}


async def test_an_app_has_only_the_scopes_that_it_asked_for(http: httpx.AsyncClient, confidential: SampleClient) -> None:
    token = await access_token(http, confidential, scope="PROJECTS_READ")
    assert graph_error(await post_graph(http, token, TASKS)) == {"code": "INSUFFICIENT_SCOPE", "scope": "TASKS_READ"}


@pytest.mark.parametrize("scope", ["DOCUMENTS_READ", "TASKS_READ DOCUMENTS_READ", "openid", "tasks_read", "ADMIN", "*"])
async def test_an_app_gets_no_scope_that_it_was_not_given(
    http: httpx.AsyncClient, confidential: SampleClient, scope: str
) -> None:
    response = await post_token(http, confidential, **GRANT, scope=scope)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


async def test_an_app_manages_no_apps_whatever_it_was_given(app: App, http: httpx.AsyncClient, team: SampleTeam) -> None:
    client = await registered(app, team.owner, team.team_id, scopes=["ADMIN", "PROFILE_WRITE", "TEAMS_WRITE", "TASKS_READ"])
    response = await post_token(http, client, **GRANT)
    assert response.json()["scope"] == "TEAMS_WRITE TASKS_READ"
    text = "mutation ($input: TeamCreateInput!) { teamCreate(input: $input) { errors { code } } }"
    before = await table_states(app)
    refused = (await post_graph(http, response.json()["access_token"], text, input={"name": "Own"})).json()
    assert refused["data"]["teamCreate"]["errors"] == [{"code": "FORBIDDEN"}]
    assert await table_states(app) == before


async def test_a_wrong_secret_is_refused_as_an_unknown_client_is(http: httpx.AsyncClient, confidential: SampleClient) -> None:
    for client_id, secret in (
        (confidential.client_id, "wrong"),
        (confidential.client_id, ""),
        ("00000000-0000-4000-8000-000000000000", "wrong"),
        ("nobody", "wrong"),
    ):
        response = await http.post("/oauth/token", data=GRANT, auth=(client_id, secret))
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        assert response.headers["www-authenticate"].startswith("Basic")
        assert "access_token" not in response.text


async def test_a_secret_in_the_form_is_accepted_and_both_at_once_are_not(
    http: httpx.AsyncClient, confidential: SampleClient
) -> None:
    in_form = {"client_id": confidential.client_id, "client_secret": confidential.secret or "", **GRANT}
    assert (await http.post("/oauth/token", data=in_form)).status_code == 200
    both = await http.post("/oauth/token", data=in_form, auth=confidential.basic)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


async def test_a_confidential_client_does_not_pass_as_a_public_one(http: httpx.AsyncClient, confidential: SampleClient) -> None:
    response = await http.post("/oauth/token", data={"client_id": confidential.client_id, **GRANT})
    assert response.json()["error"] == "invalid_client"


async def test_a_public_client_does_not_act_for_itself(app: App, http: httpx.AsyncClient, team: SampleTeam) -> None:
    public = await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"])
    response = await post_token(http, public, **GRANT)
    assert response.json()["error"] == "invalid_client"


async def test_a_client_without_the_grant_does_not_act_for_itself(app: App, http: httpx.AsyncClient, team: SampleTeam) -> None:
    other = await registered(app, team.owner, team.team_id, grants=["AUTHORIZATION_CODE"])
    response = await post_token(http, other, **GRANT)
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"])
async def test_there_is_no_other_grant(http: httpx.AsyncClient, confidential: SampleClient, grant_type: str) -> None:
    response = await post_token(http, confidential, grant_type=grant_type, username="a", password="b")
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_rotated_secret_works_for_another_day(
    app: App, http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient
) -> None:
    rotated = (await app.run(team.admin, ROTATE, input={"id": confidential.id}))["oauthClientRotateSecret"]
    assert rotated["errors"] == []
    fresh = SampleClient(confidential.id, confidential.client_id, rotated["secret"])
    assert (await post_token(http, fresh, **GRANT)).status_code == 200
    assert (await post_token(http, confidential, **GRANT)).status_code == 200
    await app.sql.execute("UPDATE oauth_clients SET previous_secret_expires_at = now() WHERE id = $1", fresh.client_id)
    assert (await post_token(http, fresh, **GRANT)).status_code == 200
    assert (await post_token(http, confidential, **GRANT)).status_code == 401


async def test_after_two_rotations_the_first_secret_is_gone(
    app: App, http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient
) -> None:
    for _ in range(2):
        await app.run(team.owner, ROTATE, input={"id": confidential.id})
    assert (await post_token(http, confidential, **GRANT)).status_code == 401


async def test_a_deleted_client_ends_with_its_tokens_and_its_bot(
    app: App, http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient
) -> None:
    token = await access_token(http, confidential)
    assert "errors" not in (await post_graph(http, token, TASKS)).json()
    deleted = (await app.run(team.owner, DELETE, input={"id": confidential.id}))["oauthClientDelete"]
    assert deleted == {"deletedId": confidential.id, "errors": []}
    assert (await post_token(http, confidential, **GRANT)).status_code == 401
    await asyncio.sleep(1.0)  # what was checked is believed for as long
    assert graph_error(await post_graph(http, token, TASKS))["code"] == "UNAUTHENTICATED"
    members = await app.run(team.owner, "query ($id: ID!) { team(id: $id) { members { nodes { isBot } } } }", id=team.team_id)
    assert not any(each["isBot"] for each in members["team"]["members"]["nodes"])


async def test_an_app_that_was_removed_from_the_team_sees_nothing(
    app: App, http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient
) -> None:
    await create_task(app, team, "Theirs")
    token = await access_token(http, confidential)
    await app.sql.execute(
        "DELETE FROM team_members WHERE user_id = (SELECT bot_user_id FROM oauth_clients WHERE id = $1)", confidential.client_id
    )
    assert (await post_graph(http, token, TASKS)).json() == {"data": {"tasks": {"nodes": []}}}


async def test_an_app_of_a_deleted_team_ends(
    app: App, http: httpx.AsyncClient, team: SampleTeam, confidential: SampleClient
) -> None:
    await app.sql.execute(
        "UPDATE teams SET deleted_at = now() WHERE id = (SELECT team_id FROM oauth_clients WHERE id = $1)", confidential.client_id
    )
    assert (await post_token(http, confidential, **GRANT)).status_code == 401


async def test_a_bot_does_not_sign_in_by_password(app: App, team: SampleTeam, confidential: SampleClient) -> None:
    email = await app.sql.fetchval(
        "SELECT email FROM users WHERE id = (SELECT bot_user_id FROM oauth_clients WHERE id = $1)", confidential.client_id
    )
    text = "mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { errors { code } tokens { accessToken } } }"
    for password in ("", "None", "null"):
        payload = (await app.run(None, text, input={"email": email, "password": password}))["sessionCreate"]
        assert payload == {"errors": [{"code": "UNAUTHENTICATED"}], "tokens": None}


# ── resources (RFC 8707) ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_token_for_the_graph_is_accepted_there(http: httpx.AsyncClient, confidential: SampleClient) -> None:
    for resource in ("http://127.0.0.1:8000/graphql", "http://127.0.0.1:8000"):
        token = await access_token(http, confidential, resource=resource)
        assert "errors" not in (await post_graph(http, token, TASKS)).json()


async def test_a_token_for_something_else_is_not_given(http: httpx.AsyncClient, confidential: SampleClient) -> None:
    for resource in ("https://evil.example", "http://127.0.0.1:8000/", "graphql"):
        response = await post_token(http, confidential, **GRANT, resource=resource)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_target")


# ── malformed requests ────────────────────────────────────────────────────────────────────────────────────────────────

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", FORM),
        (b"grant_type=client_credentials&scope=%ff", FORM),
        (b"grant_type=client_credentials&scope=\xff", FORM),
        (b"grant_type=client_credentials&scope=%00", FORM),
        (b"&".join(b"p%d=1" % number for number in range(60)), FORM),
        (b"scope=" + b"x" * 17_000, FORM),
        (b'{"grant_type": "client_credentials"}', {"Content-Type": "application/json"}),
        (b"grant_type=client_credentials", {}),
        (b"grant_type=client_credentials", FORM | {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}),
    ],
)
async def test_a_malformed_request_is_an_invalid_one(http: httpx.AsyncClient, body: bytes, headers: dict[str, str]) -> None:
    response = await http.post("/oauth/token", content=body, headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("authorization", ["Basic", "Basic !!!", "Basic Og==", "Bearer x", "Basic YTpi"])
async def test_a_header_without_credentials_is_no_client(http: httpx.AsyncClient, authorization: str) -> None:
    response = await http.post("/oauth/token", data=GRANT, headers={"Authorization": authorization})
    assert response.json()["error"] == "invalid_client"


async def test_the_token_endpoint_takes_posts_only_and_any_page_may_call_it(http: httpx.AsyncClient) -> None:
    assert (await http.get("/oauth/token")).status_code == 405
    preflight = await http.options("/oauth/token", headers={"Origin": "https://app.example"})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")


async def test_the_server_describes_itself(http: httpx.AsyncClient) -> None:
    server = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == "http://127.0.0.1:8000"
    assert server["token_endpoint"] == "http://127.0.0.1:8000/oauth/token"
    assert (await http.get(server["jwks_uri"])).json()["keys"]
    graph = (await http.get("/.well-known/oauth-protected-resource/graphql")).json()
    assert graph["resource"] == "http://127.0.0.1:8000/graphql"
    assert graph["authorization_servers"] == [server["issuer"]]
