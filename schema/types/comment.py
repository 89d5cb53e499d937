"""Defines Comment, its reactions and anchor, and its payload."""

from datetime import datetime
from typing import Annotated

import strawberry

import resolvers.attachment
import resolvers.comment
import resolvers.user
from resolvers.scalars import Markdown
from schema.connection import Connection, Edge
from schema.fields import leaf, relation, view
from schema.node import Discussable, Entity
from schema.payload import MutationPayload
from schema.types.attachment import Attachment
from schema.types.user import User


@view("Reactions to a comment with the same emoji.")
class Reaction:
    """View over a row of counts."""

    emoji: str = leaf("The emoji.", lambda row: row["emoji"])
    count: int = leaf("Number of people who reacted with it.", lambda row: row["count"])
    viewer_reacted: bool = leaf("Whether the viewer is one of them.", lambda row: row["viewer_reacted"], personal=True)


@view("Quoted text of a document that a comment is anchored to.")
class TextAnchor:
    """View over `resolvers.comment.TextAnchor`."""

    quote: str = leaf("The quoted text.")
    start: int = leaf("Offset of its first character in the document's current TEXT, from 0, in UTF-16 code units.")
    end: int = leaf("Offset after its last character, in UTF-16 code units, as JavaScript strings count.")


@view("A comment on a task or document.", is_union_member=True)
class Comment(Entity):
    """View over `domain.comment.Comment`."""

    subject: Discussable = relation(
        resolvers.comment.subjects, "Task or document that it is about.", needs=["subject_id", "subject_type"]
    )
    author: User | None = relation(resolvers.user.authors, "User who wrote it.", needs=["author_id"])
    body: Markdown = leaf("Text of the comment.")
    parent: Annotated["Comment", strawberry.lazy("schema.types.comment")] | None = relation(
        resolvers.comment.parents_of, "First comment of its thread; null for the first comment itself.", needs=["parent_id"]
    )
    replies: Connection[Annotated["Comment", strawberry.lazy("schema.types.comment")]] = relation(
        resolvers.comment.replies, "Replies in its thread, oldest first.", needs=["id"]
    )
    anchor: TextAnchor | None = relation(
        resolvers.comment.anchors,
        "Quoted text that the comment is anchored to (documents only). It survives edits, and is null once the text is deleted.",
        weight=5,
        needs=["subject_id", "anchor_quote", "anchor_prefix", "anchor_suffix", "anchor_start"],
    )
    mentions: list[User] = relation(resolvers.user.mentions, "Users mentioned in the text.", needs=["mention_ids"])
    reactions: list[Reaction] = relation(resolvers.comment.reactions, "Reactions by emoji, the earliest first.", needs=["id"])
    attachments: Connection[Attachment] = relation(
        resolvers.attachment.of_subjects, "Attached files, oldest first.", needs=["id"]
    )
    resolved_at: datetime | None = leaf("Time at which the thread was resolved; null while it is open.")
    resolved_by: User | None = relation(resolvers.user.resolvers, "User who resolved the thread.", needs=["resolved_by_id"])
    edited_at: datetime | None = leaf("Time at which the text was last edited; null if never.")


@view("Result of a mutation of a comment.")
class CommentPayload(MutationPayload):
    """Payload."""

    comment: Comment | None = leaf("The comment as it is now.")
    comment_edge: Edge[Comment] | None = leaf("The comment as an edge of its list.", resolvers.comment.edge)
