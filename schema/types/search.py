"""Defines the results of a search."""

from typing import Annotated

import strawberry

import resolvers.search_results
from resolvers.inputs.search import SearchFacetField
from schema.connection import PageInfo
from schema.fields import leaf, relation, view
from schema.types.comment import Comment
from schema.types.document import Document
from schema.types.project import Project
from schema.types.task import Task
from schema.types.team import Team
from schema.types.user import User

Searchable = Annotated[
    User | Team | Project | Task | Document | Comment,
    strawberry.union("Searchable", description="An object that a search can find."),
]


@view("Places of one text that match a query.")
class Highlight:
    """View over `resolvers.search_results.Highlight`."""

    field: str = leaf(
        "Attribute with the text: `title`, `name`, `key`, `description`, `body`, `displayName`, `email`; `content` of a "
        "document, `attachments` for the name of an attached file."
    )
    fragments: list[str] = leaf(
        "Parts of the text, Markdown as it is written, with each match between U+E000 and U+E001, which stand nowhere else: "
        "escape a fragment first, then replace these."
    )


@view("An object that was found.")
class SearchEdge:
    """View over `resolvers.search.SearchEdge`."""

    cursor: str = leaf("Cursor for `after`, in the same search.")
    node: Searchable = leaf("The object.")
    score: float = leaf("How well it matches, comparable within one search.")
    highlights: list[Highlight] = relation(
        resolvers.search_results.highlights,
        "Where it matches; empty where only its key, or a word in a form that is not marked, matches.",
    )


@view("How many results have a value.")
class FacetBucket:
    """View over `resolvers.search_results.FacetBucket`."""

    value: str = leaf("The value: of an enum, a global id, or an ISO 8601 duration.")
    label: str = leaf("The value as people read it.")
    count: int = leaf("How many results have it.")


@view("The most frequent values of an attribute among the results.")
class SearchFacet:
    """View over `resolvers.search_results.SearchFacet`."""

    field: SearchFacetField = leaf("The attribute.")
    buckets: list[FacetBucket] = leaf("Up to 50 values, the most frequent first.")


@view("What a search found. One search finds at most 300 objects, the best and newest; totals and facets count these.")
class SearchConnection:
    """View over `resolvers.search.SearchPage`."""

    edges: list[SearchEdge] = leaf("Objects with their cursors, scores and highlights.")
    nodes: list[Searchable] = leaf("Objects alone.")
    page_info: PageInfo = leaf("Position of the page in the list.")
    total_count: int = leaf("Number of objects found.")
    facets: list[SearchFacet] = relation(resolvers.search_results.facets, "The counts that `facets` asks for, in its order.")
    suggestion: str | None = leaf("Corrected query, where the given one finds nothing as it is written; results are of this one.")
    degraded: bool = leaf(
        "Whether the search engine could not be asked in time, and the database answered in its place: what is frequent may be "
        "found less completely, rights hold all the same."
    )
