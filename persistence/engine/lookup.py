"""Rows of one kind by their ids: what to-one fields and `node` ask for."""

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
"""Rows by their ids: those that the viewer, who is named first, may see."""


class ByIdQuery:
    """
    Finds rows of a dataclass in a table, those that the conditions let through. Make each once, at module level.

    A statement is built once per set of columns that is asked for.
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
        Rows by id, as text when the ids are given as text. `wanted`: the attributes that will be read of them, None for all.

        Nothing is asked for no ids.
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
