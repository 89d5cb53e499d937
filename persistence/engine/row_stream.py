"""Fetches the rows of one statement some at a time, from a cursor of Postgres: the others take no memory here."""

from collections.abc import AsyncIterator
from typing import Any

from persistence.engine.database import Connection
from persistence.engine.statement import Statement


async def stream_rows(connection: Connection, statement: Statement, size: int, **params: Any) -> AsyncIterator[list[Any]]:
    """All rows, `size` at a time; other statements may run on the connection between two of them."""
    cursor = await connection.raw.cursor(statement.text, *statement.arguments(params), record_class=statement.row_class)
    while rows := await cursor.fetch(size):
        yield rows
