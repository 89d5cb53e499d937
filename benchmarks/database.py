"""What all contestants stand on: one durable Postgres, the same rows, and the objects that are asked for.

The seeded database is made once and kept in the folder as a template. Each run works on a fresh copy, so what one run writes does
not slow the next.
"""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from benchmarks.sign_in import SECRET_KEY
from embedded import embedded_postgres

ROOT = Path(__file__).resolve().parents[1]
_RIGHTS = ROOT / "benchmarks" / "peers" / "postgraphile" / "rights.sql"
_SEED_SOURCES = ("migrations/versions", "seed", "persistence/tables")


_INSERT_OWNERS = """
    INSERT INTO owners SELECT t.id, u.id, u.email FROM teams t JOIN users u ON u.id = t.owner_user_id ORDER BY t.id LIMIT $1"""
_SET_DEMO_PASSWORDS = """
    UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE password_hash IS NOT NULL LIMIT 1)
    FROM owners WHERE users.id = owners.id"""
_SELECT_TASKS = """
    SELECT id, viewer FROM (
        SELECT t.id, o.email AS viewer, row_number() OVER (PARTITION BY o.team ORDER BY md5(t.id::text)) AS place
        FROM tasks t JOIN owners o ON o.team = t.team_id
        WHERE t.deleted_at IS NULL AND t.assignee_user_id IS NOT NULL
    ) AS found
    WHERE place <= $1 ORDER BY place, viewer"""
_SELECT_PROJECTS = """
    SELECT id, viewer FROM (
        SELECT p.id, o.email AS viewer, row_number() OVER (PARTITION BY o.team ORDER BY p.id) AS place
        FROM projects p JOIN owners o ON o.team = p.team_id
        WHERE p.deleted_at IS NULL
    ) AS found
    WHERE place <= $1 ORDER BY place, viewer"""
_SELECT_TEAMS = "SELECT team AS id, email AS viewer FROM owners WHERE $1::int IS NOT NULL ORDER BY team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An object that is asked for, and the address of the user who asks."""

    id: UUID
    viewer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The same objects for every contestant: each of them is seen by its viewer and by nobody of another team."""

    tasks: list[Target]
    spare_task: Target  # for trying out what writes
    projects: list[Target]
    teams: list[Target]

    @property
    def viewers(self) -> list[str]:
        return list(dict.fromkeys(target.viewer for target in self.teams))


@asynccontextmanager
async def benchmark_database(folder: Path, size: str) -> AsyncIterator[str]:
    """Run Postgres over `folder` and yield the address of a fresh copy of the seeded database."""
    async with embedded_postgres(folder / "postgres") as server:
        template = await _ensure_template(server, size)
        admin = await asyncpg.connect(server)
        try:
            await admin.execute('DROP DATABASE IF EXISTS "bench" WITH (FORCE)')
            await admin.execute(f'CREATE DATABASE "bench" TEMPLATE "{template}" STRATEGY file_copy')
            await admin.execute('ALTER DATABASE "bench" SET random_page_cost = 1.1')  # as we plan, so that nobody plans worse
            await admin.execute("CHECKPOINT")
        finally:
            await admin.close()
        url = _database_url(server, "bench")
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_RIGHTS.read_text())
        finally:
            await connection.close()
        yield url


def libpq_environment(url: str) -> dict[str, str]:
    """The address as the environment that other languages' drivers read."""
    parts = urlsplit(url)
    given = parse_qs(parts.query)
    return {
        "PGHOST": given["host"][0],
        "PGPORT": given["port"][0],
        "PGUSER": parts.username or "postgres",
        "PGDATABASE": parts.path.lstrip("/"),
    }


async def choose_targets(url: str, *, teams: int, objects: int) -> Targets:
    """Objects of the first teams, neighbours in the list of different teams; their viewers can sign in with the demo password."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TEMP TABLE owners (team uuid, id uuid, email text)")
        await connection.execute(_INSERT_OWNERS, teams)
        await connection.execute(_SET_DEMO_PASSWORDS)
        each = -(-objects // teams) + 1
        found = [
            [Target(**row) for row in await connection.fetch(text, each)]
            for text in (_SELECT_TASKS, _SELECT_PROJECTS, _SELECT_TEAMS)
        ]
    finally:
        await connection.close()
    tasks, projects, seen_teams = found
    return Targets(tasks=tasks[:objects], spare_task=tasks[-1], projects=projects[:objects], teams=seen_teams)


async def vacuum_tables(url: str) -> None:
    """Clear away what writes left behind, so that the next contestant finds what this one found."""
    connection = await asyncpg.connect(url)
    try:
        for table in ("tasks", "events", "streams", "sessions"):
            await connection.execute(f"VACUUM (ANALYZE) {table}")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _ensure_template(server: str, size: str) -> str:
    """The name of the template that holds the rows of this size, made now unless it was made before from the same code."""
    mark = hashlib.sha256(SECRET_KEY.get_secret_value().encode())
    for path in sorted(
        path for folder in _SEED_SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".txt", ".sql"}
    ):
        mark.update(path.read_bytes())
    name = f"seeded_{size}_{mark.hexdigest()[:12]}"
    admin = await asyncpg.connect(server)
    try:
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate", name):
            return name
        for row in await admin.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'seeded\\_%'"):
            await admin.execute(f'ALTER DATABASE "{row[0]}" IS_TEMPLATE false')
            await admin.execute(f'DROP DATABASE "{row[0]}" WITH (FORCE)')
        print(f"Seeding ({size}); kept for the next run.", file=sys.stderr)
        await admin.execute(f'CREATE DATABASE "{name}"')
        url = _database_url(server, name)
        environment = [f"HIVE_DATABASE_URL={url}", f"HIVE_SECRET_KEY={SECRET_KEY.get_secret_value()}"]
        command = ["env", *environment, sys.executable, "server.py", "seed", "--seed-size", size]
        seeding = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=sys.stderr)
        if await seeding.wait() != 0:
            raise RuntimeError("seeding failed")
        await admin.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true')
    finally:
        await admin.close()
    return name


def _database_url(server: str, database: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))
