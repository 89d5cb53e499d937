"""Copies all rows out of one snapshot of the database, and into an empty one, by COPY.

Tables and columns are those of the catalog, not of this version's code: what is copied is what is there. The text form of COPY is
the same in every version of Postgres.

Rejected: `pg_dump` (it must be as new as the server, so that operators of a managed Postgres need the right one at hand; and it
reads another snapshot than the one that names the blobs, unless that is exported to it).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from persistence.backup.folder import READ_BYTES, BackupFolder, HashedFile, TableFile
from persistence.engine.database import Connection

_TABLES: Final = """
  SELECT relname AS name, array_agg(attname::text ORDER BY attnum) AS columns
  FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
  WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
    AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
  GROUP BY relname ORDER BY relname
"""
_FOREIGN_KEYS: Final = """
  SELECT conname AS name, conrelid::regclass::text AS table, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY conname
"""
_UNLIMITED: Final = (
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0"
)
_OF_PEOPLE: Final = ("users", "teams", "events")
"""Tables of which one has a row in every database that is in use."""


class NotEmpty(Exception):
    """The database is in use."""


async def lift_time_limits(connection: Connection) -> None:
    """Let the transaction take as long as it needs."""
    await connection.raw.execute(_UNLIMITED)


async def read_revision(connection: Connection) -> tuple[str, datetime]:
    """The revision of the database, and the instant at which the transaction began."""
    row = await connection.raw.fetchrow("SELECT version_num, now() FROM alembic_version")
    return row[0], row[1]


async def copy_out(connection: Connection, folder: BackupFolder) -> list[TableFile]:
    """Write every table into a file, as the transaction of the connection sees them."""
    written = []
    for row in await connection.raw.fetch(_TABLES):
        with folder.table_path(row["name"]).open("xb") as opened:
            file = HashedFile(opened)

            async def write(content: bytes, file: HashedFile = file) -> None:
                file.write(content)

            await connection.raw.copy_from_table(row["name"], columns=row["columns"], output=write, format="text")
        written.append(TableFile(name=row["name"], columns=tuple(row["columns"]), byte_size=file.byte_size, sha256=file.sha256))
    return written


async def require_empty(connection: Connection) -> None:
    """Raises NotEmpty for a database that anybody uses."""
    for table in _OF_PEOPLE:
        if await connection.raw.fetchval("SELECT to_regclass($1)::text", table) is None:
            continue
        if await connection.raw.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608 (a constant)
            raise NotEmpty


async def copy_in(connection: Connection, folder: BackupFolder, tables: Sequence[TableFile], backup_id: UUID) -> None:
    """
    Make the database, which has the schema of the backup and is not in use, hold the rows of the backup.

    Foreign keys are checked when all rows are there. That the database was restored is recorded in it (`restores`).
    """
    raw = connection.raw
    await raw.execute(_UNLIMITED)
    there = {row["name"]: set(row["columns"]) for row in await raw.fetch(_TABLES)}
    _require_same_tables(there, tables)
    await raw.execute(f"LOCK TABLE {', '.join(map(_quoted, there))} IN ACCESS EXCLUSIVE MODE")
    await require_empty(connection)
    keys: list[Mapping[str, Any]] = await raw.fetch(_FOREIGN_KEYS)
    for each in keys:
        await raw.execute(f"ALTER TABLE {each['table']} DROP CONSTRAINT {_quoted(each['name'])}")
    await raw.execute(f"TRUNCATE {', '.join(map(_quoted, there))}")
    for table in tables:
        await raw.copy_to_table(table.name, source=_chunks(folder.table_path(table.name)), columns=table.columns, format="text")
    for each in keys:
        await raw.execute(f"ALTER TABLE {each['table']} ADD CONSTRAINT {_quoted(each['name'])} {each['definition']}")
    await raw.execute("INSERT INTO restores (id, backup_id, at) VALUES (gen_random_uuid(), $1, now())", backup_id)


async def analyze(connection: Connection) -> None:
    """Let the planner know the new rows."""
    await connection.raw.execute("ANALYZE")


def _require_same_tables(there: Mapping[str, set[str]], tables: Sequence[TableFile]) -> None:
    if there != (given := {each.name: set(each.columns) for each in tables}):
        differ = sorted(name for name in there.keys() | given.keys() if there.get(name) != given.get(name))
        raise ValueError(f"The tables {', '.join(differ)} are not those of the backup, though the schema has the same version.")


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            yield chunk


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
