"""Personal API tokens: what they may do, how they end, and that their secret is nowhere."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.actor import ALL_SCOPES, Actor, Scope
from domain.api_token import MAX_TOKENS
from domain.errors import TokenExpired, Unauthenticated
from tests.support.app import App, Person
from tests.support.graph_actions import table_states
from tests.support.teams import SampleTeam, create_person_without_team

CREATE = """
mutation ($input: ApiTokenCreateInput!) {
  apiTokenCreate(input: $input) {
    secret errors { __typename code message path }
    apiToken { id name prefix scopes createdAt lastUsedAt expiresAt }
  }
}
"""
REVOKE = "mutation ($input: DeleteInput!) { apiTokenRevoke(input: $input) { deletedId errors { code path } } }"
TOKENS = "{ viewer { account { apiTokens { id name prefix scopes lastUsedAt } } } }"


@pytest.fixture
async def ada(app: App) -> Person:
    return await create_person_without_team(app, "Ada")


async def create(app: App, person: Person, *, actor: Actor | None = None, **fields: Any) -> Any:
    """The payload of creating a token that is fine but for what is given."""
    given = {"name": "Script", "scopes": ["TASKS_READ", "PROFILE_READ"]} | fields
    return (await app.execute(person, CREATE, actor=actor, input=given))["data"]["apiTokenCreate"]


async def actor_of_secret(app: App, secret: str) -> Actor:
    """Who a secret speaks for."""
    bearer = await app.resources.tokens.authenticate(f"Bearer {secret}")
    assert bearer is not None
    actor: Actor = bearer.actor
    return actor


async def test_a_token_speaks_for_its_user_with_its_scopes(app: App, ada: Person) -> None:
    payload = await create(app, ada)
    assert payload["errors"] == []
    assert payload["secret"].startswith("hive_pat_")
    assert payload["apiToken"]["scopes"] == ["PROFILE_READ", "TASKS_READ"]
    assert payload["apiToken"]["prefix"] == payload["secret"][:15]
    actor = await actor_of_secret(app, payload["secret"])
    assert actor.user_id == ada.user.id
    assert actor.scopes == {Scope.TASKS_READ, Scope.PROFILE_READ}


async def test_a_token_may_do_what_its_scopes_say_and_no_more(app: App, team: SampleTeam) -> None:
    secret = (await create(app, team.owner, scopes=["TASKS_READ"]))["secret"]
    actor = await actor_of_secret(app, secret)
    assert (await app.execute(None, "{ tasks { totalCount } }", actor=actor))["data"]["tasks"] == {"totalCount": 0}
    for query, scope in (("{ teams { totalCount } }", "TEAMS_READ"), ("{ viewer { id } }", "PROFILE_READ")):
        (error,) = (await app.execute(None, query, actor=actor))["errors"]
        assert error["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": scope}


async def test_the_secret_is_shown_once_and_stored_nowhere(app: App, ada: Person) -> None:
    given = {"name": "Script", "scopes": ["TASKS_READ"], "clientMutationId": "once"}
    first = (await app.run(ada, CREATE, input=given))["apiTokenCreate"]
    again = (await app.run(ada, CREATE, input=given))["apiTokenCreate"]
    assert again["apiToken"]["id"] == first["apiToken"]["id"]
    assert (again["secret"], again["errors"]) == (None, [])
    assert await app.sql.fetchval("SELECT count(*) FROM api_tokens WHERE user_id = $1", ada.user.id) == 1
    states = repr(await table_states(app))
    assert first["secret"] not in states
    events = await app.sql.fetch("SELECT * FROM events WHERE stream = $1", f"user:{ada.user.id}")
    assert first["secret"][9:] not in repr([dict(each) for each in events])


async def test_a_revoked_token_ends_within_a_second(app: App, ada: Person) -> None:
    payload = await create(app, ada)
    await actor_of_secret(app, payload["secret"])
    revoked = (await app.run(ada, REVOKE, input={"id": payload["apiToken"]["id"]}))["apiTokenRevoke"]
    assert revoked == {"deletedId": payload["apiToken"]["id"], "errors": []}
    await asyncio.sleep(1.0)  # what was checked is believed for as long
    with pytest.raises(Unauthenticated):
        await actor_of_secret(app, payload["secret"])
    assert (await app.run(ada, TOKENS))["viewer"]["account"]["apiTokens"] == []


async def test_another_users_token_is_not_found_and_stays(app: App, ada: Person) -> None:
    eve = await create_person_without_team(app, "Eve")
    payload = await create(app, ada)
    before = await table_states(app)
    refused = (await app.run(eve, REVOKE, input={"id": payload["apiToken"]["id"]}))["apiTokenRevoke"]
    assert refused["errors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]
    assert await table_states(app) == before
    assert (await app.run(eve, TOKENS))["viewer"]["account"]["apiTokens"] == []
    assert [each["id"] for each in (await app.run(ada, TOKENS))["viewer"]["account"]["apiTokens"]] == [payload["apiToken"]["id"]]


async def test_a_token_expires(app: App, ada: Person) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    secret = (await create(app, ada, expiresAt=soon.isoformat()))["secret"]
    bearer = await app.resources.tokens.authenticate(f"Bearer {secret}")
    assert bearer is not None
    assert abs(bearer.expires_at - soon.timestamp()) < 0.01
    bearer.expires_at = time.time() - 1
    with pytest.raises(TokenExpired):
        await app.resources.tokens.check_active(bearer)


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"scopes": []}, "REQUIRED", ["input", "scopes"]),
        ({"name": " "}, "REQUIRED", ["input", "name"]),
        ({"name": "x" * 101}, "TOO_LONG", ["input", "name"]),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "INVALID", ["input", "expiresAt"]),
    ],
)
async def test_what_makes_no_token_is_refused(app: App, ada: Person, fields: dict[str, Any], code: str, path: list[str]) -> None:
    before = await table_states(app)
    (error,) = (await create(app, ada, **fields))["errors"]
    assert (error["code"], error["path"]) == (code, path)
    assert await table_states(app) == before


async def test_nobody_gives_a_scope_that_they_do_not_have(app: App, ada: Person) -> None:
    limited = Actor(user_id=ada.user.id, scopes=frozenset({Scope.ADMIN, Scope.TASKS_READ}))
    before = await table_states(app)
    (error,) = (await create(app, ada, actor=limited, scopes=["TASKS_READ", "TASKS_WRITE"]))["errors"]
    assert error["message"] == "You cannot give a scope that you do not have: TASKS_WRITE."
    assert await table_states(app) == before
    without = Actor(user_id=ada.user.id, scopes=ALL_SCOPES - {Scope.ADMIN})
    answer = await app.execute(None, CREATE, actor=without, input={"name": "x", "scopes": ["TASKS_READ"]})
    assert answer["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "ADMIN"}


async def test_a_user_has_a_bounded_number_of_tokens_however_many_are_made_at_once(app: App, ada: Person) -> None:
    await app.sql.execute(
        "INSERT INTO api_tokens (id, user_id, name, prefix, scopes, created_at, secret_hash)"
        " SELECT gen_random_uuid(), $1, 'filler', '', '{}', now(), uuid_send(gen_random_uuid()) FROM generate_series(1, $2)",
        ada.user.id,
        MAX_TOKENS - 2,
    )
    made = await asyncio.gather(*(create(app, ada) for _ in range(6)))
    assert sorted(each["errors"][0]["code"] if each["errors"] else "" for each in made) == ["", ""] + ["LIMIT_EXCEEDED"] * 4
    assert await app.sql.fetchval("SELECT count(*) FROM api_tokens WHERE user_id = $1", ada.user.id) == MAX_TOKENS


async def test_the_last_use_is_noted_once_a_minute(app: App, ada: Person) -> None:
    secret = (await create(app, ada))["secret"]
    await actor_of_secret(app, secret)
    before = app.resources.database.statements_run
    for _ in range(20):
        await actor_of_secret(app, secret)
    assert app.resources.database.statements_run == before
    (token,) = (await app.run(ada, TOKENS))["viewer"]["account"]["apiTokens"]
    assert token["lastUsedAt"] is not None


@pytest.mark.parametrize("secret", ["hive_pat_", "hive_pat_guess", "hive_pat_" + "A" * 43, "hive_pat_é"])
async def test_a_secret_that_nobody_has_is_refused(app: App, secret: str) -> None:
    with pytest.raises(Unauthenticated, match="The access token is not valid"):
        await actor_of_secret(app, secret)


async def test_the_tokens_of_a_suspended_user_end(app: App, ada: Person) -> None:
    secret = (await create(app, ada))["secret"]
    await app.sql.execute("UPDATE users SET status = 'INACTIVE' WHERE id = $1", ada.user.id)
    with pytest.raises(Unauthenticated, match="The session has ended"):
        await actor_of_secret(app, secret)
