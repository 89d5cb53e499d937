"""Migrations give what `persistence.tables` says, whoever runs them and however many at once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

import migrations
from app.migration import migrate
from domain.collation import collation_key
from persistence.engine.database import open_database
from persistence.engine.schema_version import schema_version
from persistence.tables import metadata

ROOT = Path(__file__).parents[2]
UPGRADE = "import sys, migrations; migrations.upgrade(sys.argv[1])"
CATALOG = """
  SELECT relname, attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
         || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    AND relname <> 'alembic_version'
  UNION ALL
  SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid)
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
  WHERE relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
  UNION ALL
  SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


@pytest.fixture
async def empty_url(postgres_server: str) -> AsyncIterator[str]:
    """A database that was never migrated."""
    from tests.support.backing_services import database_from_template

    async with database_from_template(postgres_server, "never_migrated", _leave_empty) as url:
        yield url


async def _leave_empty(url: str) -> None:
    """A template without anything in it."""


async def test_the_tables_are_what_the_migrations_make(database_url: str) -> None:
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            difference = await connection.run_sync(_difference)
    finally:
        await engine.dispose()
    assert difference == []


def _difference(connection: Connection) -> list[object]:
    # Types and defaults are written for what they mean; Postgres says what they are.
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_so_are_constraints_and_indexes_which_alembic_does_not_compare(database_url: str, empty_url: str) -> None:
    engine = create_async_engine(make_url(empty_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    described = []
    for url in (database_url, empty_url):
        reader = await asyncpg.connect(url)
        described.append({tuple(row) for row in await reader.fetch(CATALOG)})
        await reader.close()
    migrated, declared = described
    assert migrated - declared == set()
    assert declared - migrated == set()


SAME_NAMES = """
INSERT INTO users (id, version, created_at, updated_at, email, first_name, last_name, status, time_zone, locale)
SELECT gen_random_uuid(), 1, now() + n * interval '1 s', now(), email, 'Zoë', 'Łuk', 'ACTIVE', 'UTC', 'en'
FROM unnest(ARRAY['x@bücher.example', 'x@xn--bcher-kva.example', 'Ada@example.com']) WITH ORDINALITY AS given(email, n);
INSERT INTO teams (id, version, created_at, updated_at, name, key, owner_user_id, deleted_at)
SELECT gen_random_uuid(), 1, now() + n * interval '1 s', now(), name, 'K' || n, (SELECT id FROM users LIMIT 1),
  CASE WHEN n = 4 THEN now() END
FROM unnest(ARRAY['Straße', 'STRASSE', 'Strasse (2)', 'strasse', E'Stra\\u200bsse']) WITH ORDINALITY AS given(name, n);
INSERT INTO labels (id, version, created_at, updated_at, team_id, name, color)
SELECT gen_random_uuid(), 1, now() + n * interval '1 s', now(), (SELECT id FROM teams WHERE key = 'K1'), name, '#000000'
FROM unnest(ARRAY['Büg', E'Bu\\u0308g', 'Bug', '{x}']) WITH ORDINALITY AS given(name, n);
INSERT INTO invitations (id, team_id, email, role, created_at, expires_at, token_hash)
SELECT gen_random_uuid(), id, email, 'MEMBER', now() + n * interval '1 s', now(), email::bytea
FROM teams, unnest(ARRAY['y@bücher.example', 'y@xn--bcher-kva.example']) WITH ORDINALITY AS given(email, n) WHERE key = 'K1';
INSERT INTO projects (id, version, created_at, updated_at, team_id, name, status, visibility, end_on)
SELECT gen_random_uuid(), 1, now(), now(), id, 'École  2', 'ACTIVE', 'TEAM', 'infinity' FROM teams WHERE key = 'K1';
INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, status, priority, rank, due_on)
SELECT gen_random_uuid(), 1, now(), now(), team_id, id, n, 'K1-' || n, title, 'TODO', 'NONE', 'a' || n,
  CASE n WHEN 1 THEN 'infinity'::date END
FROM projects, unnest(ARRAY['Plain title', 'Ärger | {x}']) WITH ORDINALITY AS given(title, n);
INSERT INTO comments (id, version, created_at, updated_at, team_id, project_id, subject_type, subject_id, body)
SELECT gen_random_uuid(), 1, now(), now(), team_id, project_id, 'Task', id, 'x' FROM tasks WHERE number = 1;
INSERT INTO comment_reactions (comment_id, user_id, emoji)
SELECT comments.id, users.id, emoji FROM comments, users,
  unnest(ARRAY[E'\\u2764', E'\\u2764\\ufe0f', '🚀'])  AS given(emoji)
WHERE users.email <> 'Ada@example.com' OR emoji = E'\\u2764';
"""


async def test_names_that_are_the_same_now_are_parted_and_everything_has_its_key(empty_url: str) -> None:
    await asyncio.to_thread(migrations.upgrade, empty_url, "0006")
    connection = await asyncpg.connect(empty_url)
    await connection.execute(SAME_NAMES)
    await asyncio.to_thread(migrations.upgrade, empty_url)

    async def column(query: str) -> list[object]:
        return [row[0] for row in await connection.fetch(query)]

    exact = "x@bucher.example\x01x@bücher.example"
    keys = await column("SELECT email_key FROM users ORDER BY created_at")
    assert [keys[0], keys[2]] == [exact, "ada@example.com"]
    assert str(keys[1]).startswith(f"{exact}\x01")
    assert await column("SELECT name_collation FROM users") == ["zoe luk\x01zoë łuk"] * 3
    teams = ["Straße", "STRASSE (3)", "Strasse (2)", "strasse", "Stra\u200bsse (4)"]
    assert await column("SELECT name FROM teams ORDER BY created_at") == teams
    assert await column("SELECT name FROM labels ORDER BY created_at") == ["Büg", "Bu\u0308g (2)", "Bug", "{x}"]
    assert await column("SELECT email FROM invitations") == ["y@xn--bcher-kva.example"]
    assert await column("SELECT end_on::text FROM projects") == ["9999-12-31"]
    assert await column("SELECT coalesce(due_on::text, '-') FROM tasks ORDER BY number") == ["9999-12-31", "-"]
    counts = await connection.fetch("SELECT emoji, count(*) FROM comment_reactions GROUP BY emoji ORDER BY emoji")
    assert [tuple(row) for row in counts] == [("\u2764\ufe0f", 3), ("🚀", 2)]
    for table, name in (("teams", "name"), ("labels", "name"), ("projects", "name"), ("tasks", "title")):
        rows = await connection.fetch(f"SELECT {name}, {name}_collation FROM {table}")
        assert [row[1] for row in rows] == [collation_key(row[0]) for row in rows]
    await connection.close()


@pytest.mark.slow
async def test_three_processes_that_start_together_migrate_once(empty_url: str) -> None:
    async def upgrade() -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", UPGRADE, empty_url),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    assert set(await asyncio.gather(upgrade(), upgrade(), upgrade())) == {(0, "")}
    async with open_database(empty_url, max_connections=1) as database:
        assert await schema_version(database) == migrations.head_revision()


async def test_there_is_nothing_to_do_twice(empty_url: str) -> None:
    assert await migrate(empty_url) is True
    assert await migrate(empty_url) is False


async def test_a_database_that_a_newer_version_migrated_is_served_and_left_alone(empty_url: str) -> None:
    await migrate(empty_url)
    connection = await asyncpg.connect(empty_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    assert await migrate(empty_url) is False
    async with open_database(empty_url, max_connections=1) as database:
        assert await schema_version(database) == "9999"


def test_a_revision_is_reached_unless_it_is_known_and_older() -> None:
    assert migrations.is_up_to_date(migrations.head_revision())
    assert migrations.is_up_to_date("9999"), "made by a newer version"
    assert not migrations.is_up_to_date(None)
    assert not any(migrations.is_up_to_date(each) for each in migrations.known_revisions() - {migrations.head_revision()})


async def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    engine = create_async_engine(make_url(empty_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE comments (id integer)"))
    await engine.dispose()
    with pytest.raises(Exception, match="already exists"):
        await asyncio.to_thread(migrations.upgrade, empty_url)
    async with open_database(empty_url, max_connections=1) as database:
        assert await schema_version(database) is None
        async with database.begin() as transaction:
            assert await transaction.raw.fetchval("SELECT to_regclass('users')") is None
