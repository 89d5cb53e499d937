"""Finds what a query means in Postgres: as it is written; else with typing errors corrected; else by any of its words."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.collation import SEPARATOR
from domain.search.query import Query, Term
from domain.search.ranking import Hit, Word, rank
from domain.search.scope import SearchScope
from domain.search.tokens import is_unspaced
from domain.search.typo import distance, is_correctable, lookup_keys, max_errors
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.search.name_statements import FIND_KEY, FIND_NAMES, SIMILAR_TERMS
from persistence.search.port import SearchResult
from persistence.search.statements import FIND, MAX_HITS
from persistence.search.vectors import all_of, any_of, term_query

_MAX_CORRECTIONS: Final = 4
"""Of one word."""
_MAX_WORDS: Final = 20
"""Of a query with its corrections: each has a bit in what hits say of themselves."""
_SOURCES: Final = ("Task", "Document", "Project", "Comment", "Attachment")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One word of the query, or a correction of it."""

    term: Term
    word: Word


class PostgresSearch:
    """Searches the index that lies beside the objects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, scope: SearchScope, query: Query, *, as_of: datetime) -> SearchResult:
        """The best hits of a query, `MAX_HITS` at most."""
        return await _search(self._database, scope, query, as_of)


async def _search(database: Database, scope: SearchScope, query: Query, as_of: datetime) -> SearchResult:
    if query.is_empty or not scope.types:
        return SearchResult(())
    wanted = [_Wanted(term, Word(place)) for place, term in enumerate(query.terms)]
    params = _scope_params(scope, as_of)
    found = await _find(database, scope, params, query, wanted, is_all=True, with_key=True)
    if found:
        return _ranked(found, wanted, query, as_of)
    corrected = await _with_corrections(database, wanted)
    if len(corrected) > len(wanted):
        found = await _find(database, scope, params, query, corrected, is_all=True)
    if not found and len(query.terms) > 1:
        found = await _find(database, scope, params, query, corrected, is_all=False)
    if not found:
        return SearchResult(())
    return replace(_ranked(found, corrected, query, as_of), suggestion=_suggestion(found, corrected, query))


def _ranked(found: Sequence[Hit], wanted: Sequence[_Wanted], query: Query, as_of: datetime) -> SearchResult:
    ranked = rank(found, [each.word for each in wanted], query.title, as_of)[:MAX_HITS]
    return SearchResult(ranked, [each.term for each in wanted])


async def _find(
    database: Database,
    scope: SearchScope,
    params: Mapping[str, Any],
    query: Query,
    wanted: Sequence[_Wanted],
    *,
    is_all: bool,
    with_key: bool = False,
) -> list[Hit]:
    """Hits that match every place of the query, or, unless `is_all`, any."""
    everything = (1 << len(wanted)) - 1
    text_params = {**params, **_text_params(wanted, title=query.title if with_key else "", is_all=is_all)}
    statements: list[tuple[Statement, dict[str, Any]]] = [(FIND, text_params)]
    names_searched = is_all and not scope.is_about_tasks and scope.project_ids is None and {"User", "Team"} & set(scope.types)
    if names_searched:
        words = [(_as_beginning(word), each.word.place * 100 + nr) for each in wanted for nr, word in enumerate(each.term.words)]
        statements.append(
            (FIND_NAMES, {**params, "names": [each for each, _ in words], "name_places": [each for _, each in words]})
        )
    if with_key and query.task_key is not None:
        statements.append((FIND_KEY, {**params, "key": query.task_key}))
    answers = await asyncio.gather(*(database.fetch(statement, **given) for statement, given in statements))
    hits = []
    for (statement, _), rows in zip(statements, answers, strict=True):
        if statement is FIND:
            hits += [_to_hit(row) for row in rows]
        elif statement is FIND_NAMES:
            hits += [_to_name_hit(row, everything) for row in rows]
        else:
            hits += [_to_key_hit(row, everything) for row in rows]
    return hits


def _as_beginning(word: str) -> str:
    """A word as it is looked for in names: at the beginning of a word, in scripts that have such."""
    return word if is_unspaced(word) else f" {word}"


def find_params(scope: SearchScope, query: Query, *, as_of: datetime) -> dict[str, Any]:
    """The parameters of `FIND` for a query as it is written."""
    wanted = [_Wanted(term, Word(place)) for place, term in enumerate(query.terms)]
    return {**_scope_params(scope, as_of), **_text_params(wanted, title=query.title, is_all=True)}


def _text_params(wanted: Sequence[_Wanted], *, title: str, is_all: bool) -> dict[str, Any]:
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


def _to_hit(row: Any) -> Hit:
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


def _scope_params(scope: SearchScope, as_of: datetime) -> dict[str, Any]:
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


async def _with_corrections(database: Database, wanted: Sequence[_Wanted]) -> list[_Wanted]:
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
        corrected += [_Wanted(Term((term,)), Word(each.word.place, errors)) for errors, term in corrections[:room]]
    return corrected


def _suggestion(found: Sequence[Hit], wanted: Sequence[_Wanted], query: Query) -> str | None:
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
