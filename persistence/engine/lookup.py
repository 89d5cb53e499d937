"""Fetches rows of one kind by their ids, for to-one fields and `node`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, select

from persistence.access import any_id
from persistence.engine.database import Database
from persistence.engine.lru_cache import LruCache
from persistence.engine.rows import columns, row_class, stored_attributes, text_key
from persistence.engine.statement import JoinedStatement, compile_text

FindByIds = Callable[[Database, UUID, Sequence[UUID]], Awaitable[Mapping[UUID, Any]]]
"""Takes the viewer and ids; returns by id the rows that the viewer may see."""


class ByIdQuery:
    """
    Fetches the rows of a dataclass that satisfy the conditions. Create each once, at module level.

    A statement is built once per set of requested columns, which clients choose: the statements are in a bounded cache.
    """

    def __init__(self, cls: type[Any], source: FromClause, *conditions: ColumnElement[bool]) -> None:
        self._cls = cls
        self._source = source
        self._conditions = conditions
        self._stored_attributes = stored_attributes(cls)

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
        statement = _statements.get((self, only)) or self._build_statement(only)
        found = await database.fetch(statement, ids=row_ids, **params)
        if only is None:
            return {str(row.id) if as_text else row.id: row for row in found}
        column = statement.row_class.places[key].column  # type: ignore[union-attr]
        return {row[column]: row for row in found}

    def _build_statement(self, only: frozenset[str] | None) -> JoinedStatement:
        query = select(*columns(self._cls, self._source, only)).where(self._source.c.id == any_id(), *self._conditions)
        statement = JoinedStatement(compile_text(query), row_class(self._cls, only))
        _statements.put((self, only), statement, statement.size_bytes)
        return statement


_statements: LruCache[tuple[ByIdQuery, frozenset[str] | None], JoinedStatement] = LruCache("lookup statements", 8 * 2**20)
