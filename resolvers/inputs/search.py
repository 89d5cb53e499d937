"""Defines the filter, the order and the facets of a search."""

from enum import StrEnum

import strawberry

from domain.task import TaskStatus
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import input_type, optional
from resolvers.inputs.filter import DateTimeFilter
from resolvers.inputs.search_type import SearchType


class SearchOrder(StrEnum):
    """What comes first."""

    RELEVANCE = "RELEVANCE"
    UPDATED_AT = "UPDATED_AT"


graphql_enum(
    SearchOrder, "Order of what a search finds.", RELEVANCE="The best matches first.", UPDATED_AT="The last changed first."
)


class SearchFacetField(StrEnum):
    """By what results are counted."""

    TYPE = "TYPE"
    TEAM = "TEAM"
    PROJECT = "PROJECT"
    STATUS = "STATUS"
    PRIORITY = "PRIORITY"
    ASSIGNEE = "ASSIGNEE"
    LABEL = "LABEL"
    AUTHOR = "AUTHOR"
    UPDATED = "UPDATED"


graphql_enum(
    SearchFacetField,
    "Attribute by which the results of a search are counted.",
    TYPE="Type of the object; values are those of `SearchType`.",
    TEAM="Team; values are global ids.",
    PROJECT="Project; values are global ids.",
    STATUS="Status of tasks.",
    PRIORITY="Priority of tasks.",
    ASSIGNEE="Assignee of tasks; values are global ids.",
    LABEL="Labels of tasks; values are global ids.",
    AUTHOR="Creator of tasks and projects, owner of documents, author of comments; values are global ids.",
    UPDATED="Time since the last change: `P1D`, `P7D`, `P30D` and `P365D` count what changed within so many days.",
)


@input_type(
    "Narrows a search. All given fields must match; an empty list matches nothing. `assigneeIds`, `labelIds` and `statuses` are "
    "of tasks, and find only these."
)
class SearchFilter:
    """Filter of a search."""

    types: list[SearchType] | None = optional("Only objects of these types.")
    team_ids: list[strawberry.ID] | None = optional("Only what belongs to these teams.", of="Team")
    project_ids: list[strawberry.ID] | None = optional("Only these projects and what is in them.", of="Project")
    assignee_ids: list[strawberry.ID] | None = optional("Only tasks assigned to one of these users.", of="User")
    label_ids: list[strawberry.ID] | None = optional("Only tasks with one of these labels.", of="Label")
    statuses: list[TaskStatus] | None = optional("Only tasks with one of these statuses.")
    updated_at: DateTimeFilter | None = optional("Only what was last changed then.")
