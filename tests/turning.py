"""Turning the pages of a list: whatever their size and direction, together they are the list."""

from collections.abc import Awaitable, Callable
from typing import Any

Ask = Callable[[dict[str, Any]], Awaitable[Any]]


async def turned(ask: Ask, *, size: int = 2) -> list[str]:
    """
    The ids of a whole list, having made sure that pages of `size` from the start, and from the end, come to the same.

    `ask` gets Relay's arguments and gives a connection with `totalCount`, `pageInfo` in full, and the edges' cursors and nodes'
    ids.
    """
    whole = await ask({"first": 100})
    expected = _ids(whole)
    assert whole["totalCount"] == len(expected)
    assert not whole["pageInfo"]["hasNextPage"]
    assert not whole["pageInfo"]["hasPreviousPage"]
    assert await _forwards(ask, size) == expected
    assert await _backwards(ask, size) == expected
    return expected


async def _forwards(ask: Ask, size: int) -> list[str]:
    found: list[str] = []
    page = await ask({"first": size})
    while True:
        found += _ids(page)
        assert page["pageInfo"]["hasPreviousPage"] == (len(found) > len(page["edges"]))
        if not page["pageInfo"]["hasNextPage"]:
            return found
        page = await ask({"first": size, "after": page["pageInfo"]["endCursor"]})


async def _backwards(ask: Ask, size: int) -> list[str]:
    found: list[str] = []
    page = await ask({"last": size})
    while True:
        found = _ids(page) + found
        assert page["pageInfo"]["hasNextPage"] == (len(found) > len(page["edges"]))
        if not page["pageInfo"]["hasPreviousPage"]:
            return found
        page = await ask({"last": size, "before": page["pageInfo"]["startCursor"]})


def _ids(page: Any) -> list[str]:
    edges = page["edges"]
    if edges:
        assert (page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]) == (edges[0]["cursor"], edges[-1]["cursor"])
    return [edge["node"]["id"] for edge in edges]
