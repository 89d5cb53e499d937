"""Defines the scope of a change stream."""

import strawberry

from resolvers.inputs.fields import input_type, optional
from resolvers.inputs.search_type import SearchType


@input_type("Narrows a change stream. All given fields must match; an empty scope means everything that the viewer can see.")
class ChangeScope:
    """Filter of changes."""

    team_ids: list[strawberry.ID] | None = optional("Only what happens in these teams.", of="Team")
    project_ids: list[strawberry.ID] | None = optional("Only what happens in these projects.", of="Project")
    entity_ids: list[strawberry.ID] | None = optional(
        "Only these objects, and what is said about them.", of="Comment|Document|Label|Project|Task|Team|User"
    )
    types: list[SearchType] | None = optional("Only objects of these kinds.")
