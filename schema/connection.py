"""Defines Relay connections over `domain.page.Page`."""

from typing import Generic, TypeVar

import strawberry

from resolvers.page import exact_totals, total_counts
from schema.fields import leaf, relation

T = TypeVar("T")


@strawberry.type(description="Position of a page in its list.")
class PageInfo:
    """View over `domain.page.PageInfo`."""

    has_next_page: bool = leaf("Whether rows follow this page.")
    has_previous_page: bool = leaf("Whether rows precede this page.")
    start_cursor: str | None = leaf("Cursor of the first row; null for an empty page.")
    end_cursor: str | None = leaf("Cursor of the last row; null for an empty page.")


@strawberry.type(description="A row with its cursor.")
class Edge(Generic[T]):
    """View over `domain.page.Edge`."""

    cursor: str = leaf("Cursor for `after` and `before`.")
    node: T = leaf("The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """View over `domain.page.Page`."""

    edges: list[Edge[T]] = leaf("Rows with their cursors.")
    nodes: list[T] = leaf("Rows without their cursors.")
    page_info: PageInfo = leaf("Position of the page in the list.")
    total_count: int = relation(total_counts, "Number of rows in the whole list; counted only when selected.")
    total_count_exact: bool = relation(
        exact_totals, "Whether that is the number of rows; false where there are more than 10,000, which are not counted on."
    )
