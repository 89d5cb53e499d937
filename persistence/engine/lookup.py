"""Fetches rows of one kind by their ids, for to-one fields and `node`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, select

from persistence.access import any_id
from persistence.engine.database import Database
from persistence.engine.rows import columns, row_class, stored_attributes, text_key
from persistence.engine.statement import Statement

FindByIds = Callable[[Database, UUID, Sequence[UUID]], Awaitable[Mapping[UUID, Any]]]
"""Takes the viewer and ids; returns by id the rows that the viewer may see."""


class ByIdQuery:
    """
    Fetches the rows of a dataclass that satisfy the conditions. Create each once, at module level.

    A statement is built once per set of requested columns.
    """

    def __init__(self, cls: type[Any], source: FromClause, *conditions: ColumnElement[bool]) -> None:
        def statement(only: frozenset[str] | None) -> Statement:
            return Statement(
                select(*columns(cls, source, only)).where(source.c.id == any_id(), *conditions), row_class(cast(Any, cls), only)
            )

        self._stored_attributes = stored_attributes(cls)
        self._statement = cache(statement)

    async def fetch(
        self, database: Database, row_ids: Sequence[Any], attributes: frozenset[str] | None = None, **params: Any
    ) -> dict[Any, Any]:
        """
        Rows by id, which is text when `row_ids` are text. `attributes`: those that are fetched, None for all.

        Without ids no statement is run.
        """
        if not row_ids:
            return {}
        as_text = row_ids[0].__class__ is str
        key = text_key("id") if as_text else "id"
        only = attributes | {key} if attributes is not None and attributes <= self._stored_attributes else None
        statement = self._statement(only)
        found = await database.fetch(statement, ids=row_ids, **params)
        if only is None:
            return {str(row.id) if as_text else row.id: row for row in found}
        column = statement.row_class.places[key].column  # type: ignore[union-attr]
        return {row[column]: row for row in found}
