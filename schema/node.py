"""Node, Entity and Discussable: what objects of many types have in common."""

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
    "What can be done to an object.",
    READ="See it.",
    COMMENT="Say something about it, react, resolve.",
    CREATE="Make something inside it.",
    UPDATE="Change it.",
    ASSIGN="Hand it to somebody.",
    MOVE="Put it elsewhere.",
    DELETE="Put it away, and bring it back.",
    SHARE="Let others in.",
    MANAGE="Decide about members and visibility.",
)


@interface("Anything refetchable by global id.")
class Node:
    """What has a global id."""

    id: strawberry.ID = leaf("Global id.", ids.global_id, needs=[GLOBAL_ID])


@interface("Stored object with optimistic-concurrency version and viewer abilities.")
class Entity(Node):
    """What is written with versions."""

    version: int = leaf("Increments on every write; pass back as `expectedVersion`.")
    created_at: datetime = leaf("When it was made.")
    updated_at: datetime = leaf("When it was last written.")
    viewer_can: list[Action] = relation(
        resolvers.viewer_permissions.viewer_can,
        "What the viewer may do with this object, computed by the same policy the server enforces.",
        personal=True,
    )


@view("What is news to the viewer about one object.")
class UnreadSummary:
    """Counts of others' changes."""

    since: datetime = leaf("When the viewer last saw the object; its creation when never.", lambda row: row["since"])
    change_count: int = leaf("How many changes others made since, comments among them.", lambda row: row["change_count"])
    comment_count: int = leaf("How many of these are comments.", lambda row: row["comment_count"])


@interface("Object with a comment thread, attachments and watchers.")
class Discussable(Entity):
    """What people talk about."""

    comments: Connection[Annotated["Comment", strawberry.lazy("schema.types.comment")]] = relation(
        resolvers.comment.threads, "The threads about it, oldest first; answers are below a thread's first comment.", needs=["id"]
    )
    thread_count: int = relation(
        resolvers.comment.thread_counts,
        "How many threads there are about it; `comments.totalCount` counts all comments, replies included.",
        needs=["id"],
    )
    attachments: Connection[Annotated["Attachment", strawberry.lazy("schema.types.attachment")]] = relation(
        resolvers.attachment.of_subjects, "The files on it, oldest first.", needs=["id"]
    )
    activity: Connection[Annotated["Activity", strawberry.lazy("schema.types.change")]] = relation(
        resolvers.task.activity, "What happened to it, latest first.", needs=["id"]
    )
    watchers: Connection[Annotated["User", strawberry.lazy("schema.types.user")]] = relation(
        resolvers.watch.watchers, "Who hears of its changes, by name.", needs=["id"]
    )
    viewer_is_watching: bool = relation(
        resolvers.watch.is_watching, "Whether the viewer is among the watchers.", needs=["id"], personal=True
    )
    viewer_unread: UnreadSummary | None = relation(
        resolvers.watch.unread,
        "Unseen changes since the viewer last opened the object; null when up to date.",
        needs=["id"],
        personal=True,
    )
