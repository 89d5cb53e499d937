"""Reads how far the log is before anything else of an operation that selects a cursor.

So a client that loads and then follows from there misses nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from graphql import GraphQLSchema

from gateway.execution.coordinates import selects_any
from gateway.execution.documents import Operation


class PositionReader(NamedTuple):
    """The fields that give cursors, and what reads the positions; it is called with the context."""

    coordinates: frozenset[str]
    read: Callable[[Any], Awaitable[None]]

    def applies_to(self, operation: Operation, schema: GraphQLSchema) -> bool:
        """Whether the operation selects one of the fields."""
        if operation.selects_position is None:
            operation.selects_position = selects_any(operation.document, schema, self.coordinates)
        return operation.selects_position
