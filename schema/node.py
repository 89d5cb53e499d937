"""Defines the interfaces Node, Entity and Discussable."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.attachment
import resolvers.comment
import resolvers.task
import resolvers.viewer_permissions
import resolvers.watch
from domain.permissions import Action
from persistence.engine.rows import GLOBAL_ID
from resolvers import ids
from resolvers.enums import graphql_enum
from schema.connection import Connection
from schema.fields import interface, leaf, relation, view

if TYPE_CHECKING:
    from schema.types.attachment import Attachment
    from schema.types.change import Activity
    from schema.types.comment import Comment
    from schema.types.user import User

graphql_enum(
    Action,
    "An action on an object.",
    READ="Read it.",
    COMMENT="Comment on it, react, resolve threads.",
    CREATE="Create objects in it.",
    UPDATE="Change it.",
    ASSIGN="Assign it.",
    MOVE="Move it.",
    DELETE="Delete and restore it.",
    SHARE="Give others access.",
    MANAGE="Manage its members and visibility.",
)


@interface("An object with a global id, by which it can be fetched again.")
class Node:
    """An object with a global id."""

    id: strawberry.ID = leaf("Global id.", ids.global_id, needs=[GLOBAL_ID])


@interface("A stored object with a version for optimistic concurrency control.")
class Entity(Node):
    """An object whose writes are versioned."""

    version: int = leaf("Increases with every write; pass it as `expectedVersion`.")
    created_at: datetime = leaf("Time of creation.")
    updated_at: datetime = leaf("Time of the last change.")
    viewer_can: list[Action] = relation(
        resolvers.viewer_permissions.viewer_can,
        "What the viewer may do with the object, by the policy that the server enforces.",
        personal=True,
    )


@view("Changes to an object that the viewer has not seen.")
class UnreadSummary:
    """Counts of others' changes."""

    since: datetime = leaf("Time at which the viewer last saw the object; its creation if never.", lambda row: row["since"])
    change_count: int = leaf("Number of changes by others since then, comments included.", lambda row: row["change_count"])
    comment_count: int = leaf("Number of comments among these changes.", lambda row: row["comment_count"])


@interface("An object with comments, attachments and watchers.")
class Discussable(Entity):
    """An object that can be commented on."""

    comments: Connection[Annotated["Comment", strawberry.lazy("schema.types.comment")]] = relation(
        resolvers.comment.threads, "First comments of its threads, oldest first; the others are `replies` of these.", needs=["id"]
    )
    thread_count: int = relation(
        resolvers.comment.thread_counts,
        "Number of threads about it; `comments.totalCount` counts all comments, replies included.",
        needs=["id"],
    )
    attachments: Connection[Annotated["Attachment", strawberry.lazy("schema.types.attachment")]] = relation(
        resolvers.attachment.of_subjects, "Attached files, oldest first.", needs=["id"]
    )
    activity: Connection[Annotated["Activity", strawberry.lazy("schema.types.change")]] = relation(
        resolvers.task.activity, "History, latest first.", needs=["id"]
    )
    watchers: Connection[Annotated["User", strawberry.lazy("schema.types.user")]] = relation(
        resolvers.watch.watchers, "Users who are notified of changes, by name.", needs=["id"]
    )
    viewer_is_watching: bool = relation(
        resolvers.watch.is_watching, "Whether the viewer is a watcher.", needs=["id"], personal=True
    )
    viewer_unread: UnreadSummary | None = relation(
        resolvers.watch.unread,
        "Changes since the viewer last saw the object; null when there are none.",
        needs=["id"],
        personal=True,
    )
