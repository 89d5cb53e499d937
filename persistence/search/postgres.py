"""Searches the index in Postgres, which lies beside the objects and is written with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.search.query import Query
from domain.search.ranking import Hit
from domain.search.scope import SearchScope
from persistence.engine.database import Database
from persistence.search.port import SearchResult
from persistence.search.statements import FIND
from persistence.search.steps import Lookup, WantedWord, run_search, scope_params, to_hit, words_of
from persistence.search.vectors import all_of, any_of, term_query


class PostgresSearch:
    """Implements `persistence.search.port.SearchIndex`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, scope: SearchScope, query: Query, *, as_of: datetime) -> SearchResult:
        """The best hits of a query."""
        return await run_search(self._database, _PostgresFinder(self._database), scope, query, as_of)


class _PostgresFinder:
    """Implements `persistence.search.steps.Finder`: one statement finds candidates and lets through what is visible."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, lookup: Lookup) -> list[Hit]:
        """Hits of one lookup."""
        params = {**lookup.scope_params, **_text_params(lookup.wanted, title=lookup.title, is_all=lookup.is_all)}
        return [to_hit(row) for row in await self._database.fetch(FIND, **params)]


def find_params(scope: SearchScope, query: Query, *, as_of: datetime) -> dict[str, Any]:
    """The parameters of `FIND` for a query as it is written."""
    return {**scope_params(scope, as_of), **_text_params(words_of(query), title=query.title, is_all=True)}


def _text_params(wanted: Sequence[WantedWord], *, title: str, is_all: bool) -> dict[str, Any]:
    by_place: dict[int, list[str]] = {}
    for each in wanted:
        by_place.setdefault(each.word.place, []).append(term_query(each.term))
    alternatives = [any_of(queries) if len(queries) > 1 else queries[0] for queries in by_place.values()]
    return {
        "query": all_of(alternatives) if is_all else any_of(alternatives),
        "words": [term_query(each.term) for each in wanted],
        "title_words": [term_query(each.term, in_title=True) for each in wanted],
        "title": title,
    }
