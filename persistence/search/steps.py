"""Finds what a query means: as it is written; else with typing errors corrected; else by any of its words.

The steps are the same whatever index is asked (`Finder`), and so are people and teams, exact keys, corrections and ranks, which
need none.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from domain.collation import SEPARATOR
from domain.search.query import Query, Term
from domain.search.ranking import Hit, Word, rank
from domain.search.scope import SearchScope
from domain.search.tokens import is_unspaced
from domain.search.typo import distance, is_correctable, lookup_keys, max_errors
from persistence.engine.database import Database
from persistence.search.name_statements import FIND_KEY, FIND_NAMES, SIMILAR_TERMS
from persistence.search.port import SearchResult
from persistence.search.statements import MAX_HITS

_MAX_CORRECTIONS: Final = 4
"""Of one word."""
_MAX_WORDS: Final = 20
"""Of a query with its corrections: each has a bit in what hits say of themselves."""
_SOURCES: Final = ("Task", "Document", "Project", "Comment", "Attachment")


@dataclass(frozen=True, slots=True)
class WantedWord:
    """One word of the query, or a correction of it."""

    term: Term
    word: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """
    One question to an index: objects that have a wanted word for every place of the query, or, unless `is_all`, for any.

    `scope_params` are those of `scope_params`; objects whose title begins with `title`, unless it is empty, are found too.
    """

    scope_params: Mapping[str, Any]
    wanted: Sequence[WantedWord]
    title: str
    is_all: bool
    as_of: datetime


class Finder(Protocol):
    """Asks one index. A finder belongs to one search."""

    async def find(self, lookup: Lookup) -> list[Hit]:
        """Hits of tasks, documents, projects, comments and files that the viewer may see now."""
        ...


async def run_search(database: Database, finder: Finder, scope: SearchScope, query: Query, as_of: datetime) -> SearchResult:
    """The best hits of a query, `MAX_HITS` at most. `database`: as the viewer sees it."""
    if query.is_empty or not scope.types:
        return SearchResult(())
    steps = _Steps(database, finder, scope, query, as_of)
    wanted = words_of(query)
    found = await steps.find(wanted, is_all=True, is_first=True)
    if found:
        return steps.ranked(found, wanted)
    corrected = await _with_corrections(database.whole, wanted)
    if len(corrected) > len(wanted):
        found = await steps.find(corrected, is_all=True)
    if not found and len(query.terms) > 1:
        found = await steps.find(corrected, is_all=False)
    if not found:
        return SearchResult(())
    return replace(steps.ranked(found, corrected), suggestion=_suggestion(found, corrected, query))


def words_of(query: Query) -> list[WantedWord]:
    """The words of a query as it is written."""
    return [WantedWord(term, Word(place)) for place, term in enumerate(query.terms)]


@dataclass(frozen=True, slots=True)
class _Steps:
    """One search."""

    database: Database
    finder: Finder
    scope: SearchScope
    query: Query
    as_of: datetime

    def ranked(self, found: Sequence[Hit], wanted: Sequence[WantedWord]) -> SearchResult:
        """The hits, best first."""
        ranked = rank(found, [each.word for each in wanted], self.query.title, self.as_of)[:MAX_HITS]
        return SearchResult(ranked, [each.term for each in wanted])

    async def find(self, wanted: Sequence[WantedWord], *, is_all: bool, is_first: bool = False) -> list[Hit]:
        """Hits of all types that match every place of the query, or, unless `is_all`, any; the key and titles only at first."""
        params = scope_params(self.scope, self.as_of)
        everything = (1 << len(wanted)) - 1
        title = self.query.title if is_first else ""
        lookup = Lookup(scope_params=params, wanted=wanted, title=title, is_all=is_all, as_of=self.as_of)
        parts = [self.finder.find(lookup)]
        if is_all and self._names_are_searched:
            parts.append(self._find_names(params, wanted, everything))
        if is_first and self.query.task_key is not None:
            parts.append(self._find_key(params, everything))
        return [hit for hits in await asyncio.gather(*parts) for hit in hits]

    @property
    def _names_are_searched(self) -> bool:
        scope = self.scope
        return not scope.is_about_tasks and scope.project_ids is None and not {"User", "Team"}.isdisjoint(scope.types)

    async def _find_names(self, params: Mapping[str, Any], wanted: Sequence[WantedWord], everything: int) -> list[Hit]:
        words = [(_as_beginning(word), each.word.place * 100 + nr) for each in wanted for nr, word in enumerate(each.term.words)]
        rows = await self.database.fetch(
            FIND_NAMES, **params, names=[each for each, _ in words], name_places=[each for _, each in words]
        )
        return [_to_name_hit(row, everything) for row in rows]

    async def _find_key(self, params: Mapping[str, Any], everything: int) -> list[Hit]:
        rows = await self.database.fetch(FIND_KEY, **params, key=self.query.task_key)
        return [_to_key_hit(row, everything) for row in rows]


def _as_beginning(word: str) -> str:
    """A word as it is looked for in names: at the beginning of a word, in scripts that have such."""
    return word if is_unspaced(word) else f" {word}"


def to_hit(row: Any) -> Hit:
    """A row of `persistence.search.hit_statements.visible_hits`."""
    return Hit(
        type_name=row["type_name"],
        id=row["target_id"],
        source_type=row["source_type"],
        source_id=row["source_id"],
        title_key=row["title_key"],
        matched=row["matched"],
        in_title=row["in_title"],
        proximity=row["proximity"],
        **_task_columns(row),
    )


def _to_name_hit(row: Any, everything: int) -> Hit:
    return Hit(
        type_name=row["type_name"],
        id=row["target_id"],
        source_type=row["type_name"],
        source_id=row["target_id"],
        title_key=row["name"].partition(SEPARATOR)[0],
        matched=everything,
        in_title=everything,
        proximity=1.0,
        updated_at=row["updated_at"],
        status=row["status"],
    )


def _to_key_hit(row: Any, everything: int) -> Hit:
    return Hit(
        type_name="Task",
        id=row["target_id"],
        source_type="Task",
        source_id=row["target_id"],
        matched=everything,
        in_title=everything,
        is_key=True,
        **_task_columns(row),
    )


def _task_columns(row: Any) -> dict[str, Any]:
    names = ("updated_at", "team_id", "project_id", "status", "priority", "assignee_id", "author_id")
    return {**{name: row[name] for name in names}, "label_ids": tuple(row["label_ids"] or ())}


def scope_params(scope: SearchScope, as_of: datetime) -> dict[str, Any]:
    """What the statements of a search have in common: the viewer and the filter."""
    return {
        "viewer": scope.viewer_id,
        "sources": [each for each in _SOURCES if _is_searched(scope, each)],
        "types": list(scope.types),
        "subjects": list(scope.subjects),
        "teams": _listed(scope.team_ids),
        "projects": _listed(scope.project_ids),
        "assignees": _listed(scope.assignee_ids),
        "labels": _listed(scope.label_ids),
        "statuses": _listed(scope.statuses),
        "updated_after": scope.updated_after,
        "updated_before": scope.updated_before,
        "as_of": as_of,
    }


def _is_searched(scope: SearchScope, source: str) -> bool:
    """Whether entries of a type can lead to what is looked for."""
    if source == "Attachment":
        return bool({"Task", "Document", "Comment"} & set(scope.types))
    return source in scope.types and (source == "Task" or not scope.is_about_tasks)


def _listed(values: Sequence[UUID] | Sequence[str] | None) -> list[Any] | None:
    return None if values is None else list(values)


# ── corrections ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def _with_corrections(database: Database, wanted: Sequence[WantedWord]) -> list[WantedWord]:
    """The words of a query, and for each the known words from which it differs by typing errors.

    Known words are those of all teams: which of them stand in what the viewer may see, the search itself decides.
    """
    corrected = list(wanted)
    for each in wanted:
        word = each.term.words[0]
        if each.term.is_phrase or not is_correctable(word):
            continue
        limit = max_errors(word)
        rows = await database.fetch(SIMILAR_TERMS, keys=lookup_keys(word))
        near = sorted(
            (distance(word, row[0], limit), row[0] != word, row[0][0] != word[0], row[0]) for row in rows if row[0] != word
        )
        corrections = [(errors, term) for errors, _, _, term in near if errors <= limit][:_MAX_CORRECTIONS]
        room = _MAX_WORDS - len(corrected)
        corrected += [WantedWord(Term((term,)), Word(each.word.place, errors)) for errors, term in corrections[:room]]
    return corrected


def _suggestion(found: Sequence[Hit], wanted: Sequence[WantedWord], query: Query) -> str | None:
    """The query with each word replaced by the correction that most of what was found has; None where none is."""
    words = []
    is_corrected = False
    for place, term in enumerate(query.terms):
        best: tuple[int, int, str] | None = None
        for number, each in enumerate(wanted):
            if each.word.place != place:
                continue
            count = sum(1 for hit in found if hit.matched >> number & 1)
            if count and (best is None or (-each.word.errors, count) > best[:2]):
                best = (-each.word.errors, count, " ".join(each.term.words))
        written = " ".join(term.words)
        words.append(written if best is None else best[2])
        is_corrected |= best is not None and best[0] < 0
    return " ".join(words) if is_corrected else None
