"""Reads which migration the database has run last."""

from sqlalchemy import Text, func, literal_column, select, text

from persistence.engine.database import Database
from persistence.engine.statement import Statement

_EXISTS = Statement(select(func.to_regclass("alembic_version").cast(Text)))
_VERSION = Statement(select(literal_column("version_num")).select_from(text("alembic_version")))


async def schema_version(database: Database) -> str | None:
    """The revision of the database; None for one that was never migrated."""
    if await database.fetch_value(_EXISTS) is None:
        return None
    revision: str | None = await database.fetch_value(_VERSION)
    return revision
