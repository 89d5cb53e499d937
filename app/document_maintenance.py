"""Looks after the objects of documents from the command line: their index, what is missing, and what nobody needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.bootstrap import Resources, open_resources
from app.migration import migrate
from app.service_database import open_database_url
from app.settings import Settings
from persistence.documents.integrity import check_integrity, delete_orphans
from persistence.documents.reindex import reindex


async def reindex_documents(settings: Settings) -> str:
    """Build the index of documents and versions from what is stored; a report for operators."""
    async with _open(settings) as resources:
        return str(await reindex(resources.database, resources.services.document_objects))


async def check_documents(settings: Settings) -> str:
    """Compare the index with what is stored; a report for operators."""
    async with _open(settings) as resources:
        return str(await check_integrity(resources.database, resources.services.document_objects))


async def sweep_documents(settings: Settings) -> str:
    """Remove objects that no document names; a report for operators."""
    async with _open(settings) as resources:
        return f"{await delete_orphans(resources.database, resources.services.document_objects)} objects were swept."


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Resources]:
    async with open_database_url(settings) as url:
        await migrate(url)
        async with open_resources(settings, url) as resources:
            yield resources
