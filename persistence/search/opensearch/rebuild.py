"""Builds the indices of OpenSearch anew, while people search and write, and compares them with the objects.

A build makes new indices beside those that are searched. From then on the consumer writes into both (`indexer`), so nothing
that changes meanwhile is missed: what it wrote before it knew of the new index was committed before the build read it. Versions
decide where both write. At the end the aliases are moved to the new indices in one step, and the old ones are deleted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from domain.errors import Unavailable
from domain.search.entry import SearchEntry
from persistence.engine.database import Database
from persistence.engine.session import open_session
from persistence.search import sources
from persistence.search.opensearch.engine import OpenSearchEngine
from persistence.search.opensearch.indexer import Indexer, next_version
from persistence.search.opensearch.indices import KINDS, MAPPING_VERSION, IndexKind, document_of, template_body
from persistence.search.opensearch.statements import CONSUMER_NAME
from persistence.search.rebuild import IndexReport, batch_rows
from persistence.workers import cursors
from persistence.workers.backoff import full_jitter

_SCAN_ROWS: Final = 1_000
_MAX_TRIES: Final = 8
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.5, 10.0
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('pantherahive search build', 0))"
logger = logging.getLogger(__name__)


class BuildRunning(Exception):
    """Another process builds the indices."""


async def is_built(engine: OpenSearchEngine) -> bool:
    """Whether all indices are there, of this version of the mapping or, while servers are updated, of a newer one. Raises
    Unavailable."""
    for kind in KINDS:
        held = await engine.indices_of(engine.names.alias(kind))
        if len(held) != 1 or engine.names.version_of(kind, held[0]) < MAPPING_VERSION:
            return False
    return True


async def build(database: Database, engine: OpenSearchEngine, url: str) -> int:
    """
    Build all indices from the objects, and search these from then on; how many objects there are.

    `url` is that of the database. Raises BuildRunning, and Unavailable; then what was searched before still is.
    """
    async with _build_lock(url):
        # What happens from now on, the consumer writes.
        await cursors.register(database, CONSUMER_NAME, from_now=True)
        made = await _create_indices(engine)
        count = 0
        for kind in KINDS:
            for type_name in kind.types:
                async for version, page in _pages(database, type_name):
                    rows = [(each.id, each) for each in page if not each.is_deleted]
                    await _write(Indexer(engine), kind, rows, version)
                    count += len(rows)
        await _switch(engine, made)
        return count


async def _write(indexer: Indexer, kind: IndexKind, rows: Sequence[tuple[UUID, SearchEntry]], version: int) -> None:
    """Write a page into the index that is built; again, a few times, where the cluster does not answer."""
    for tries in range(1, _MAX_TRIES + 1):
        try:
            await indexer.write(kind, rows, version, is_building=True, only=True)
        except Unavailable:
            if tries == _MAX_TRIES:
                raise
            await asyncio.sleep(full_jitter(tries, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS))
        else:
            return


@asynccontextmanager
async def _build_lock(url: str) -> AsyncIterator[None]:
    async with open_session(url, name="builds search") as session:
        if not await session.fetch_value(_LOCK):
            raise BuildRunning
        yield


async def _pages(database: Database, type_name: str) -> AsyncIterator[tuple[int, Sequence[SearchEntry]]]:
    """The entries of all objects of a type, each page with a version that was drawn before it was read."""
    pages = sources.read_all(database, type_name, page_rows=batch_rows(type_name))
    while True:
        version = await next_version(database)
        page = await anext(pages, None)
        if page is None:
            return
        yield version, page


async def _create_indices(engine: OpenSearchEngine) -> Mapping[str, str]:
    """Make empty indices, written from now on; their names by those of their kinds. What a build before left is deleted."""
    now = datetime.now(UTC)
    made = {}
    for kind in KINDS:
        names = engine.names
        for left in await engine.indices_of(names.next_alias(kind)):
            await engine.administer("DELETE", f"/{left}", ignore=(404,))
        await engine.administer("PUT", f"/_index_template/{names.template(kind)}", template_body(names, kind))
        made[kind.name] = names.index(kind, now)
        settings = {"index": {"refresh_interval": "30s"}}
        await engine.administer("PUT", f"/{made[kind.name]}", {"settings": settings, "aliases": {names.next_alias(kind): {}}})
    return made


async def _switch(engine: OpenSearchEngine, made: Mapping[str, str]) -> None:
    """Move the aliases to the new indices, and delete the old ones."""
    names = engine.names
    actions: list[dict[str, Any]] = []
    old: list[str] = []
    for kind in KINDS:
        new = made[kind.name]
        await engine.administer("PUT", f"/{new}/_settings", {"index": {"refresh_interval": "1s"}})
        await engine.refresh(new)
        held = await engine.indices_of(names.alias(kind))
        old += held
        actions += [{"remove": {"index": each, "alias": names.alias(kind)}} for each in held]
        actions += [
            {"add": {"index": new, "alias": names.alias(kind)}},
            {"remove": {"index": new, "alias": names.next_alias(kind)}},
        ]
    await _delete_impostors(engine)
    await engine.administer("POST", "/_aliases", {"actions": actions})
    for each in old:
        await engine.administer("DELETE", f"/{each}", ignore=(404,))


async def _delete_impostors(engine: OpenSearchEngine) -> None:
    """Delete indices that have the name of an alias: somebody's write made them while the alias was not there."""
    for kind in KINDS:
        alias = engine.names.alias(kind)
        found = await engine.administer("GET", f"/{alias}", ignore=(404,))
        if alias in found:
            await engine.administer("DELETE", f"/{alias}", ignore=(404,))


async def verify(database: Database, engine: OpenSearchEngine) -> IndexReport:
    """Compare the indices with the objects, and change nothing. Raises Unavailable."""
    report = IndexReport()
    for kind in KINDS:
        alias = engine.names.alias(kind)
        await engine.refresh(alias)
        known = await _digests(engine, alias)
        for type_name in kind.types:
            async for page in sources.read_all(database, type_name, page_rows=batch_rows(type_name)):
                for entry in page:
                    if entry.is_deleted:
                        continue
                    report.entries += 1
                    digest = known.pop(entry.id, None)
                    if digest is None:
                        report.missing += 1
                    elif digest != document_of(entry)["digest"]:
                        report.outdated += 1
                    else:
                        continue
                    report.note(entry.id)
        report.orphaned += len(known)
        for id_ in known:
            report.note(id_)
    return report


async def _digests(engine: OpenSearchEngine, alias: str) -> dict[UUID, str]:
    """The digest of every document of an index."""
    found: dict[UUID, str] = {}
    after: list[Any] | None = None
    while True:
        body: dict[str, Any] = {
            "size": _SCAN_ROWS,
            "sort": [{"id": "asc"}],
            "_source": False,
            "stored_fields": "_none_",
            "docvalue_fields": ["id", "digest"],
            "track_total_hits": False,
        }
        if after is not None:
            body["search_after"] = after
        answer = await engine.administer("POST", f"/{alias}/_search", body)
        hits = answer["hits"]["hits"]
        if not hits:
            return found
        after = hits[-1]["sort"]
        found.update((UUID(hit["fields"]["id"][0]), hit["fields"]["digest"][0]) for hit in hits)


async def keep_built(database: Database, engine: OpenSearchEngine, url: str) -> None:
    """Build the indices where they are not there, or of another version. Raises Unavailable."""
    if await is_built(engine):
        return
    try:
        logger.info("The indices of OpenSearch are built.")
        count = await build(database, engine, url)
    except BuildRunning:
        return
    logger.info("The indices of OpenSearch are built, of %d objects.", count)
