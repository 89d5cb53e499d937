"""Resolves what is shown beside the results of a search: fragments of texts with matches, and counts by attributes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from domain.search.entry import plain
from domain.search.highlight import fragments
from domain.search.query import Term
from domain.search.ranking import Hit
from domain.search.tokens import is_unspaced, variants
from persistence.stores import attachment, label, project, team, user
from persistence.stores.document_queries import search_texts
from resolvers import ids
from resolvers.context import Context
from resolvers.inputs.search import SearchFacetField
from resolvers.search import SearchEdge, SearchPage

MAX_BUCKETS: Final = 50
_MAX_INLINE_CHARS: Final = 20_000
_SPANS: Final = (("P1D", "Past day", 1), ("P7D", "Past week", 7), ("P30D", "Past month", 30), ("P365D", "Past year", 365))
Wanted = Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Highlight:
    """The places of one text that match."""

    field: str
    fragments: Sequence[str]


@dataclass(frozen=True, slots=True)
class FacetBucket:
    """How many results have a value."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class SearchFacet:
    """The most frequent values of an attribute."""

    field: SearchFacetField
    buckets: Sequence[FacetBucket]


# ── highlights ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def highlights(context: Context, parents: Sequence[SearchEdge]) -> list[list[Highlight]]:
    """Where each result matches."""
    viewer = context.viewer.user_id
    document_ids = [each.ranked.hit.id for each in parents if each.ranked.hit.type_name == "Document"]
    file_ids = [id_ for each in parents for id_ in each.ranked.files]
    texts: Mapping[UUID, str] = await search_texts(context.database, viewer, document_ids) if document_ids else {}
    files: Mapping[UUID, Any] = await attachment.by_ids(context.database, viewer, file_ids) if file_ids else {}
    parts = [_texts_of(each, texts, files) for each in parents]
    if sum(len(text) for each in parts for _, text, _ in each) > _MAX_INLINE_CHARS:
        return await asyncio.to_thread(_highlight_all, parents, parts)
    return _highlight_all(parents, parts)


def _highlight_all(parents: Sequence[SearchEdge], parts: Sequence[Sequence[tuple[str, str, bool]]]) -> list[list[Highlight]]:
    found = []
    for edge, texts in zip(parents, parts, strict=True):
        wanted = _wanted(edge.terms)
        marked = [Highlight(field, cuts) for field, text, whole in texts if (cuts := fragments(text, wanted, is_whole=whole))]
        found.append(marked)
    return found


def _wanted(terms: Sequence[Term]) -> Wanted:
    wanted = []
    for term in terms:
        for place, word in enumerate(term.words):
            is_open = term.is_unfinished and place == len(term.words) - 1
            wanted.append((word, is_open or (is_unspaced(word) and len(word) == 1)))
        if not term.is_phrase:
            wanted += [(each, False) for each in variants(term.words[0])]
    return wanted


def _texts_of(edge: SearchEdge, texts: Mapping[UUID, str], files: Mapping[UUID, Any]) -> list[tuple[str, str, bool]]:
    """The texts of a result: name of the field, the text, and whether it is shown as a whole."""
    node = edge.node
    names = [("attachments", files[each].file_name, True) for each in edge.ranked.files if each in files]
    match node.type_name:
        case "User":
            return [("displayName", node.display_name, True), ("email", node.email_address, True)]
        case "Team" | "Project":
            return [("name", node.name, True), ("description", plain(node.description), False)]
        case "Task":
            return [("key", node.key, True), ("title", node.title, True), ("description", plain(node.description), False), *names]
        case "Document":
            return [("title", node.title, True), ("content", texts.get(node.id, ""), False), *names]
    return [("body", plain(node.body), False), *names]


# ── facets ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def facets(context: Context, parents: Sequence[SearchPage]) -> list[list[SearchFacet]]:
    """The counts of each search."""
    return [[await _facet(context, each, field) for field in each.facet_fields] for each in parents]


async def _facet(context: Context, page: SearchPage, field: SearchFacetField) -> SearchFacet:
    hits = [each.hit for each in page.result.hits]
    if field is SearchFacetField.UPDATED:
        counted = [
            (value, label_, sum(1 for hit in hits if hit.updated_at > page.now - timedelta(days=days)))
            for value, label_, days in _SPANS
        ]
        return SearchFacet(field, [FacetBucket(*each) for each in counted if each[2]])
    if field in _PLAIN:
        values = Counter(value for hit in hits if (value := _PLAIN[field](hit)) is not None)
        return SearchFacet(field, [FacetBucket(value, _words(value), count) for value, count in _first(values)])
    type_name, ids_of = _REFERENCES[field]
    counted_ids = Counter(id_ for hit in hits for id_ in ids_of(hit) if id_ is not None)
    chosen = _first(counted_ids)
    named = await _names(context, type_name, [id_ for id_, _ in chosen])
    buckets = [FacetBucket(ids.encode(type_name, id_), named[id_], count) for id_, count in chosen if id_ in named]
    return SearchFacet(field, buckets)


def _first(counted: "Counter[Any]") -> list[tuple[Any, int]]:
    """The most frequent values, equals by value."""
    return sorted(counted.items(), key=lambda pair: (-pair[1], str(pair[0])))[:MAX_BUCKETS]


_PLAIN: Final[Mapping[SearchFacetField, Callable[[Hit], str | None]]] = {
    SearchFacetField.TYPE: lambda hit: hit.type_name.upper(),
    SearchFacetField.STATUS: lambda hit: hit.status if hit.type_name == "Task" else None,
    SearchFacetField.PRIORITY: lambda hit: hit.priority if hit.type_name == "Task" else None,
}
_REFERENCES: Final[Mapping[SearchFacetField, tuple[str, Callable[[Hit], Sequence[UUID | None]]]]] = {
    SearchFacetField.TEAM: ("Team", lambda hit: [hit.team_id]),
    SearchFacetField.PROJECT: ("Project", lambda hit: [hit.project_id]),
    SearchFacetField.ASSIGNEE: ("User", lambda hit: [hit.assignee_id]),
    SearchFacetField.LABEL: ("Label", lambda hit: list(hit.label_ids)),
    SearchFacetField.AUTHOR: ("User", lambda hit: [hit.author_id]),
}


def _words(value: str) -> str:
    """`IN_PROGRESS` as people read it."""
    return value.replace("_", " ").capitalize()


async def _names(context: Context, type_name: str, wanted: Sequence[UUID]) -> dict[UUID, str]:
    """The names of objects that results name, as far as the viewer may see them."""
    if not wanted:
        return {}
    database, viewer = context.database, context.viewer.user_id
    match type_name:
        case "User":
            return {id_: row.display_name for id_, row in (await user.by_ids(context.services.database, wanted)).items()}
        case "Team":
            return {id_: row.name for id_, row in (await team.by_ids(database, viewer, wanted)).items()}
        case "Project":
            return {id_: row.name for id_, row in (await project.by_ids(database, viewer, wanted)).items()}
    return {id_: row.name for id_, row in (await label.by_ids(database, viewer, wanted)).items()}
