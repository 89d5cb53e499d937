"""Resolves searches: one list of results across all types, with highlights, facets and a suggestion."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Final

import orjson
import strawberry
from strawberry import UNSET

from domain.actor import Actor, Scope
from domain.errors import BadUserInput, CursorInvalid, LimitExceeded, PageTooLarge
from domain.page import DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS, PageInfo
from domain.search.query import Term, parse
from domain.search.ranking import RankedHit
from domain.search.scope import SearchScope
from persistence.search.port import SearchResult
from resolvers.context import Context
from resolvers.inputs.fields import MAX_IDS, to_values
from resolvers.inputs.search import SearchFacetField, SearchFilter, SearchOrder
from resolvers.inputs.search_type import TYPE_NAMES
from resolvers.node import find

Query = Annotated[
    str,
    strawberry.argument(
        description="Words, the last of which may be unfinished, and phrases in quotes; a task's key, an e-mail address or code. "
        "At most 500 characters."
    ),
]
Filter = Annotated[SearchFilter | None, strawberry.argument(description="Narrows the search.")]
OrderBy = Annotated[SearchOrder | None, strawberry.argument(description="The best matches first by default.")]
Facets = Annotated[list[SearchFacetField] | None, strawberry.argument(description="By what the results are counted.")]
First = Annotated[int | None, strawberry.argument(description="How many; 50 by default, 100 at most.")]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor of the same search.")]

MAX_FACETS: Final = 20
_CLOCK_SKEW = timedelta(seconds=1)
"""Entries that another process wrote a moment ago, by its own clock, are found too."""
_SCOPES: Final = {
    "User": Scope.TEAMS_READ,
    "Team": Scope.TEAMS_READ,
    "Project": Scope.PROJECTS_READ,
    "Task": Scope.TASKS_READ,
    "Document": Scope.DOCUMENTS_READ,
    "Comment": Scope.TASKS_READ,
}


@dataclass(frozen=True, slots=True)
class SearchEdge:
    """One result, and what was looked for."""

    cursor: str
    node: Any
    ranked: RankedHit
    terms: Sequence[Term]

    @property
    def score(self) -> float:
        """How well it matches; only comparable within one search."""
        return self.ranked.score


class SearchPage:
    """A page of the results, and all of them for counting."""

    def __init__(self, edges: list[SearchEdge], result: SearchResult, facets: Sequence[SearchFacetField], now: datetime) -> None:
        self.edges = edges
        self.result = result
        self.facet_fields = facets
        self.now = now
        self.has_next_page = False
        self.has_previous_page = False

    @property
    def nodes(self) -> list[Any]:
        """The objects of the page."""
        return [edge.node for edge in self.edges]

    @property
    def total_count(self) -> int:
        """How many objects were found."""
        return len(self.result.hits)

    @property
    def suggestion(self) -> str | None:
        """Another query, where the one that was given finds nothing as it is written."""
        return self.result.suggestion

    @property
    def degraded(self) -> bool:
        """Whether the database answered in place of a search engine."""
        return self.result.is_degraded

    @cached_property
    def page_info(self) -> PageInfo:
        """Where the page lies."""
        ends = self.edges
        return PageInfo(
            self.has_next_page, self.has_previous_page, ends[0].cursor if ends else None, ends[-1].cursor if ends else None
        )


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The place of a hit in one search, as of an instant."""

    as_of: datetime
    key: tuple[float, str]


async def page(
    context: Context,
    query: Query,
    filter: Filter = None,
    order_by: OrderBy = SearchOrder.RELEVANCE,
    facets: Facets = None,
    first: First = None,
    after: After = None,
) -> SearchPage:
    """What the viewer means by a query, among what they may see."""
    size = _page_rows(first)
    counted = list(dict.fromkeys(facets)) if facets else []
    if facets and len(facets) > MAX_FACETS:
        raise LimitExceeded(f"At most {MAX_FACETS} facets are allowed.", MAX_FACETS, path=("facets",))
    asked = parse(query)
    order = SearchOrder.RELEVANCE if order_by is None or order_by is UNSET else order_by
    scope = _scope(context.viewer, filter)
    tag = hashlib.sha256(repr((asked, scope, order.value)).encode()).hexdigest()[:12]
    cursor = None if after is None or after is UNSET else _decode_cursor(after, tag)
    as_of = context.now + _CLOCK_SKEW if cursor is None else cursor.as_of
    result = await context.services.search.search(scope, asked, as_of=as_of)

    ordered = sorted(((_sort_key(each, order), each) for each in result.hits), key=lambda pair: pair[0])
    following = [pair for pair in ordered if cursor is None or pair[0] > cursor.key]
    shown = following[:size]
    nodes = await find(context, [(each.hit.type_name, each.hit.id) for _, each in shown])
    edges = [
        SearchEdge(_encode_cursor(tag, as_of, key), node, each, result.terms)
        for (key, each), node in zip(shown, nodes, strict=True)
        if node is not None
    ]
    found = SearchPage(edges, result, counted, as_of)
    found.has_next_page = len(following) > size
    found.has_previous_page = len(following) < len(ordered)
    return found


def _page_rows(first: int | None) -> int:
    size = DEFAULT_PAGE_ROWS if first is None or first is UNSET else first
    if size < 0:
        raise BadUserInput("`first` may not be negative.", path=("first",))
    if size > MAX_PAGE_ROWS:
        raise PageTooLarge(MAX_PAGE_ROWS, path=("first",))
    return size


def _scope(actor: Actor, filter_: SearchFilter | None) -> SearchScope:
    """The viewer and the filter; types that the token may not read are left out."""
    values = {} if filter_ is None or filter_ is UNSET else to_values(filter_, ("filter",))
    for name, held in values.items():
        if isinstance(held, list) and len(held) > MAX_IDS:
            raise LimitExceeded(f"At most {MAX_IDS} values are allowed.", MAX_IDS, path=("filter", name))
    wanted = values.get("types")
    types = [each for kind, each in TYPE_NAMES.items() if wanted is None or kind in wanted]
    instants = values.get("updated_at") or {}
    if instants.get("is_null"):
        types = []  # there is no such object
    return SearchScope(
        viewer_id=actor.user_id,
        types=[each for each in types if _SCOPES[each] in actor.scopes],
        subjects=[each for each in ("Task", "Document") if _SCOPES[each] in actor.scopes],
        team_ids=values.get("team_ids"),
        project_ids=values.get("project_ids"),
        assignee_ids=values.get("assignee_ids"),
        label_ids=values.get("label_ids"),
        statuses=None if values.get("statuses") is None else [each.value for each in values["statuses"]],
        updated_after=instants.get("after"),
        updated_before=instants.get("before"),
    )


# ── cursors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sort_key(ranked: RankedHit, order: SearchOrder) -> tuple[float, str]:
    hit = ranked.hit
    return (-(ranked.score if order is SearchOrder.RELEVANCE else hit.updated_at.timestamp()), f"{hit.type_name}:{hit.id}")


def _encode_cursor(tag: str, as_of: datetime, key: tuple[float, str]) -> str:
    held = orjson.dumps([tag, as_of.isoformat(), *key])
    return base64.urlsafe_b64encode(held).rstrip(b"=").decode()


def _decode_cursor(cursor: str, tag: str) -> _Cursor:
    try:
        own, as_of, number, id_ = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if own != tag:
            raise CursorInvalid("The cursor belongs to another search.", path=("after",))
        instant = datetime.fromisoformat(as_of)
        if instant.tzinfo is None or not isinstance(id_, str):
            raise ValueError("an instant without a zone, or no id")
        return _Cursor(instant.astimezone(UTC), (float(number), id_))
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise CursorInvalid(path=("after",)) from error
