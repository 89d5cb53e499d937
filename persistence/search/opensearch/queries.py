"""Writes searches as queries of OpenSearch, and reads what they found.

Each word, in the title (`t0`) and in the text (`x0`), is a query with a name: a hit says which of them it matches, as
candidates of the index in Postgres do. Scores of OpenSearch only choose candidates; results are ranked by
`domain.search.ranking`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.search.entry import MAX_TITLE_KEY_CHARS
from domain.search.query import Term
from domain.search.tokens import is_unspaced, variants
from persistence.search.steps import Lookup, WantedWord

Json = dict[str, Any]
NEWEST_HITS: Final = 150
"""How many matches are asked for, the newest first; where there are as many, those with the words in the title are asked for."""
BEST_HITS: Final = 350
"""How many are asked for of those that match some of the words."""
_MAX_EXPANSIONS: Final = 200
"""Endings that the last word of an unfinished phrase may have."""
_NEAR_WORDS: Final = 8
_PROXIMITY: Final = {"side": 1.0, "near": 0.4}
_FIELDS: Final = (("t", "title"), ("x", "text"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A hit of OpenSearch: an object, and which words it matches."""

    type_name: str
    id: UUID
    at: int
    matched: int
    in_title: int
    proximity: float
    has_title: bool

    @property
    def key(self) -> tuple[Any, ...]:
        """What candidates sort by, the best first: as in Postgres."""
        return (not self.has_title, -self.matched.bit_count(), -self.in_title.bit_count(), -self.at, self.id)


def newest(lookup: Lookup, filters: Sequence[Json]) -> Json:
    """The newest objects that have all words, or whose title begins with the query."""
    found = [_places(lookup.wanted, _FIELDS), *_begins(lookup.title)]
    return _by_time({"filter": filters, "should": found, "minimum_should_match": 1}, lookup)


def newest_in_title(lookup: Lookup, filters: Sequence[Json]) -> Json:
    """The newest objects that have all words in the title, or whose title begins with the query."""
    found = [_places(lookup.wanted, _FIELDS[:1]), *_begins(lookup.title)]
    return _by_time(
        {"filter": filters, "should": found, "minimum_should_match": 1}, lookup, names=_places(lookup.wanted, _FIELDS)
    )


def best(lookup: Lookup, filters: Sequence[Json]) -> Json:
    """Objects that have any word: those with the most and the rarest."""
    found = [_named(number, each.term, _FIELDS) for number, each in enumerate(lookup.wanted)]
    return _body({"filter": filters, "should": found, "minimum_should_match": 1}, BEST_HITS, ["_score"])


def _by_time(query: Json, lookup: Lookup, *, names: Json | None = None) -> Json:
    near = [] if len(lookup.wanted) < 2 else _near([each.term for each in lookup.wanted])
    # Sorting needs no score, so what only has a name is not compared but with the hits.
    named = {"bool": {"must": [{"bool": query}], "should": [*near, *([] if names is None else [names])]}}
    return _body(named["bool"], NEWEST_HITS, [{"at": "desc"}])


def _body(query: Json, size: int, sort: list[Any]) -> Json:
    return {
        "query": {"bool": query},
        "size": size,
        "sort": sort,
        "track_total_hits": False,
        "_source": False,
        "stored_fields": "_none_",
        "docvalue_fields": ["id", "type", "at"],
    }


def _places(wanted: Sequence[WantedWord], fields: Sequence[tuple[str, str]]) -> Json:
    """For every place of the query one of its words."""
    places: dict[int, list[Json]] = {}
    for number, each in enumerate(wanted):
        places.setdefault(each.word.place, []).append(_named(number, each.term, fields))
    return {"bool": {"filter": [each[0] if len(each) == 1 else _any(each) for each in places.values()]}}


def _named(number: int, term: Term, fields: Sequence[tuple[str, str]]) -> Json:
    return _any([{"bool": {"filter": [_term(term, field)], "_name": f"{letter}{number}"}} for letter, field in fields])


def _any(queries: Sequence[Json]) -> Json:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _begins(title: str) -> list[Json]:
    """Titles that begin with the query; none, where it is longer than any. (OpenSearch refuses prefixes of a thousand bytes.)"""
    if not title or len(title) > MAX_TITLE_KEY_CHARS:
        return []
    return [{"prefix": {"start": {"value": title, "_name": "start"}}}]


def _term(term: Term, field: str) -> Json:
    """A term in one field; the same as `persistence.search.vectors.term_query`."""
    last = len(term.words) - 1
    if all(map(is_unspaced, term.words)) and term.is_phrase:
        parts = [_word(word, field, is_open=term.is_unfinished and place == last) for place, word in enumerate(term.words)]
        return {"bool": {"filter": parts}}
    if term.is_phrase:
        return _phrase(term.words, field, is_open=term.is_unfinished, slop=0)
    word = term.words[0]
    forms = [] if is_unspaced(word) else list(variants(word))
    if not forms or term.is_unfinished:
        queries = [_word(word, field, is_open=term.is_unfinished), *(_word(each, field) for each in forms)]
        return queries[0] if len(queries) == 1 else _any(queries)
    return {"terms": {field: [word, *forms]}}


def _word(word: str, field: str, *, is_open: bool = False) -> Json:
    if is_open or (is_unspaced(word) and len(word) == 1):  # pairs begin with it
        return {"prefix": {field: {"value": word}}}
    return {"term": {field: {"value": word}}}


def _phrase(words: Sequence[str], field: str, *, is_open: bool, slop: int) -> Json:
    options: Json = {"query": " ".join(words), "slop": slop, "analyzer": "whitespace"}
    if is_open:
        return {"match_phrase_prefix": {field: {**options, "max_expansions": _MAX_EXPANSIONS}}}
    return {"match_phrase": {field: options}}


def _near(terms: Sequence[Term]) -> list[Json]:
    """Whether all words stand side by side, or near each other."""
    words = [word for term in terms for word in term.words]
    found = []
    for name, slop in (("side", 0), ("near", _NEAR_WORDS)):
        phrases = [_phrase(words, field, is_open=terms[-1].is_unfinished, slop=slop) for _, field in _FIELDS]
        found.append({"bool": {"should": phrases, "minimum_should_match": 1, "_name": name}})
    return found


def to_candidate(hit: Mapping[str, Any]) -> Candidate:
    """A hit of an answer."""
    fields, names = hit["fields"], hit.get("matched_queries", ())
    matched = in_title = 0
    proximity = 0.0
    for name in names:
        if name in _PROXIMITY:
            proximity = max(proximity, _PROXIMITY[name])
        elif name != "start":
            bit = 1 << int(name[1:])
            matched |= bit
            if name[0] == "t":
                in_title |= bit
    return Candidate(
        fields["type"][0], UUID(fields["id"][0]), int(fields["at"][0]), matched, in_title, proximity, "start" in names
    )
