"""Hostile values for every input type of the graph."""

from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
)
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from resolvers import ids
from schema.root import schema

CORE_SCHEMA = schema._schema
_UNKNOWN_ID = UUID("3f1c2b9e-6a52-4a0e-9d53-2f6a0d5f7c11")
STRINGS = [
    *("", " ", "\n", "x" * 70_000, "é", "\u202eevil", "a\u0301\u0302", "🦊" * 300, "\u200b", "\ufeff", "\u2028", "\x7f", "\x85"),
    *("null", "NaN", "-1", "0x10", "%s", "'; DROP TABLE tasks; --", "{}", "[]", "$1", "\\"),
    *(
        "====",
        "VGFzazo=",
        "VGFzazpub25zZW5zZQ==",
        "Task:1",
        "-_-_",
        "AAAA" * 40,
        "2026-11-22",
        "👍",
        "#ffffff",
        "Europe/Rome",
        "en",
    ),
]
UNENCODABLE_STRINGS = ["\x00", "a\x00b", "\ud800", "\udfff\ud800"]  # what no body may hold
NUMBERS = [
    0,
    -1,
    1,
    101,
    2**31 - 1,
    2**31,
    -(2**31),
    -(2**31) - 1,
    2**63,
    10**400,
    1e308,
    -0.0,
    5e-324,
    0.5,
    float("nan"),
    float("inf"),
]
DAYS = ["0000-01-01", "0001-01-01", "9999-12-31", "2026-02-29", "2024-02-29", "10000-01-01", "20260101", "2026-W01-1", "2026-1-1"]
INSTANTS = [
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59"),
    *(
        "9999-12-31T23:59:60Z",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-01-01T24:00:00Z",
        "now",
        "infinity",
        "1600-01-01T00:00:00.1Z",
    ),
]
UUIDS = [
    str(_UNKNOWN_ID),
    "0" * 32,
    "{" + str(_UNKNOWN_ID) + "}",
    "urn:uuid:" + str(_UNKNOWN_ID),
    "00000000-0000-0000-0000-000000000000",
    "x" * 36,
]

any_value: SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, False, *NUMBERS, *STRINGS, *UNENCODABLE_STRINGS]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "eq", "in", "x", "\0"]), inner, max_size=3)
    ),
    max_leaves=5,
)

# Ids of what is there stand as @Task until there is a target.
object_ids = st.sampled_from([f"@{name}" for name in ("Team", "Project", "Task", "Comment", "User", "Label")])
SCALAR_STRATEGIES: dict[str, SearchStrategy[Any]] = {
    "ID": object_ids
    | object_ids
    | st.sampled_from(STRINGS)
    | st.just(ids.encode("Task", _UNKNOWN_ID))
    | st.sampled_from([7, 2**40]),
    "Int": st.sampled_from([0, 1, 2, 100, 101, -1, 2**31 - 1, -(2**31)]),
    "Float": st.sampled_from(NUMBERS),
    "Boolean": st.booleans(),
    "Date": st.sampled_from(DAYS[1:3]) | st.sampled_from(DAYS[1:3]) | st.sampled_from(DAYS),
    "DateTime": st.sampled_from(INSTANTS[::2]) | st.sampled_from(INSTANTS),
    "UUID": st.uuids().map(str) | st.sampled_from(UUIDS),
}


def values_of(type_: GraphQLInputType, name: str = "", depth: int = 0) -> SearchStrategy[Any]:
    """Values that mostly fit a type, and the name of an argument that takes ids, so that they get far in."""
    match type_:
        case GraphQLNonNull():
            return values_of(type_.of_type, name, depth)
        case GraphQLList():
            return st.lists(values_of(type_.of_type, name, depth), max_size=3)
        case GraphQLScalarType(name="ID"):
            fitting = st.just("@" + _TYPE_BY_ARGUMENT.get(name.removesuffix("s").removesuffix("Id"), "Task"))
            return st.one_of(fitting, fitting, fitting, fitting, fitting, SCALAR_STRATEGIES["ID"])
        case GraphQLEnumType():
            return st.sampled_from(sorted(type_.values))
        case GraphQLScalarType():
            return SCALAR_STRATEGIES.get(type_.name, st.sampled_from(STRINGS))
        case GraphQLInputObjectType():
            about = type_.name.partition("Create")[0].partition("Update")[0].rstrip("s").lower()
            left = {name: each for name, each in type_.fields.items() if depth < 2 or not _is_recursive(each.type)}
            values = {
                name: mostly_valid(values_of(each.type, about if name == "id" else name, depth + 1))
                for name, each in left.items()
            }
            needed = {name for name, each in left.items() if isinstance(each.type, GraphQLNonNull)}
            return st.fixed_dictionaries(
                {name: values[name] for name in values if name in needed},
                optional={name: values[name] for name in values if name not in needed},
            )
    raise AssertionError(type_)


def mostly_valid(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """One in thirty is anything at all."""
    return st.integers(0, 29).flatmap(lambda number: values if number else any_value)


def _is_recursive(type_: GraphQLInputType) -> bool:
    return get_named_type(type_) is CORE_SCHEMA.type_map["TaskFilter"]


_TYPE_BY_ARGUMENT = {
    "project": "Project",
    "team": "Team",
    "comment": "Comment",
    "label": "Label",
    "addLabel": "Label",
    "removeLabel": "Label",
}
_TYPE_BY_ARGUMENT |= {
    "assignee": "User",
    "lead": "User",
    "user": "User",
    "addUser": "User",
    "removeUser": "User",
    "session": "Session",
}


def argument_values(args: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    """Values for some of a field's arguments."""
    return st.fixed_dictionaries({}, optional={name: values_of(each.type) | any_value for name, each in args.items()})
