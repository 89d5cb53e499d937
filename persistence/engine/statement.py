"""A SQL statement: an SQLAlchemy expression, compiled once to text and the order of its parameters.

Statements whose number is bounded are compiled as wholes. Those of lists, of which clients choose the shape, are joined from
texts that are compiled once (`SqlText`), since compiling costs 5 to 100 ms.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql.compiler import SQLCompiler

from persistence.engine.principals import to_text_for_principal
from persistence.engine.read_batcher import BatchedStatement, to_batched

DIALECT = dialect.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NAMED_DIALECT = dialect.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_NAMED_PARAMETER: Final = re.compile(r"%\((\w+)\)s|%%")


class Statement:
    """One SQL statement, compiled when it is first run.

    `row_class` is the class of its rows (see `persistence.engine.rows.row_class`). Parameters are the names of its `bindparam`s;
    values that the expression carries itself are used where a parameter is not given.
    """

    is_prepared = True
    """Whether connections prepare the statement and keep it prepared."""

    def __init__(self, expression: ClauseElement, row_class: type[asyncpg.Record] | None = None) -> None:
        self.expression = expression
        self.row_class = row_class

    @cached_property
    def _compiled(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        compiled = self.expression.compile(dialect=DIALECT)
        assert isinstance(compiled, SQLCompiler)
        return str(compiled), tuple((name, compiled.params[name]) for name in compiled.positiontup or ())

    @cached_property
    def text(self) -> str:
        """The SQL, with $1 … $n."""
        return self._compiled[0]

    @cached_property
    def batched(self) -> BatchedStatement | None:
        """The SQL for many runs at once; None for a statement that does not only read."""
        return to_batched(self.text)

    @cached_property
    def text_for_principal(self) -> str:
        """The SQL as a principal runs it, whose id is the parameter after the others."""
        return to_text_for_principal(self.text, len(self._compiled[1]))

    @property
    def parameter_names(self) -> frozenset[str]:
        """The names of the parameters that have no value of their own."""
        return frozenset(name for name, own in self._compiled[1] if own is None)

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The values of $1 … $n."""
        return [params.get(name, own) for name, own in self._compiled[1]]


@dataclass(frozen=True, slots=True)
class SqlText:
    """A part of a statement. Parameters are written `%(name)s`; `constants` are the values of those that are not given at run
    time."""

    text: str
    constants: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def join(cls, separator: str, parts: Iterable["SqlText"]) -> "SqlText":
        """The parts with a separator between them."""
        parts = list(parts)
        return cls(
            separator.join(part.text for part in parts), {name: own for part in parts for name, own in part.constants.items()}
        )

    def wrapped(self, before: str, after: str) -> "SqlText":
        """The text between two others."""
        return SqlText(f"{before}{self.text}{after}", self.constants)

    def renamed(self, names: Mapping[str, str]) -> "SqlText":
        """The text with other names for some of its parameters."""
        text = _NAMED_PARAMETER.sub(lambda found: f"%({names.get(found[1], found[1])})s" if found[1] else found[0], self.text)
        return SqlText(text, {names.get(name, name): value for name, value in self.constants.items()})

    def replaced(self, marker: str, part: "SqlText") -> "SqlText":
        """The text with a part in place of a marker."""
        return SqlText(self.text.replace(marker, part.text), {**self.constants, **part.constants})


def compile_text(expression: ClauseElement) -> SqlText:
    """The text of an expression."""
    compiled = expression.compile(dialect=_NAMED_DIALECT)
    assert isinstance(compiled, SQLCompiler)
    return SqlText(str(compiled), {name: value for name, value in compiled.params.items() if value is not None})


class JoinedStatement(Statement):
    """A statement joined from texts. Connections prepare it from its second run on, so that shapes that never come again are not
    kept."""

    def __init__(self, whole: SqlText, row_class: type[asyncpg.Record] | None = None) -> None:
        numbers: dict[str, int] = {}

        def number(found: re.Match[str]) -> str:
            return f"${numbers.setdefault(found[1], len(numbers) + 1)}" if found[1] else "%"

        text = _NAMED_PARAMETER.sub(number, whole.text)
        self.row_class = row_class
        self._compiled = text, tuple((name, whole.constants.get(name)) for name in numbers)
        self.is_prepared = False

    @property
    def size_bytes(self) -> int:
        """An estimate of its memory: the text for one run and for many, and the parameters."""
        return 3 * len(self.text) + 200 * len(self._compiled[1]) + 1_000
