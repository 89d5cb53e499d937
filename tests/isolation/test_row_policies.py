"""The second wall: with no condition in a statement at all, Postgres reads nobody what is not theirs.

Whole tables are read as each principal, so nothing of the application narrows them. What each may read is stated here, by the
words of the tenants.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import Text, bindparam, column, text

from app.bootstrap import open_resources
from app.settings import Settings
from domain.search.query import parse
from domain.search.scope import SearchScope
from persistence import row_policies
from persistence.engine.database import open_database
from persistence.engine.principal_database import as_seen_by
from persistence.engine.statement import Statement
from persistence.search.frequencies import Frequencies
from persistence.search.postgres import _PostgresFinder
from persistence.search.steps import run_search
from persistence.tables import metadata
from tests.conftest import migrate_template
from tests.support.app import GENEROUS_LIMITS, IDLE_TIMINGS, App
from tests.support.backing_services import database_from_template
from tests.support.principals import OTHER_WORD, PRIVATE_WORD, TEAM_WORD, World
from tests.support.secret_key import SECRET_KEY

_WORDS: Final = (TEAM_WORD, PRIVATE_WORD, OTHER_WORD)
_TYPES: Final = ("Task", "Document", "Project", "Comment", "User", "Team")
_READABLE: Final = {
    "stranger": set(),
    "no team": set(),
    "former member": set(),
    "other team": {OTHER_WORD},
    "app elsewhere": {OTHER_WORD},
    "guest": {TEAM_WORD},
    "member": {TEAM_WORD},
    "admin": {TEAM_WORD},
    "app": {TEAM_WORD},
    "owner": {TEAM_WORD, PRIVATE_WORD},
}


@pytest.fixture(scope="module")
async def walled_url(postgres_server: str) -> AsyncIterator[str]:
    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        yield url


@pytest.fixture(scope="module")
async def walled(walled_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """A house whose Postgres narrows what is read for a principal."""
    folder: Path = tmp_path_factory.mktemp("walled")
    settings = Settings(database_connections=4, data_dir=folder, secret_key=SecretStr(SECRET_KEY), row_level_security=True)
    async with (
        open_resources(settings, walled_url, timings=IDLE_TIMINGS, sign_in_limits=GENEROUS_LIMITS) as resources,
        asyncpg.create_pool(walled_url, min_size=0, max_size=2) as sql,
    ):
        yield App(resources, sql)


@pytest.fixture(scope="module")
async def world(walled: App) -> World:
    return await World.create(walled)


@pytest.fixture(scope="module")
async def principals(walled: App, world: World) -> dict[str, UUID | None]:
    """The user as whom each principal reads."""
    found: dict[str, UUID | None] = {"stranger": None}
    for name in _READABLE.keys() & world.principals.keys():
        credentials = await walled.resources.graph_tokens.authenticate(world.principals[name].authorization)
        if credentials is not None:
            found[name] = credentials.actor.user_id
    return found


def _whole_table(name: str) -> Statement:
    return Statement(text(f"SELECT row_to_json(whole)::text AS row FROM {name} AS whole").columns(column("row", Text)))


@pytest.mark.parametrize("name", sorted(_READABLE))
async def test_statements_without_a_condition_read_no_word_that_is_not_for_the_principal(
    walled: App, principals: dict[str, UUID | None], name: str
) -> None:
    seen: dict[str, set[str]] = {word: set() for word in _WORDS}
    database = as_seen_by(walled.resources.database, principals[name])
    for table in row_policies.POLICIES:
        rows = " ".join(row[0] for row in await database.fetch(_whole_table(table)))
        for word in _WORDS:
            if word in rows:
                seen[word].add(table)
    assert {word for word, tables in seen.items() if tables} == _READABLE[name], seen
    for word in _READABLE[name]:
        assert {"tasks", "documents", "comments"} <= seen[word]


async def test_nobody_reads_a_row_of_a_person_who_is_not_them(walled: App, principals: dict[str, UUID | None]) -> None:
    personal = [table for table, condition in row_policies.POLICIES.items() if condition == row_policies.POLICIES["sessions"]]
    assert {"sessions", "factors", "api_tokens", "notifications", "notification_settings", "push_devices"} <= set(personal)
    found = 0
    for user_id in principals.values():
        database = as_seen_by(walled.resources.database, user_id)
        for table in personal:
            owners = await database.fetch(Statement(text(f"SELECT user_id::text FROM {table}").columns(column("user_id", Text))))
            assert {row[0] for row in owners} <= {str(user_id)}, table
            found += len(owners)
    assert found > 0


async def test_the_answers_are_those_of_the_first_wall(world: World) -> None:
    """What the owner and a member are shown is not narrowed any further: the tables of `expected` hold with both walls."""
    lines = (Path(__file__).parent / "expected" / "objects.txt").read_text().splitlines()
    names = [name for name in world.principals if name in ("owner", "member")]
    starts = {name: 28 + 17 * list(world.principals).index(name) for name in names}
    for line in lines[1:]:
        type_name, placement = line[:28].strip().split(", ")
        for name in names:
            answer = await world.node(name, type_name, placement)
            shown = line[starts[name] : starts[name] + 17].strip() == "shown"
            assert (answer["data"]["node"] is not None) == shown, (type_name, placement, name)


def test_every_table_has_a_policy_or_a_reason_why_nobody_reads_it() -> None:
    known = [*row_policies.POLICIES, *row_policies.NARROWED_VIEWS, *row_policies.UNREADABLE]
    assert sorted(known) == sorted(metadata.tables)


async def test_the_index_of_words_is_narrowed_to_what_its_reader_may_see(walled: App, principals: dict[str, UUID | None]) -> None:
    places = Statement(text("SELECT DISTINCT split_part(place, ':', 2) AS id FROM search_entries").columns(column("id", Text)))
    own = Statement(text("SELECT id::text FROM projects").columns(column("id", Text)))
    everything = {row[0] for row in await walled.resources.database.fetch(places)}
    for name, user_id in principals.items():
        database = as_seen_by(walled.resources.database, user_id)
        projects = {row[0] for row in await database.fetch(own)}
        assert {row[0] for row in await database.fetch(places)} == projects & everything, name
        assert bool(projects & everything) == bool(_READABLE[name]), name
    assert len(everything) > 2


@pytest.mark.parametrize("name", sorted(_READABLE))
async def test_a_search_that_takes_its_reader_for_the_owner_finds_and_counts_nothing_that_is_not_for_them(
    walled: App, principals: dict[str, UUID | None], name: str
) -> None:
    owner, found = principals["owner"], set[str]()
    assert owner is not None
    for word in _WORDS:
        scope = SearchScope(viewer_id=owner, types=_TYPES, subjects=("Task", "Document"))
        database = as_seen_by(walled.resources.database, principals[name])
        finder = _PostgresFinder(database, Frequencies())
        hits = (await run_search(database, finder, scope, parse(word), datetime.now(UTC))).hits
        if hits:
            found.add(word)
            assert {"Task", "Document", "Comment"} <= {each.hit.type_name for each in hits}
    assert found == _READABLE[name] - {OTHER_WORD}


@pytest.mark.parametrize("table", ["signing_keys", "account_tokens", "search_terms", "jobs"])
async def test_what_no_principal_reads_is_refused_by_postgres(
    walled: App, principals: dict[str, UUID | None], table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_seen_by(walled.resources.database, principals["owner"]).fetch(_whole_table(table))


async def test_a_connection_keeps_nothing_of_a_principal(walled_url: str, principals: dict[str, UUID | None]) -> None:
    own = Statement(text("SELECT user_id::text FROM sessions").columns(column("user_id", Text)))
    failing = Statement(text("SELECT (1 / :zero)::text AS x").bindparams(bindparam("zero", value=0)).columns(column("x", Text)))
    owner, other = principals["owner"], principals["other team"]
    async with open_database(walled_url, max_connections=1, principals_role=row_policies.ROLE) as database:
        for _ in range(3):  # prepared from the second time on, on the one connection that there is
            for user_id, expected in ((owner, {str(owner)}), (None, set()), (other, {str(other)}), (None, set())):
                assert {row[0] for row in await as_seen_by(database, user_id).fetch(own)} == expected
            with pytest.raises(asyncpg.DivisionByZeroError):
                await as_seen_by(database, owner).fetch(failing)
            assert await as_seen_by(database, None).fetch(own) == []
        assert len({row[0] for row in await database.fetch(own)}) > 2  # everything else runs as the owner of the tables


async def test_the_role_of_principals_only_reads_and_without_a_principal_not_even_that(walled: App) -> None:
    async with walled.sql.acquire() as raw:
        await raw.execute(f"SET ROLE {row_policies.ROLE}")
        try:
            for table in row_policies.POLICIES.keys() - {"former_ranks"}:
                assert await raw.fetchval(f"SELECT count(*) FROM {table}") == 0, table
            for refused in ("DELETE FROM users", "UPDATE users SET locale = 'x'", "INSERT INTO streams VALUES ('x', 1, 1)"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await raw.execute(refused)
        finally:
            await raw.execute("RESET ROLE")


async def test_policies_of_an_older_version_are_replaced(postgres_server: str) -> None:
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_database(url, max_connections=2) as database,
    ):
        await row_policies.install(database)
        async with database.begin() as connection:
            await connection.raw.execute("DROP POLICY hive_read ON users")
            await connection.raw.execute(f"CREATE POLICY hive_read ON users FOR SELECT TO {row_policies.ROLE} USING (true)")
            await connection.raw.execute("COMMENT ON VIEW hive_own_teams IS 'older'")
        await row_policies.install(database)
        await row_policies.install(database)
        async with database.pool.acquire() as raw:
            assert "hive_own_colleagues" in await raw.fetchval("SELECT qual FROM pg_policies WHERE tablename = 'users'")
            policies = await raw.fetch("SELECT tablename, policyname, cmd FROM pg_policies")
        assert {row["tablename"] for row in policies} == row_policies.POLICIES.keys()
        assert {(row["policyname"], row["cmd"]) for row in policies} == {("hive_read", "SELECT")}
