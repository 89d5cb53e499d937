"""Searches the index in Postgres, which lies beside the objects and is written with them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from domain.search.query import Query, Term
from domain.search.ranking import Hit
from domain.search.scope import SearchScope
from persistence.engine.database import Database
from persistence.engine.principal_database import as_seen_by
from persistence.search.frequencies import Frequencies, FrequencyReader
from persistence.search.port import SearchResult
from persistence.search.statements import FIND, PERIODS
from persistence.search.steps import Lookup, run_search, scope_params, to_hit, words_of
from persistence.search.vectors import all_of, any_of, term_query

_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


class PostgresSearch:
    """Implements `persistence.search.port.SearchIndex`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._frequencies = FrequencyReader(database)

    async def search(self, scope: SearchScope, query: Query, *, as_of: datetime) -> SearchResult:
        """The best hits of a query."""
        database = as_seen_by(self._database, scope.viewer_id)
        finder = _PostgresFinder(database, await self._frequencies.read())
        return await run_search(database, finder, scope, query, as_of)


class _PostgresFinder:
    """Implements `persistence.search.steps.Finder`: one statement finds candidates and lets through what is visible."""

    def __init__(self, database: Database, frequencies: Frequencies) -> None:
        self._database = database
        self._frequencies = frequencies

    async def find(self, lookup: Lookup) -> list[Hit]:
        """Hits of one lookup."""
        return [to_hit(row) for row in await self._database.fetch(FIND, **_params(lookup, self._frequencies))]


def find_params(scope: SearchScope, query: Query, *, as_of: datetime, frequencies: Frequencies | None = None) -> dict[str, Any]:
    """The parameters of `FIND` for a query as it is written."""
    wanted = words_of(query)
    lookup = Lookup(scope_params=scope_params(scope, as_of), wanted=wanted, title=query.title, is_all=True, as_of=as_of)
    return _params(lookup, frequencies or Frequencies())


def _params(lookup: Lookup, frequencies: Frequencies) -> dict[str, Any]:
    by_place: dict[int, list[Term]] = {}
    for each in lookup.wanted:
        by_place.setdefault(each.word.place, []).append(each.term)
    alternatives = [[term_query(term) for term in terms] for terms in by_place.values()]
    places = [any_of(queries) if len(queries) > 1 else queries[0] for queries in alternatives]
    ages = [(lookup.as_of - timedelta(days=start), lookup.as_of - timedelta(days=end)) for start, end in PERIODS]
    return {
        **lookup.scope_params,
        **frequencies.params(by_place.values(), is_all=lookup.is_all),
        "query": all_of(places) if lookup.is_all else any_of(places),
        "words": [term_query(each.term) for each in lookup.wanted],
        "title_words": [term_query(each.term, in_title=True) for each in lookup.wanted],
        "title": lookup.title,
        "periods_until": [until for until, _ in ages],
        "periods_after": [*(after for _, after in ages[:-1]), _LONG_AGO],
    }
