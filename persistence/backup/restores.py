"""Reads which restores of backups the database has seen."""

from uuid import UUID

from sqlalchemy import select

from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import restores

_IDS = Statement(select(restores.c.id).order_by(restores.c.at, restores.c.id))


async def restore_ids(database: Database) -> list[UUID]:
    """The ids of all restores, the latest last."""
    return [row[0] for row in await database.fetch(_IDS)]
