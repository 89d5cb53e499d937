"""A SQL statement: an SQLAlchemy expression, compiled once to text and the order of its parameters."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql.compiler import SQLCompiler

from persistence.engine.read_batcher import BatchedStatement, to_batched

DIALECT = dialect.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class Statement:
    """One SQL statement, compiled when it is first run.

    `row_class` is the class of its rows (see `persistence.engine.rows.row_class`). Parameters are the names of its `bindparam`s;
    values that the expression carries itself are used where a parameter is not given.
    """

    def __init__(self, expression: ClauseElement, row_class: type[asyncpg.Record] | None = None) -> None:
        self.expression = expression
        self.row_class = row_class

    @cached_property
    def _compiled(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        compiled = self.expression.compile(dialect=DIALECT)
        assert isinstance(compiled, SQLCompiler)
        return str(compiled), tuple((name, compiled.params[name]) for name in compiled.positiontup or ())

    @property
    def text(self) -> str:
        """The SQL, with $1 … $n."""
        return self._compiled[0]

    @cached_property
    def batched(self) -> BatchedStatement | None:
        """The SQL for many runs at once; None for a statement that does not only read."""
        return to_batched(self.text)

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The values of $1 … $n."""
        return [params.get(name, own) for name, own in self._compiled[1]]
