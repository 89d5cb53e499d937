"""Comment, reactions, and their payload."""

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


@view("One emoji on a comment.")
class Reaction:
    """View over a row of counts."""

    emoji: str = leaf("The emoji.", lambda row: row["emoji"])
    count: int = leaf("How many people chose it.", lambda row: row["count"])
    viewer_reacted: bool = leaf("Whether the viewer is one of them.", lambda row: row["viewer_reacted"], personal=True)


@view("Text of a document that a comment is pinned to.")
class TextAnchor:
    """View over `resolvers.comment.TextAnchor`."""

    quote: str = leaf("The text.")
    start: int = leaf("Offset of its first character in the document's form TEXT as it is now, from 0, in UTF-16 code units.")
    end: int = leaf("Offset behind its last character, in UTF-16 code units, as strings of JavaScript count.")


@view("What somebody said about something.")
class Comment(Entity):
    """View over `domain.comment.Comment`."""

    subject: Discussable = relation(resolvers.comment.subjects, "What it is about.", needs=["subject_id", "subject_type"])
    author: User | None = relation(resolvers.user.authors, "Who said it.", needs=["author_id"])
    body: Markdown = leaf("What was said.")
    parent: Annotated["Comment", strawberry.lazy("schema.types.comment")] | None = relation(
        resolvers.comment.parents_of, "The first comment of its thread; null for that one itself.", needs=["parent_id"]
    )
    replies: Connection[Annotated["Comment", strawberry.lazy("schema.types.comment")]] = relation(
        resolvers.comment.replies, "The answers of its thread, oldest first.", needs=["id"]
    )
    anchor: TextAnchor | None = relation(
        resolvers.comment.anchors,
        "Quoted text the comment is pinned to (documents only); survives edits, null when the text is gone.",
        weight=5,
        needs=["subject_id", "anchor_quote", "anchor_prefix", "anchor_suffix", "anchor_start"],
    )
    mentions: list[User] = relation(resolvers.user.mentions, "Who is mentioned in it.", needs=["mention_ids"])
    reactions: list[Reaction] = relation(resolvers.comment.reactions, "Its emoji, the oldest first.", needs=["id"])
    attachments: Connection[Attachment] = relation(
        resolvers.attachment.of_subjects, "The files on it, oldest first.", needs=["id"]
    )
    resolved_at: datetime | None = leaf("When the thread was resolved.")
    resolved_by: User | None = relation(resolvers.user.resolvers, "Who resolved it.", needs=["resolved_by_id"])
    edited_at: datetime | None = leaf("When the text was last changed.")


@view("The outcome of a change to a comment.")
class CommentPayload(MutationPayload):
    """Payload."""

    comment: Comment | None = leaf("The comment as it is now.")
    comment_edge: Edge[Comment] | None = leaf("The same, with its place in its list.", resolvers.comment.edge)
