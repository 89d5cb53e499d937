"""The port of searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.search.query import Query, Term
from domain.search.ranking import RankedHit
from domain.search.scope import SearchScope


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, and another query where the one that was given finds nothing as it is written."""

    hits: Sequence[RankedHit]
    terms: Sequence[Term] = ()
    """What was looked for, corrections included, for highlights."""
    suggestion: str | None = None
    is_degraded: bool = False
    """Whether Postgres answered in place of a search engine that cannot be asked now."""


class SearchIndex(Protocol):
    """Finds objects that the viewer may see at that moment, however old what it has indexed is."""

    async def search(self, scope: SearchScope, query: Query, *, as_of: datetime) -> SearchResult:
        """The best hits of a query, each object once and some hundreds at most; what was written after `as_of` may be left out.

        Equal calls give equal results while nothing is written. Raises Unavailable.
        """
        ...
