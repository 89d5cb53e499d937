"""Production mode: nothing of the demo, nothing about the schema for strangers; and origins that are allowed by name."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from app.seeding import seed_database
from app.settings import DEMO_PASSWORD, Settings
from auth.passwords import Argon2Passwords
from persistence.engine.database import open_database
from tests.conftest import migrate_template
from tests.support.secret_key import SECRET_KEY
from tests.support.server_process import Client, ServerProcess, register_user, running_server

pytestmark = pytest.mark.slow

SCHEMA = "{ __schema { queryType { name } } }"
APP = "https://app.example.com"


@pytest.fixture(scope="module")
async def production(server_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server in production mode, which one page of another origin may call."""
    folder = tmp_path_factory.mktemp("production")
    settings = {"database_url": server_database_url, "production": "true", "allowed_origins": f"{APP}, https://other.example.com"}
    with_announcement = {"log_level": "info"}
    async with running_server(folder, **settings, **with_announcement) as running:
        yield running


async def test_there_is_no_demo(production: ServerProcess) -> None:
    assert "Demo user" not in production.output
    async with httpx.AsyncClient(base_url=production.url) as http:
        config = (await http.get("/graphiql/config.json")).json()
        assert (config["demo"], config["people"]) == (None, [])
        assert "panthera-demo" not in (await http.get("/")).text
        assert (await http.get("/app/config.json")).json()["people"] == []


async def test_mails_are_shown_to_nobody(production: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=production.url) as http:
        assert (await http.get("/dev/mail")).status_code == 404


async def test_a_seeded_database_opens_to_nobody_with_the_demo_password(postgres_server: str) -> None:
    from tests.support.backing_services import database_from_template

    passwords = Argon2Passwords()
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_database(url, max_connections=2) as database,
    ):
        assert await seed_database(url, Settings(production=True, secret_key=SecretStr(SECRET_KEY))) is None
        await seed_database(url, Settings(production=True, secret_key=SecretStr(SECRET_KEY), seed_size="demo"))
        async with database.begin() as connection:
            hashes = await connection.raw.fetch("SELECT DISTINCT password_hash FROM users WHERE password_hash IS NOT NULL")
    assert [await passwords.verify(DEMO_PASSWORD, row["password_hash"]) for row in hashes] == [False] * len(hashes)
    passwords.close()


async def test_strangers_learn_nothing_of_the_schema(production: ServerProcess) -> None:
    stranger = Client(production)
    for query in (SCHEMA, '{ __type(name: "User") { name } }', "{ viewer { __typename } a: __schema { description } }"):
        answer = (await stranger.post(query)).json()
        assert [error["message"] for error in answer["errors"]] == ["Introspection is not available here."]
    async with httpx.AsyncClient(base_url=production.url) as http:
        for refused in (await http.get("/graphiql/schema.json"), await http.post("/graphiql/cost", json={"query": SCHEMA})):
            assert refused.status_code == 401
            assert refused.json() == {
                "errors": [{"message": "Sign in to read the schema.", "extensions": {"code": "UNAUTHENTICATED"}}]
            }
    (error,) = (await stranger.post("{ viewr { id } }")).json()["errors"]
    assert error["message"] == "Cannot query field 'viewr' on type 'Query'."
    assert await stranger.run("{ __typename }") == {"__typename": "Query"}
    await stranger.close()


async def test_who_is_signed_in_may_look_at_the_schema(production: ServerProcess) -> None:
    developer = await register_user(production)
    assert await developer.run(SCHEMA) == {"__schema": {"queryType": {"name": "Query"}}}
    await developer.close()


async def test_an_allowed_page_may_call(production: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=production.url) as http:
        wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
        preflight = await http.options("/graphql", headers=wanted | {"Origin": APP})
        answer = await http.post("/graphql", json={"query": "{ __typename }"}, headers={"Origin": APP})
    assert preflight.headers["access-control-allow-origin"] == answer.headers["access-control-allow-origin"] == APP
    assert {"authorization", "content-type"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
    developer = await register_user(production)
    async with developer.websocket(origin=APP):
        pass
    await developer.close()


async def test_nobody_may_ask_for_more_than_their_cost_limit(production: ServerProcess) -> None:
    greedy, other = [await register_user(production) for _ in range(2)]
    page = "{ teams(first: 100) { nodes { id name description key } } }"
    answers = [await greedy.post(page) for _ in range(16)]
    costly = await greedy.post("{ rateLimit(dryRun: true) { cost limit } " + page.strip("{}") + " }")
    assert costly.json()["data"] == {"rateLimit": {"cost": 504, "limit": 5_000}, "teams": None}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert int(refused[0].headers["retry-after"]) >= 1
    assert (await other.post(page)).status_code == 200
