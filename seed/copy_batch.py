"""Writes batches of rows by COPY: the fastest way, through the same constraints as any other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy.sql.schema import Table

from persistence import tables
from persistence.engine.codecs import binary_codecs
from persistence.engine.database import Connection
from persistence.engine.rows import written_names
from seed.batch import Batch

# In the order of their foreign keys.
_TABLES: tuple[tuple[str, Table], ...] = (
    ("users", tables.users),
    ("teams", tables.teams),
    ("members", tables.team_members),
    ("labels", tables.labels),
    ("projects", tables.projects),
    ("project_members", tables.project_members),
    ("tasks", tables.tasks),
    ("links", tables.task_links),
    ("comments", tables.comments),
    ("reactions", tables.comment_reactions),
    ("watchers", tables.watchers),
    ("seen_marks", tables.seen_marks),
    ("heads", tables.streams),
    ("entries", tables.events),
)
SEEDED_TABLES: tuple[Table, ...] = tuple(table for _, table in _TABLES)


async def copy_batch(connection: Connection, batch: Batch, password_hashes: Mapping[UUID, str]) -> dict[str, int]:
    """Write a batch; how many rows went into each table. A user without a password hash cannot sign in by password."""
    more: dict[str, dict[str, Callable[[Any], Any]]] = {
        "users": {"password_hash": lambda user: password_hashes.get(user.id)},
        "teams": {"last_task_number": lambda team: batch.last_numbers.get(team.id, 0)},
    }
    written = {}
    async with binary_codecs(connection.raw):
        for attribute, table in _TABLES:
            rows: Sequence[Any] = getattr(batch, attribute)
            if rows:
                await _copy(connection, table, rows, more.get(attribute, {}))
            written[table.name] = len(rows)
    return written


async def _copy(connection: Connection, table: Table, rows: Sequence[Any], extra: Mapping[str, Callable[[Any], Any]]) -> None:
    """COPY dataclasses into a table; `extra` computes the values of columns that they have no attributes for."""
    names = written_names(type(rows[0]))
    read = attrgetter(*names)
    records: Iterable[tuple[Any, ...]] = map(read, rows)
    if extra:
        records = ((*read(row), *(make(row) for make in extra.values())) for row in rows)
    columns = [table.c[name].name for name in (*names, *extra)]
    await connection.raw.copy_records_to_table(table.name, records=records, columns=columns)
