"""Opens the database of a server: with the policies of row-level security where the settings ask for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.settings import Settings
from persistence import row_policies
from persistence.engine.database import Database, open_database


class CannotStart(Exception):
    """What an operator has to put right first; the message says it in a line."""


@asynccontextmanager
async def open_service_database(settings: Settings, url: str) -> AsyncIterator[Database]:
    """A migrated database, closed at the end. Raises CannotStart where its policies cannot be installed."""
    role = None
    if settings.row_level_security:
        try:
            async with open_database(url, max_connections=1) as database:
                await row_policies.install(database)
        except row_policies.PoliciesUnusable as error:
            raise CannotStart(str(error)) from error
        role = row_policies.ROLE
    async with open_database(url, max_connections=settings.database_connections, principals_role=role) as database:
        yield database
