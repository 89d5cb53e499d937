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
from app.bootstrap import migrate
from persistence.engine.database import open_database
from persistence.engine.schema_version import schema_version
from persistence.tables import metadata

ROOT = Path(__file__).parents[2]
UPGRADE = "import sys, migrations; migrations.upgrade(sys.argv[1])"
CATALOG = """
  SELECT relname, attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
         || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
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
