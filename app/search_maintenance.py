"""Looks after the search index for operators: the one in Postgres, and that of OpenSearch where it is set."""

from collections.abc import AsyncIterator

from app.service_database import CannotStart
from app.settings import Settings
from domain.errors import Unavailable
from persistence.engine.database import Database, open_database
from persistence.search.rebuild import reindex, verify, work_off_all


async def reindex_search(settings: Settings, url: str) -> AsyncIterator[str]:
    """Write what is missing or outdated, while people search; lines about it. Raises CannotStart."""
    async with open_database(url, max_connections=2) as database:
        await work_off_all(database)
        yield str(await reindex(database))
        await work_off_all(database)
        if settings.opensearch_url is not None:
            yield await _build(database, settings.opensearch_url, url)


async def verify_search(settings: Settings, url: str) -> AsyncIterator[str]:
    """Compare the index with the objects; lines about it. Raises CannotStart where they differ."""
    async with open_database(url, max_connections=2) as database:
        report = await verify(database)
        yield str(report)
        is_whole = report.is_whole
        if settings.opensearch_url is not None:
            from persistence.search.opensearch import rebuild
            from persistence.search.opensearch.engine import OpenSearchEngine

            try:
                async with OpenSearchEngine.open(settings.opensearch_url) as engine:
                    report = await rebuild.verify(database, engine)
            except Unavailable as error:
                raise CannotStart(str(error)) from error
            yield f"OpenSearch: {report}"
            is_whole = is_whole and report.is_whole
        if not is_whole:
            raise CannotStart("The search index differs from the objects: run `server.py search reindex`.")


async def _build(database: Database, address: str, url: str) -> str:
    from persistence.search.opensearch.engine import OpenSearchEngine
    from persistence.search.opensearch.rebuild import BuildRunning, build

    try:
        async with OpenSearchEngine.open(address) as engine:
            return f"OpenSearch: {await build(database, engine, url):,} objects in new indices."
    except BuildRunning as error:
        raise CannotStart("The indices of OpenSearch are being built by another process.") from error
    except Unavailable as error:
        raise CannotStart(str(error)) from error
