"""Estimates how many entries have the words of a query, from what the planner of Postgres knows of the table.

ANALYZE remembers the thousand most frequent words and the places with most entries. A word that it does not know is rare; how
many entries of a viewer have a frequent one depends on the places that they see, so both are multiplied, where the search is
done (`persistence.search.statements`).
"""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ARRAY, Double, Text, bindparam, cast, column, func, select, table
from sqlalchemy import literal_column as literal

from domain.search.query import Term
from domain.search.tokens import is_unspaced, variants
from persistence.engine.database import Database
from persistence.engine.statement import Statement

MAX_LISTED_ENTRIES: Final = 20_000
"""So many entries of one type the inverted index may list."""
KEPT_SECONDS: Final = 300.0
_stats = table(
    "pg_stats",
    *(column(name) for name in ("schemaname", "tablename", "attname", "n_distinct")),
    *(column(name) for name in ("most_common_vals", "most_common_freqs", "most_common_elems", "most_common_elem_freqs")),
)
_class = table("pg_class", column("oid"), column("reltuples"))
_READ = Statement(
    select(
        cast(_class.c.reltuples, Double).label("entries"),
        _stats.c.attname,
        cast(_stats.c.n_distinct, Double).label("n_distinct"),
        cast(cast(func.coalesce(_stats.c.most_common_elems, _stats.c.most_common_vals), Text), ARRAY(Text)).label("values"),
        cast(func.coalesce(_stats.c.most_common_elem_freqs, _stats.c.most_common_freqs), ARRAY(Double)).label("shares"),
    )
    .select_from(_stats.join(_class, _class.c.oid == literal("'search_entries'::regclass")))
    .where(
        _stats.c.schemaname == func.current_schema(),
        _stats.c.tablename == literal("'search_entries'"),
        _stats.c.attname == func.any(bindparam("names", type_=ARRAY(Text))),
    )
)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """
    The number of entries, the share of them that has each frequent word, and the share that lies in each large place and in any
    other. Without statistics nothing is frequent.
    """

    entries: float = 0.0
    words: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[str, float] = field(default_factory=dict)
    other_place: float = 0.0

    def share_of(self, term: Term) -> float:
        """About which share of the entries has a term."""
        if term.is_phrase:
            return min(self.words.get(each, 0.0) for each in term.words)
        word = term.words[0]
        if term.is_unfinished or (is_unspaced(word) and len(word) == 1):
            return min(1.0, sum(share for known, share in self.words.items() if known.startswith(word)))
        return min(1.0, sum(self.words.get(each, 0.0) for each in (word, *variants(word))))

    def params(self, places: Iterable[Sequence[Term]], *, is_all: bool) -> dict[str, Any]:
        """
        The parameters of a search for terms, given by their places in the query.

        `min_sampled_share`: where a type has at least this share of all entries, more of its entries than the inverted index may
        list are expected to match.
        """
        shares = [min(1.0, sum(map(self.share_of, terms))) for terms in places]
        share = min(shares) if is_all else min(1.0, sum(shares))
        expected = share * self.entries
        return {
            "min_sampled_share": MAX_LISTED_ENTRIES / expected if expected > MAX_LISTED_ENTRIES else math.inf,
            "common_places": list(self.places),
            "common_shares": list(self.places.values()),
            "other_share": self.other_place,
        }


class FrequencyReader:
    """Reads frequencies, and keeps them for five minutes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = Frequencies()
        self._read_again_at = -math.inf

    async def read(self) -> Frequencies:
        """What is known; one caller waits while it is read again. Raises Unavailable."""
        now = time.monotonic()
        if now >= self._read_again_at:
            self._read_again_at = now + KEPT_SECONDS
            self._known = to_frequencies(await self._database.fetch(_READ, names=["place", "tokens"]))
        return self._known


def to_frequencies(rows: Sequence[Mapping[str, Any]]) -> Frequencies:
    """The statistics of the two columns."""
    known = {row["attname"]: row for row in rows if row["values"]}
    entries = max((row["entries"] for row in rows), default=0.0)
    words = _shares(known.get("tokens"))
    places = _shares(known.get("place"))
    other = 0.0
    if (row := known.get("place")) is not None:
        distinct = row["n_distinct"] if row["n_distinct"] >= 0 else -row["n_distinct"] * entries
        other = max(0.0, 1.0 - sum(places.values())) / max(1.0, distinct - len(places))
    return Frequencies(entries, words, places, other)


def _shares(row: Mapping[str, Any] | None) -> dict[str, float]:
    # Of elements, the lowest and highest share stand behind those of all.
    return {} if row is None else dict(zip(row["values"], row["shares"], strict=False))
