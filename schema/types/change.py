"""Defines Change and Activity: the event log as deltas and as history."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.change
import resolvers.field_change
import resolvers.user
from domain.events import ChangeKind
from resolvers import ids
from resolvers.enums import graphql_enum
from resolvers.field_change import field_changes
from resolvers.scalars import JSON, SyncCursor
from resolvers.subscription_topic import CAUGHT_UP
from schema.connection import Edge, PageInfo
from schema.fields import leaf, relation, view
from schema.node import Entity, Node

if TYPE_CHECKING:
    from schema.types.user import User

graphql_enum(
    ChangeKind,
    "What happened to an object.",
    CREATED="It was created.",
    UPDATED="Its attributes, labels or links changed.",
    DELETED="It was deleted.",
    RESTORED="It was restored.",
    MOVED="Its project, parent, status or position changed.",
    COMMENTED="Somebody commented; the object is the comment.",
    REACTED="Somebody added or removed a reaction; the object is the comment.",
    ATTACHED="A file was attached or removed; the object is what it is attached to.",
    MEMBERSHIP="A member joined, left or changed roles.",
    ACCESS_LOST="The viewer can no longer see it.",
)


@view("An object that a changed attribute refers to.")
class ChangeReference:
    """View over `resolvers.field_change.ChangeReference`."""

    id: strawberry.ID = leaf("Global id, as it stands in `before` or `after`.")
    type: str = leaf("Type name of the object.")
    name: str | None = leaf(
        "Name of a person, project, team or label, title of a task or document, or file name, as it is now; null for what has "
        "none, is gone, or is not visible to the viewer."
    )


@view("One attribute before and after a change.")
class FieldChange:
    """View over `resolvers.field_change.FieldChange`."""

    field: str = leaf(
        "Name of the attribute in the graph: `title`, `dueOn`, `assigneeId`, `labelIds` … and, for what belongs to the object, "
        "`members`, `links`, `reactions`, `attachments`, `invitations`."
    )
    before: JSON | None = leaf(
        "Value before the change, null where there was none: text, numbers and booleans as they are, enums by name, `Date` and "
        "`DateTime` as text, references as global ids (lists of them for labels, mentions and the members of a project). "
        "`members` of a team: `{userId, role}`. `links`: `{id, kind, targetId}`. `reactions`: `{emoji, userId}`. "
        "`attachments`: `{attachmentId, fileName, contentType, byteSize}`. `invitations`: `{invitationId, role}`."
    )
    after: JSON | None = leaf("Value after the change, in the same form; null where there is none.")
    references: list[ChangeReference] = relation(
        resolvers.field_change.references, "The objects whose global ids stand in `before` and `after`, each once, by name."
    )


@view("An entry of the change log, the same in `changes`, in subscriptions and in webhooks.")
class Change(Node):
    """View over `resolvers.event_visibility.Change`."""

    cursor: SyncCursor = relation(resolvers.change.cursors_of_changes, "Cursor to resume after this change.", is_async=False)
    kind: ChangeKind = leaf("What happened to the object.", "entry.kind")
    type: str = leaf("Type name of the object.", "entry.entity_type")
    entity_id: strawberry.ID = leaf(
        "Global id of the object.", lambda each: ids.encode(each.entry.entity_type, each.entry.entity_id)
    )
    entity: Entity | None = relation(
        resolvers.change.entities_of_changes, "The object as it is now; null when deleted or no longer visible."
    )
    fields: list[FieldChange] = leaf(
        "Changed attributes, with their values before and after.", lambda each: field_changes(each.entry)
    )
    subject: Node | None = relation(
        resolvers.change.subjects_of_changes,
        "What the object belongs to: the task or document of a comment, also of a deleted one; else the object itself. Null when "
        "the viewer can no longer see it.",
    )
    actor: Annotated["User", strawberry.lazy("schema.types.user")] | None = relation(
        resolvers.change.actors, "User who made the change; null for the server itself."
    )
    client_mutation_id: str | None = leaf(
        "`clientMutationId` of the mutation that caused it, so that its client can skip its own echo.", "entry.client_mutation_id"
    )
    at: datetime = leaf("Time of the change.", "entry.at")
    is_caught_up: bool = leaf(
        "Whether it is the one change of a subscription with `withCaughtUp` that changes nothing: everything that was committed "
        "before the subscription has been sent, and what follows is sent as it happens.",
        lambda each: each.entry.type == CAUGHT_UP,
    )


@strawberry.type(description="A page of changes, in the order in which they are to be applied.")
class ChangeConnection:
    """View over `resolvers.change.ChangePage`."""

    edges: list[Edge[Change]] = leaf("The changes, each with the cursor to resume after it.")
    nodes: list[Change] = leaf("The changes without their cursors.")
    page_info: PageInfo = leaf("Whether more changes follow.")
    cursor: SyncCursor = leaf("Cursor to resume after this page, here or in a subscription, without a gap.")


@view("An entry in the history of an object.")
class Activity(Node):
    """View over `domain.events.Entry`."""

    id: strawberry.ID = leaf("Global id.", lambda entry: ids.encode("Activity", entry.id))
    subject: Node | None = relation(
        resolvers.change.subjects, "Object that it is about; null when no longer visible to the viewer."
    )
    actor: Annotated["User", strawberry.lazy("schema.types.user")] | None = relation(
        resolvers.user.actors, "User who made the change; null for the server itself."
    )
    kind: ChangeKind = leaf("What happened to the object.")
    changes: list[FieldChange] = leaf("Changed attributes, with their values before and after.", field_changes)
    created_at: datetime = leaf("Time of the change.", "at")
