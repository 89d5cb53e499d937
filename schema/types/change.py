"""Change and Activity: the event log, as deltas and as histories."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.change
import resolvers.user
from domain.events import ChangeKind
from resolvers import ids
from resolvers.enums import graphql_enum
from resolvers.field_change import field_changes
from resolvers.scalars import JSON, SyncCursor
from schema.connection import Edge, PageInfo
from schema.fields import leaf, relation, view
from schema.node import Entity, Node

if TYPE_CHECKING:
    from schema.types.user import User

graphql_enum(
    ChangeKind,
    "What happened to an object.",
    CREATED="It was made.",
    UPDATED="Its attributes, labels or links changed.",
    DELETED="It was put away.",
    RESTORED="It came back.",
    MOVED="It changed its place.",
    COMMENTED="Somebody commented; the object is the comment.",
    REACTED="Somebody reacted to the comment, or took it back.",
    ATTACHED="A file was attached, or taken off; the object is what it is on.",
    MEMBERSHIP="Somebody joined, left or changed roles.",
    ACCESS_LOST="The viewer can no longer see it.",
)


@view("One attribute before and after.")
class FieldChange:
    """View over `domain.events.FieldChange`."""

    field: str = leaf("The attribute's name in the graph; references end in Id and hold global ids.")
    before: JSON | None = leaf("What it was.")
    after: JSON | None = leaf("What it is.")


@view("One row of the change log, the same in `changes`, in subscriptions and in webhooks.")
class Change(Node):
    """View over `resolvers.event_visibility.Change`."""

    cursor: SyncCursor = relation(resolvers.change.cursors_of_changes, "Where to go on after this change.", is_async=False)
    kind: ChangeKind = leaf("What happened.", "entry.kind")
    type: str = leaf("The type of the object.", "entry.entity_type")
    entity_id: strawberry.ID = leaf(
        "The object's global id.", lambda each: ids.encode(each.entry.entity_type, each.entry.entity_id)
    )
    entity: Entity | None = relation(
        resolvers.change.entities_of_changes, "Current object; null when deleted or no longer visible."
    )
    subject: Node | None = relation(
        resolvers.change.subjects_of_changes,
        "What the object belongs to: the task or document of a comment, also of a deleted one; else the object itself. Null when "
        "the viewer can no longer see it.",
    )
    fields: list[FieldChange] = leaf("Field-level before/after.", lambda each: field_changes(each.entry))
    actor: Annotated["User", strawberry.lazy("schema.types.user")] | None = relation(
        resolvers.change.actors, "Who did it; null for the server itself."
    )
    client_mutation_id: str | None = leaf(
        "Set by the client that caused it, so that client can skip its own echo.", "entry.client_mutation_id"
    )
    at: datetime = leaf("When it happened.", "entry.at")


@strawberry.type(description="Changes in the order they are to be applied.")
class ChangeConnection:
    """View over `resolvers.change.ChangePage`."""

    edges: list[Edge[Change]] = leaf("The changes, each with the cursor that goes on after it.")
    nodes: list[Change] = leaf("The changes alone.")
    page_info: PageInfo = leaf("Whether there is more.")
    cursor: SyncCursor = leaf("Cursor to give to the subscription to continue without a gap.")


@view("One entry of an object's history.")
class Activity(Node):
    """View over `domain.events.Entry`."""

    id: strawberry.ID = leaf("Global id.", lambda entry: ids.encode("Activity", entry.id))
    subject: Node | None = relation(resolvers.change.subjects, "What it is about; null when the viewer can no longer see it.")
    actor: Annotated["User", strawberry.lazy("schema.types.user")] | None = relation(
        resolvers.user.actors, "Who did it; null for the server itself."
    )
    kind: ChangeKind = leaf("What happened.")
    changes: list[FieldChange] = leaf("Field-level before/after.", field_changes)
    created_at: datetime = leaf("When it happened.", "at")
