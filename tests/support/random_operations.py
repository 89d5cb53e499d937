"""Random operations that the schema allows: fragments, aliases, directives, variables, arguments that hit and miss real objects.

Unlike strategies that know a schema's types only, this one knows which ids and keys exist, so that what it asks for is mostly
there.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
)

# How often an argument that may be left out is.
_OMIT_PROBABILITIES = {"first": 0.5, "last": 0.95, "after": 0.98, "before": 0.98, "size": 0.9}


@dataclass
class GeneratedOperation:
    """An operation and its variables."""

    query: str
    variables: dict[str, Any]


@dataclass
class OperationGenerator:
    """Makes queries from a seed. `ids` are global ids by type, `words` strings worth asking for."""

    schema: GraphQLSchema
    ids: Mapping[str, Sequence[str]]
    strings: Sequence[str]
    seed: int
    max_depth: int = 6
    _random: random.Random = field(init=False)
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _fragments: list[str] = field(default_factory=list)
    _field_budget: int = 60

    def __post_init__(self) -> None:
        """Begin at the seed."""
        self._random = random.Random(self.seed)

    def query(self) -> GeneratedOperation:
        """The operation of this seed."""
        root = self.schema.query_type
        assert root is not None
        body = self._selection(root, 1)
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in self._variables.items())
        given = {name: value for name, (_, value) in self._variables.items() if value is not ...}
        return GeneratedOperation(f"query Q{f'({declared})' if declared else ''} {body}\n" + "\n".join(self._fragments), given)

    def _selection(self, type_: Any, depth: int) -> str:
        names = (
            [name for name, each in type_.fields.items() if depth < self.max_depth or _is_leaf(each)]
            if hasattr(type_, "fields")
            else []
        )
        chosen = self._random.sample(names, min(len(names), self._random.randint(1, 4 if depth > 1 else 3))) if names else []
        parts = [part for name in chosen if (part := self._field(type_, name, depth))]
        if isinstance(type_, GraphQLInterfaceType) and depth < self.max_depth:
            possible_types = list(self.schema.get_possible_types(type_))
            chosen_types = self._random.sample(possible_types, min(2, len(possible_types)))
            parts += [f"... on {each.name}{self._directive()} {self._selection(each, depth + 1)}" for each in chosen_types]
        if parts and self._random.random() < 0.15:
            name = f"F{len(self._fragments)}"
            self._fragments.append("")
            self._fragments[int(name[1:])] = f"fragment {name} on {type_.name} {{ {' '.join(parts)} }}"
            parts = [f"...{name}{self._directive()}"]
        if self._random.random() < 0.1 and parts:
            parts = [f"... {self._directive()} {{ {' '.join(parts)} }}"]
        if not parts or self._random.random() < 0.3:
            parts.append("__typename")
        return f"{{ {' '.join(parts)} }}"

    def _field(self, type_: Any, name: str, depth: int) -> str:
        declared: GraphQLField = type_.fields[name]
        self._field_budget -= 1
        below = get_named_type(declared.type)
        if self._field_budget < 0 and not _is_leaf(declared):
            return ""
        arguments = ", ".join(part for arg, each in declared.args.items() if (part := self._argument(name, arg, each)))
        alias = f"a{self._random.randrange(10**6)}: " if self._random.random() < 0.15 or arguments else ""
        selection = "" if isinstance(below, GraphQLScalarType | GraphQLEnumType) else f" {self._selection(below, depth + 1)}"
        return f"{alias}{name}{f'({arguments})' if arguments else ''}{self._directive()}{selection}"

    def _directive(self) -> str:
        if self._random.random() > 0.08:
            return ""
        kind = self._random.choice(["skip", "include"])
        if self._random.random() < 0.5:
            return f" @{kind}(if: {self._random.choice(['true', 'false'])})"
        return f" @{kind}(if: {self._variable('Boolean!', self._random.random() < 0.5)})"

    def _argument(self, field_: str, name: str, declared: GraphQLArgument) -> str:
        needed = isinstance(declared.type, GraphQLNonNull)
        if not needed and self._random.random() < _OMIT_PROBABILITIES.get(name, 0.75):
            return ""
        value = self._value(field_, name, declared.type)
        if self._random.random() < 0.4:
            return f"{name}: {self._variable(str(declared.type), value)}"
        return f"{name}: {_literal(value, declared.type)}"

    def _variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self._variables)}"
        self._variables[name] = type_, value
        return f"${name}"

    def _value(self, field_: str, name: str, type_: Any) -> Any:
        choose = self._random.choice
        if isinstance(type_, GraphQLNonNull):
            return self._value(field_, name, type_.of_type)
        if isinstance(type_, GraphQLList):
            return [self._value(field_, name, type_.of_type) for _ in range(self._random.randint(0, 3))]
        if isinstance(type_, GraphQLEnumType):
            return choose(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            names = [
                each
                for each, declared in type_.fields.items()
                if isinstance(declared.type, GraphQLNonNull) or self._random.random() < 0.2
            ]
            if name in ("and", "or", "not") and self._random.random() < 0.5:
                names = []
            return {each: self._value(each, each, type_.fields[each].type) for each in names}
        match type_.name:
            case "ID":
                kind = {
                    "project": "Project",
                    "team": "Team",
                    "document": "Document",
                    "user": "User",
                    "assignee": "User",
                    "creator": "User",
                }.get(field_, "Task")
                return choose([*self.ids.get(kind, ()), choose([id_ for each in self.ids.values() for id_ in each])])
            case "Int":
                return choose([0, 101, -1] if self._random.random() < 0.02 else [1, 2, 3, 5, 100])
            case "Boolean":
                return choose([True, False])
            case "Date":
                return choose(["2026-11-22", "2026-12-01"] * 10 + ["not a day"])
            case "DateTime":
                return choose(["2026-11-22T00:00:00Z", "2026-12-01T12:00:00+02:00"])
            case _:
                return choose(self.strings)


def _is_leaf(declared: GraphQLField) -> bool:
    return isinstance(get_named_type(declared.type), GraphQLScalarType | GraphQLEnumType)


def _literal(value: Any, type_: Any) -> str:
    if isinstance(type_, GraphQLNonNull):
        return _literal(value, type_.of_type)
    if isinstance(type_, GraphQLList):
        return f"[{', '.join(_literal(each, type_.of_type) for each in value)}]"
    if isinstance(type_, GraphQLInputObjectType):
        return f"{{{', '.join(f'{name}: {_literal(each, type_.fields[name].type)}' for name, each in value.items())}}}"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
