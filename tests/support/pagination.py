"""Turning the pages of a list: whatever their size and direction, together they are the list."""

from collections.abc import Awaitable, Callable
from typing import Any

FetchPage = Callable[[dict[str, Any]], Awaitable[Any]]


async def check_pagination(fetch_page: FetchPage, *, size: int = 2) -> list[str]:
    """
    The ids of a whole list, having made sure that pages of `size` from the start, and from the end, come to the same.

    `ask` gets Relay's arguments and gives a connection with `totalCount`, `pageInfo` in full, and the edges' cursors and nodes'
    ids.
    """
    whole = await fetch_page({"first": 100})
    expected = _node_ids(whole)
    assert whole["totalCount"] == len(expected)
    assert not whole["pageInfo"]["hasNextPage"]
    assert not whole["pageInfo"]["hasPreviousPage"]
    assert await _forwards(fetch_page, size) == expected
    assert await _backwards(fetch_page, size) == expected
    return expected


async def _forwards(fetch_page: FetchPage, size: int) -> list[str]:
    found: list[str] = []
    page = await fetch_page({"first": size})
    while True:
        found += _node_ids(page)
        assert page["pageInfo"]["hasPreviousPage"] == (len(found) > len(page["edges"]))
        if not page["pageInfo"]["hasNextPage"]:
            return found
        page = await fetch_page({"first": size, "after": page["pageInfo"]["endCursor"]})


async def _backwards(fetch_page: FetchPage, size: int) -> list[str]:
    found: list[str] = []
    page = await fetch_page({"last": size})
    while True:
        found = _node_ids(page) + found
        assert page["pageInfo"]["hasNextPage"] == (len(found) > len(page["edges"]))
        if not page["pageInfo"]["hasPreviousPage"]:
            return found
        page = await fetch_page({"last": size, "before": page["pageInfo"]["startCursor"]})


def _node_ids(page: Any) -> list[str]:
    edges = page["edges"]
    if edges:
        assert (page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]) == (edges[0]["cursor"], edges[-1]["cursor"])
    return [edge["node"]["id"] for edge in edges]
