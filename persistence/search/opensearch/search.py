"""Searches with OpenSearch, and in Postgres while it cannot be asked.

OpenSearch finds candidates among the projects that the viewer may see by Postgres' rights of now. Then a statement joins them
with their objects, by the same rights, and only what it returns is ranked, counted, suggested or shown: an index that lags, or
that somebody has filled with something else, leaks nothing.

What is not answered whole and in time, 250 ms for all calls of a search, is answered from Postgres, whose index is written with
the objects. The same is done while the index lags by more than 5 seconds behind what the viewer may see; the result says so.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from domain.search.query import Query
from domain.search.ranking import Hit
from domain.search.scope import SearchScope
from persistence.engine.database import Database
from persistence.engine.principal_database import as_seen_by
from persistence.search.opensearch import queries
from persistence.search.opensearch.breaker import CircuitBreaker
from persistence.search.opensearch.engine import OpenSearchEngine, OpenSearchUnavailable
from persistence.search.opensearch.indices import KINDS, IndexKind, to_instant
from persistence.search.opensearch.queries import Candidate, Json
from persistence.search.opensearch.statements import FIND_AMONG, READABLE
from persistence.search.port import SearchIndex, SearchResult
from persistence.search.statements import MAX_CANDIDATES
from persistence.search.steps import Lookup, run_search, to_hit

SEARCH_SECONDS: Final = 0.25
"""How long all calls of a search may take together."""
MAX_LAG_SECONDS: Final = 5.0
MAX_PROJECTS: Final = 20_000
"""So many ids one query may name."""
logger = logging.getLogger(__name__)


class IndexOutdated(Exception):
    """The index lacks what the viewer may expect to find, or they see too much for one query."""


@dataclass(slots=True)
class SearchCounts:
    """How many searches were answered by OpenSearch, and how many by Postgres in its place."""

    answered: int = 0
    degraded: int = 0


class OpenSearchSearch:
    """Implements `persistence.search.port.SearchIndex`."""

    def __init__(
        self,
        database: Database,
        engine: OpenSearchEngine,
        fallback: SearchIndex,
    ) -> None:
        self._database = database
        self._engine = engine
        self._fallback = fallback
        self.search_seconds = SEARCH_SECONDS
        self.breaker = CircuitBreaker(time.monotonic)
        self.counts = SearchCounts()

    async def search(self, scope: SearchScope, query: Query, *, as_of: datetime) -> SearchResult:
        """The best hits of a query."""
        if self.breaker.allows():
            database = as_seen_by(self._database, scope.viewer_id)
            finder = _OpenSearchFinder(database, self._engine, self.search_seconds)
            try:
                found = await run_search(database, finder, scope, query, as_of)
            except OpenSearchUnavailable as error:
                was_open = self.breaker.is_open
                self.breaker.fail()
                if self.breaker.is_open and not was_open:
                    logger.warning("OpenSearch is left alone for a while; Postgres answers: %s", error.reason)
            except IndexOutdated as error:
                logger.info("Postgres answers in place of OpenSearch: %s", error)
            else:
                self.breaker.succeed()
                self.counts.answered += 1
                return found
        self.counts.degraded += 1
        return replace(await self._fallback.search(scope, query, as_of=as_of), is_degraded=True)


class _OpenSearchFinder:
    """Implements `persistence.search.steps.Finder`."""

    def __init__(self, database: Database, engine: OpenSearchEngine, seconds: float) -> None:
        self._database = database
        self._engine = engine
        self._seconds_left = seconds
        self._projects: list[str] | None = None

    async def find(self, lookup: Lookup) -> list[Hit]:
        """Hits of one lookup."""
        if self._projects is None:
            self._projects = await self._readable_projects(lookup.scope_params)
        if not self._projects:
            return []
        found = await self._candidates(lookup, self._projects)
        if not found:
            return []
        given = [
            {"id": each.id, "matched": each.matched, "in_title": each.in_title, "proximity": each.proximity} for each in found
        ]
        return [to_hit(row) for row in await self._database.fetch(FIND_AMONG, **lookup.scope_params, candidates=given)]

    async def _readable_projects(self, params: Mapping[str, Any]) -> list[str]:
        row = await self._database.whole.fetch_row(READABLE, **params)
        if row["lag_seconds"] > MAX_LAG_SECONDS:
            raise IndexOutdated(f"the index lags by {row['lag_seconds']:.0f} s.")
        projects = [str(each) for each in row["projects"] or ()]
        if len(projects) > MAX_PROJECTS:
            raise IndexOutdated(f"the viewer sees {len(projects)} projects.")
        return projects

    async def _candidates(self, lookup: Lookup, projects: Sequence[str]) -> list[Candidate]:
        """The best candidates, each object once."""
        asked = _searched_kinds(lookup.scope_params["sources"])
        filters = {kind.name: _filters(kind, types, projects, lookup.as_of) for kind, types in asked}
        kinds = [kind for kind, _ in asked]
        if not lookup.is_all:
            found = await self._ask(queries.best, lookup, kinds, filters)
        else:
            found = await self._ask(queries.newest, lookup, kinds, filters)
            frequent = [kind for kind, hits in zip(kinds, found, strict=True) if len(hits) >= queries.NEWEST_HITS]
            if frequent:
                found += await self._ask(queries.newest_in_title, lookup, frequent, filters)
        unique = {each.id: each for hits in found for each in hits}
        return sorted(unique.values(), key=lambda each: each.key)[:MAX_CANDIDATES]

    async def _ask(
        self,
        to_query: Callable[[Lookup, Sequence[Json]], Json],
        lookup: Lookup,
        kinds: Sequence[IndexKind],
        filters: Mapping[str, Sequence[Json]],
    ) -> list[list[Candidate]]:
        """The hits of one query in some indices."""
        if not kinds:
            return []
        loop = asyncio.get_running_loop()
        began = loop.time()
        searches = [(kind, to_query(lookup, filters[kind.name])) for kind in kinds]
        if self._seconds_left <= 0:
            raise OpenSearchUnavailable("The search takes too long.")
        answers = await self._engine.search_all(searches, seconds=self._seconds_left)
        self._seconds_left -= loop.time() - began
        try:
            return [[queries.to_candidate(hit) for hit in hits] for hits in answers]
        except (KeyError, IndexError, ValueError, TypeError) as error:  # of an index with a mapping that is not ours
            raise OpenSearchUnavailable(f"A hit cannot be read: {error!r}") from error


def _searched_kinds(sources: Sequence[str]) -> list[tuple[IndexKind, list[str]]]:
    """The indices to ask, and the types that are looked for there."""
    found = [(kind, [each for each in kind.types if each in sources]) for kind in KINDS]
    return [(kind, types) for kind, types in found if types]


def _filters(kind: IndexKind, types: Sequence[str], projects: Sequence[str], as_of: datetime) -> list[Json]:
    filters: list[Json] = [{"terms": {"project_id": projects}}]
    if len(types) < len(kind.types):
        filters.append({"terms": {"type": list(types)}})
    if as_of < datetime.now(UTC):  # on a later page
        filters.append({"range": {"at": {"lte": to_instant(as_of)}}})
    return filters
