"""Searches of tests, through the graph."""

import asyncio
from typing import Any

import pytest

from domain.actor import Actor
from tests.support.app import App, Person

on_both_indexes = pytest.mark.parametrize("app", ["postgres", pytest.param("opensearch", marks=pytest.mark.slow)], indirect=True)
"""Tests of what holds whatever index is asked."""

SEARCH = """
  query ($query: String!, $filter: SearchFilter, $orderBy: SearchOrder, $facets: [SearchFacetField!], $first: Int, $after: String) {
    search(query: $query, filter: $filter, orderBy: $orderBy, facets: $facets, first: $first, after: $after) {
      totalCount suggestion degraded pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor score highlights { field fragments } node { __typename ... on Node { id } } }
      nodes {
        ... on Task { title } ... on Document { title } ... on Project { name } ... on User { displayName } ... on Comment { body }
      }
      facets { field buckets { value label count } }
    }
  }
"""
ALL_FACETS = ["TYPE", "TEAM", "PROJECT", "STATUS", "PRIORITY", "ASSIGNEE", "LABEL", "AUTHOR", "UPDATED"]


_IS_BEHIND = """
  SELECT EXISTS (
    SELECT FROM streams LEFT JOIN consumer_cursors ON consumer_cursors.stream = streams.stream AND consumer = 'search'
    WHERE starts_with(streams.stream, 'team:') AND streams.position > coalesce(consumer_cursors.position, 0)
  )
"""


async def search(app: App, person: Person, query: str, /, *, actor: Actor | None = None, **options: Any) -> Any:
    """The answer to a search that is not refused, by the index that the application is meant to ask, which is up to date."""
    await indexed(app)
    answer = await app.execute(person, SEARCH, actor=actor, query=query, **options)
    assert "errors" not in answer, answer["errors"]
    assert not answer["data"]["search"]["degraded"]
    return answer["data"]["search"]


async def indexed(app: App, *, timeout_seconds: float = 30.0) -> None:
    """Wait until OpenSearch, where there is one, has everything that was written."""
    if (engine := app.resources.search_engine) is None:
        return
    async with asyncio.timeout(timeout_seconds):
        while await app.sql.fetchval(_IS_BEHIND):
            await asyncio.sleep(0.02)
    await engine.administer("POST", f"/{engine.names.prefix}-*/_refresh")


def ids_of(found: Any) -> list[str]:
    """The ids of the results, in their order."""
    return [edge["node"]["id"] for edge in found["edges"]]
