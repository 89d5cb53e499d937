"""Searches of tests, through the graph."""

from typing import Any

from domain.actor import Actor
from tests.support.app import App, Person

SEARCH = """
  query ($query: String!, $filter: SearchFilter, $orderBy: SearchOrder, $facets: [SearchFacetField!], $first: Int, $after: String) {
    search(query: $query, filter: $filter, orderBy: $orderBy, facets: $facets, first: $first, after: $after) {
      totalCount suggestion pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor score highlights { field fragments } node { __typename ... on Node { id } } }
      nodes {
        ... on Task { title } ... on Document { title } ... on Project { name } ... on User { displayName } ... on Comment { body }
      }
      facets { field buckets { value label count } }
    }
  }
"""
ALL_FACETS = ["TYPE", "TEAM", "PROJECT", "STATUS", "PRIORITY", "ASSIGNEE", "LABEL", "AUTHOR", "UPDATED"]


async def search(app: App, person: Person, query: str, /, *, actor: Actor | None = None, **options: Any) -> Any:
    """The answer to a search that is not refused."""
    answer = await app.execute(person, SEARCH, actor=actor, query=query, **options)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["search"]


def ids_of(found: Any) -> list[str]:
    """The ids of the results, in their order."""
    return [edge["node"]["id"] for edge in found["edges"]]
