"""Relay connections over `domain.page.Page`."""

from typing import Generic, TypeVar

import strawberry

from resolvers.page import total_counts
from schema.fields import leaf, relation

T = TypeVar("T")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """View over `domain.page.PageInfo`."""

    has_next_page: bool = leaf("Whether there is more after this page.")
    has_previous_page: bool = leaf("Whether there is more before this page.")
    start_cursor: str | None = leaf("Cursor of the first row; null on an empty page.")
    end_cursor: str | None = leaf("Cursor of the last row; null on an empty page.")


@strawberry.type(description="A row with its place in the list.")
class Edge(Generic[T]):
    """View over `domain.page.Edge`."""

    cursor: str = leaf("Its place, for `after` and `before`.")
    node: T = leaf("The object.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    """View over `domain.page.Page`."""

    edges: list[Edge[T]] = leaf("The rows with their cursors.")
    nodes: list[T] = leaf("The rows alone.")
    page_info: PageInfo = leaf("Where the page lies in its list.")
    total_count: int = relation(total_counts, "How many rows the whole list has; counted only when asked for.")
