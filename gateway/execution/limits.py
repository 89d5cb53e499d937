"""Limits the size of operations: one measure of a validated document, linear in its size.

Every fragment is measured once and its measure reused wherever it is spread, so a document whose fragments spread each other 2^n
times takes no longer than one that spreads them once. The cost depends on variables; it is an expression with shared parts,
computed when the variables are known. `docs/limits.md` states the formula for clients.

- The depth counts nested fields. A connection's `edges`, `nodes`, and an edge's `node` add no level, else clients in Relay's
  style could nest a third as deep as others.
- A field costs its weight and the cost of its selections. The weight is 1, 0 for `__typename` and those fields of connections, 2
  for Markdown, and more for fields that load content. A field with `first` or `last` multiplies the cost of its rows by that
  number (the default page when absent); a field with `ids`, by their number. `pageInfo` and `totalCount` cost once per page, not
  per row.
- Introspection is exempt from depth, with a limit of its own, and has a flat cost: `__schema` 1,000, `__type` 50.

Rejected: Strawberry's depth and alias limiters (exponential on fragments), a measure during validation (it would have to cope
with cycles and unknown fields; the measure runs only on valid documents), counting a field selected twice once (not linear).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql.error import GraphQLError
from graphql.language import OperationDefinitionNode
from graphql.type import GRAPHQL_MAX_INT


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one operation; the defaults are part of the server's contract."""

    source_bytes: int = 16 * 1024
    tokens: int = 2_000
    depth: int = 10
    introspection_depth: int = 20
    aliases: int = 30
    directives: int = 50
    root_fields: int = 20
    operations: int = 30
    """Operations of one document."""
    fragments: int = 120
    """Fragments of one document."""
    variables: int = 100
    """Variables of one operation."""
    cost: int = 5_000
    page_rows: int = 50
    """Rows that a page counts for when neither `first` nor `last` is given."""
    validation_errors: int = 20
    comparisons: int = 2_500
    """Budget of the rule that finds fields which cannot be merged; comparing two fields takes 2."""


@dataclass(frozen=True, slots=True)
class FieldSize:
    """The number of rows of a field: the largest of its numbers and of its variables' values, else `default`."""

    numbers: tuple[int, ...]
    variables: tuple[str, ...]
    default: int

    def rows(self, values: Mapping[str, Any]) -> int:
        counts = list(self.numbers)
        for name in self.variables:
            match values.get(name):
                case bool() | None:
                    pass
                # 100.0 is the Int 100; beyond an Int's 32 bits is no number of rows, which its coercion says.
                case int() | float() as number if number % 1 == 0 and number <= GRAPHQL_MAX_INT:
                    counts.append(max(0, int(number)))
                case [*items]:
                    counts.append(len(items))
        return max(counts, default=self.default)


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """`constant` plus, for each term, rows × cost; parts may be shared between terms."""

    constant: int = 0
    terms: tuple[tuple[FieldSize | None, "Cost"], ...] = ()

    def __add__(self, other: "Cost") -> "Cost":
        if not other.terms:
            return self if not other.constant else Cost(self.constant + other.constant, self.terms)
        if not self.terms and not self.constant:
            return other
        # `other` stays one shared part: copying its terms would grow with every spread.
        return Cost(self.constant, (*self.terms, (None, other)))

    def times(self, size: FieldSize) -> "Cost":
        if not self.terms and not size.variables:
            return Cost(self.constant * size.rows({}))
        return Cost(0, ((size, self),))

    def compute(self, values: Mapping[str, Any], memo: dict["Cost", int] | None = None) -> int:
        """The cost for these variable values; `memo` holds the shared parts of one computation."""
        if not self.terms:
            return self.constant
        memo = {} if memo is None else memo
        if (total := memo.get(self)) is None:
            total = self.constant
            for size, part in self.terms:
                total += part.compute(values, memo) * (1 if size is None else size.rows(values))
            memo[self] = total
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationComplexity:
    """The complexity of one operation, fragments included."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    introspects: bool = False
    cost: Cost = field(default_factory=Cost)
    variable_defaults: Mapping[str, Any] = field(default_factory=dict)
    """The default values of the operation's variables that may change the cost."""

    def cost_with(self, variables: Mapping[str, Any]) -> int:
        return self.cost.compute({**self.variable_defaults, **variables} if self.variable_defaults else variables)


def limit_errors(complexity: OperationComplexity, limits: Limits, operation: OperationDefinitionNode) -> Sequence[GraphQLError]:
    """The limits that an operation exceeds whatever its variables, as errors with `limit` and `actual`."""
    deep = (
        ("The query is nested too deeply.", "depth", complexity.depth, limits.depth),
        (
            "The introspection is nested too deeply.",
            "introspection depth",
            complexity.introspection_depth,
            limits.introspection_depth,
        ),
    )
    wide = (
        ("The query has too many aliases.", "aliases", complexity.aliases, limits.aliases),
        ("The query has too many directives.", "directives", complexity.directives, limits.directives),
        ("The query has too many root fields.", "root fields", complexity.root_fields, limits.root_fields),
    )
    return [
        GraphQLError(
            message,
            operation,
            extensions=limit_extensions("QUERY_TOO_DEEP" if check in deep else "QUERY_TOO_COMPLEX", of, limit, actual),
        )
        for check in (*deep, *wide)
        for message, of, actual, limit in [check]
        if actual > limit
    ]


def limit_extensions(code: str, quantity: str, limit: int, actual: int | None = None) -> dict[str, Any]:
    """The extensions of an error about a limit; numbers beyond 2^53, which JSON readers cannot represent, are capped."""
    extensions: dict[str, Any] = {"code": code, "of": quantity, "limit": limit}
    if actual is not None:
        extensions["actual"] = min(actual, 2**53)
    return extensions
