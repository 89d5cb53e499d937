"""How big an operation may be: one measure of a validated document, taken once, linear in its size.

Every fragment is measured once and its measure reused wherever it is spread, so a document whose fragments spread each other
2^n times costs as much as one that spreads them once. What depends on variables, the cost, is kept as a small expression with
shared parts and computed when the variables are known.

- depth counts nested fields. A connection's plumbing (`edges`, `nodes`, and an edge's `node`) adds no level, else clients in
  Relay's style could go a third as deep as others.
- a field costs its weight (1 unless `@cost` says otherwise; `__typename` and plumbing 0) and what is selected under it. A field
  with `first` or `last` multiplies its rows by that number (the page default when absent); a field with `ids`, by their number.
  `pageInfo` and `totalCount` are selected once per page, not per row.
- introspection is exempt from depth, with a bound of its own, and has a flat cost: `__schema` 1,000, `__type` 50.

Rejected: Strawberry's depth and alias limiters (exponential on fragments), a measure during validation (it would have to cope
with cycles and unknown fields; the measure runs only on valid documents), counting a field selected twice once (not linear).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql.error import GraphQLError
from graphql.language import OperationDefinitionNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one operation; the default is what the server promises."""

    source_bytes: int = 16 * 1024
    tokens: int = 2_000
    depth: int = 10
    introspection_depth: int = 20
    aliases: int = 30
    directives: int = 50
    root_fields: int = 20
    cost: int = 5_000
    page_rows: int = 50
    """Rows that a page is reckoned with when neither `first` nor `last` is given."""
    validation_errors: int = 20
    comparisons: int = 20_000
    """Budget of the rule that looks for fields which cannot be merged."""


@dataclass(frozen=True, slots=True)
class FieldSize:
    """How many rows a field gives: the largest of its numbers and of its variables' values, else `default`."""

    numbers: tuple[int, ...]
    variables: tuple[str, ...]
    default: int

    def rows(self, values: Mapping[str, Any]) -> int:
        counts = list(self.numbers)
        for name in self.variables:
            match values.get(name):
                case bool() | None:
                    pass
                case int(number):
                    counts.append(max(0, number))
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
        """The number for these variable values; `known` remembers shared parts during one computation."""
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
    """What one operation asks for, fragments included."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    introspects: bool = False
    cost: Cost = field(default_factory=Cost)
    variable_defaults: Mapping[str, Any] = field(default_factory=dict)
    """Default values of the operation's variables, as far as they matter for the cost."""

    def cost_with(self, variables: Mapping[str, Any]) -> int:
        return self.cost.compute({**self.variable_defaults, **variables} if self.variable_defaults else variables)


def limit_errors(complexity: OperationComplexity, limits: Limits, operation: OperationDefinitionNode) -> Sequence[GraphQLError]:
    """What is over its limit, whatever the variables: coded, with `limit` and `actual`."""
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
    """The extensions of an error about a limit; numbers that JSON's readers can't hold are cut."""
    extensions: dict[str, Any] = {"code": code, "of": quantity, "limit": limit}
    if actual is not None:
        extensions["actual"] = min(actual, 2**53)
    return extensions
