"""Values that nobody in his right mind would send, for every type of the graph."""

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

TYPES = schema._schema
_NOBODY = UUID("3f1c2b9e-6a52-4a0e-9d53-2f6a0d5f7c11")
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
BROKEN = ["\x00", "a\x00b", "\ud800", "\udfff\ud800"]  # what no body may hold
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
    str(_NOBODY),
    "0" * 32,
    "{" + str(_NOBODY) + "}",
    "urn:uuid:" + str(_NOBODY),
    "00000000-0000-0000-0000-000000000000",
    "x" * 36,
]

hostile: SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, False, *NUMBERS, *STRINGS, *BROKEN]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "eq", "in", "x", "\0"]), inner, max_size=3)
    ),
    max_leaves=5,
)

# Ids of what is there stand as @Task until there is a target.
an_id = st.sampled_from([f"@{name}" for name in ("Team", "Project", "Task", "Comment", "User", "Label")])
SCALARS: dict[str, SearchStrategy[Any]] = {
    "ID": an_id | an_id | st.sampled_from(STRINGS) | st.just(ids.encode("Task", _NOBODY)) | st.sampled_from([7, 2**40]),
    "Int": st.sampled_from([0, 1, 2, 100, 101, -1, 2**31 - 1, -(2**31)]),
    "Float": st.sampled_from(NUMBERS),
    "Boolean": st.booleans(),
    "Date": st.sampled_from(DAYS[1:3]) | st.sampled_from(DAYS[1:3]) | st.sampled_from(DAYS),
    "DateTime": st.sampled_from(INSTANTS[::2]) | st.sampled_from(INSTANTS),
    "UUID": st.uuids().map(str) | st.sampled_from(UUIDS),
}


def shaped(wanted: GraphQLInputType, name: str = "", depth: int = 0) -> SearchStrategy[Any]:
    """Values that mostly fit a type, and the name of an argument that takes ids, so that they get far in."""
    match wanted:
        case GraphQLNonNull():
            return shaped(wanted.of_type, name, depth)
        case GraphQLList():
            return st.lists(shaped(wanted.of_type, name, depth), max_size=3)
        case GraphQLScalarType(name="ID"):
            fitting = st.just("@" + _TYPES.get(name.removesuffix("s").removesuffix("Id"), "Task"))
            return st.one_of(fitting, fitting, fitting, fitting, fitting, SCALARS["ID"])
        case GraphQLEnumType():
            return st.sampled_from(sorted(wanted.values))
        case GraphQLScalarType():
            return SCALARS.get(wanted.name, st.sampled_from(STRINGS))
        case GraphQLInputObjectType():
            about = wanted.name.partition("Create")[0].partition("Update")[0].rstrip("s").lower()
            left = {name: each for name, each in wanted.fields.items() if depth < 2 or not _recurs(each.type)}
            values = {name: mostly(shaped(each.type, about if name == "id" else name, depth + 1)) for name, each in left.items()}
            needed = {name for name, each in left.items() if isinstance(each.type, GraphQLNonNull)}
            return st.fixed_dictionaries(
                {name: values[name] for name in values if name in needed},
                optional={name: values[name] for name in values if name not in needed},
            )
    raise AssertionError(wanted)


def mostly(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """One in thirty is anything at all."""
    return st.integers(0, 29).flatmap(lambda number: values if number else hostile)


def _recurs(wanted: GraphQLInputType) -> bool:
    return get_named_type(wanted) is TYPES.type_map["TaskFilter"]


_TYPES = {
    "project": "Project",
    "team": "Team",
    "comment": "Comment",
    "label": "Label",
    "addLabel": "Label",
    "removeLabel": "Label",
}
_TYPES |= {"assignee": "User", "lead": "User", "user": "User", "addUser": "User", "removeUser": "User", "session": "Session"}


def arguments(args: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    """Values for some of a field's arguments."""
    return st.fixed_dictionaries({}, optional={name: shaped(each.type) | hostile for name, each in args.items()})
