"""Defines the types of objects that searches and change streams are narrowed to."""

from collections.abc import Mapping
from enum import StrEnum

from resolvers.enums import graphql_enum


class SearchType(StrEnum):
    """Types of objects."""

    USER = "USER"
    TEAM = "TEAM"
    PROJECT = "PROJECT"
    TASK = "TASK"
    DOCUMENT = "DOCUMENT"
    COMMENT = "COMMENT"


graphql_enum(
    SearchType,
    "Types of objects.",
    USER="Users.",
    TEAM="Teams.",
    PROJECT="Projects.",
    TASK="Tasks.",
    DOCUMENT="Documents.",
    COMMENT="Comments.",
)

TYPE_NAMES: Mapping[str, str] = {each: each.value.title() for each in SearchType}
"""The names of the types in the graph."""
