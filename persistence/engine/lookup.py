"""Fetches rows of one kind by their ids, for to-one fields and `node`, with the rows that their foreign keys refer to.

Most operations of a client are about one object and the few that it names, such as a task with its assignee and its project. One
statement reads them together (`Joined`): statements are the largest part of what such an operation costs, and each waits for the
one before. Of a page it does not: many rows refer to few others there, and a statement of its own reads each of these once.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, FromClause, and_, select

from persistence.access import any_id
from persistence.engine.database import Database
from persistence.engine.lru_cache import LruCache
from persistence.engine.rows import (
    GLOBAL_ID,
    JoinedColumns,
    columns,
    joining_row_class,
    row_class,
    stored_attributes,
    stored_fields,
    text_key,
)
from persistence.engine.statement import JoinedStatement, SqlText, compile_text

FindByIds = Callable[[Database, UUID, Sequence[UUID]], Awaitable[Mapping[UUID, Any]]]
"""Takes the viewer and ids; returns by id the rows that the viewer may see."""


class Joined(NamedTuple):
    """A row that is read with another one, whose foreign key `attribute` refers to it: `attributes` of it, and what is joined to
    it in turn. Where `query` does not find it, it is missing."""

    attribute: str
    query: "ByIdQuery"
    attributes: frozenset[str]
    joins: "Joins" = ()


Joins = tuple[Joined, ...]
"""At most one for each foreign key."""


class _Lookup(JoinedStatement):
    """A statement, and the column of its rows with the id by which they were asked for."""

    def __init__(self, whole: SqlText, row: type[asyncpg.Record], key_column: int) -> None:
        super().__init__(whole, row)
        self.key_column = key_column


class ByIdQuery:
    """
    Fetches the rows of a dataclass that satisfy a condition. Create each once, at module level.

    `condition` is given the table, or an alias of it. A statement is built once per set of requested columns, which clients
    choose: the statements are in a bounded cache.
    """

    def __init__(
        self, cls: type[Any], source: FromClause, condition: Callable[[FromClause], ColumnElement[bool]] | None = None
    ) -> None:
        self.cls = cls
        self.source = source
        self._condition = condition

    async def fetch(
        self,
        database: Database,
        row_ids: Sequence[Any],
        attributes: frozenset[str] | None = None,
        joins: Joins = (),
        **params: Any,
    ) -> dict[Any, Any]:
        """
        Rows by id, which is text when `row_ids` are text. `attributes`: those that are fetched, None for all.

        `params` are those of the conditions, that of joined rows included. Without ids no statement is run.
        """
        if not row_ids:
            return {}
        as_text = row_ids[0].__class__ is str
        statement = _statements.get((self, attributes, joins, as_text))
        if statement is None:
            statement = self._build_statement(attributes, joins, text_key("id") if as_text else "id")
            assert statement.parameter_names <= {"ids", *params}
            _statements.put((self, attributes, joins, as_text), statement, statement.size_bytes)
        column = statement.key_column
        return {row[column]: row for row in await database.fetch(statement, ids=row_ids, **params)}

    def conditions(self, source: FromClause) -> list[ColumnElement[bool]]:
        """What the rows of the table, or of an alias of it, satisfy."""
        return [] if self._condition is None else [self._condition(source)]

    def stored(self, attributes: frozenset[str] | None) -> frozenset[str]:
        """These attributes, or all where they are unknown."""
        return stored_fields(self.cls) if attributes is None or not attributes <= stored_attributes(self.cls) else attributes

    def _build_statement(self, attributes: frozenset[str] | None, joins: Joins, key: str) -> _Lookup:
        selection = _Selection(self.source)
        row = selection.add(self, self.source, self.stored(attributes) | {key}, joins)
        query = select(*selection.columns).select_from(selection.tables)
        query = query.where(self.source.c.id == any_id(), *self.conditions(self.source))
        return _Lookup(compile_text(query), row, row.places[key].column)


class _Selection:
    """The columns of a statement, and the tables that it reads."""

    def __init__(self, source: FromClause) -> None:
        self.tables = source
        self.columns: list[ColumnElement[Any]] = []
        self._aliases = 0

    def add(
        self, query: ByIdQuery, source: FromClause, attributes: frozenset[str], joins: Joins, base: type = asyncpg.Record
    ) -> Any:
        """Add the columns of a row, followed by those of the rows that are joined to it; the class of the row."""
        start = len(self.columns)
        for column in columns(query.cls, source, attributes):
            self.columns.append(column.label(f"column_{len(self.columns)}"))
        if not joins and base is asyncpg.Record:
            return row_class(query.cls, attributes)
        return joining_row_class(query.cls, attributes, {each.attribute: self._join(each, source, start) for each in joins}, base)

    def _join(self, joined: Joined, source: FromClause, start: int) -> JoinedColumns:
        query = joined.query
        self._aliases += 1
        other = query.source.alias(f"joined_{self._aliases}")
        self.tables = self.tables.outerjoin(other, and_(other.c.id == source.c[joined.attribute], *query.conditions(other)))
        attributes = query.stored(joined.attributes)
        never_null = GLOBAL_ID if GLOBAL_ID in attributes else "id"
        first = len(self.columns) - start
        row = self.add(query, other, attributes | {never_null}, joined.joins, tuple)
        return JoinedColumns(first, len(self.columns) - start, first + row.places[never_null].column, row)


_StatementKey = tuple[ByIdQuery, frozenset[str] | None, Joins, bool]
_statements: LruCache[_StatementKey, _Lookup] = LruCache("lookup statements", 8 * 2**20)
