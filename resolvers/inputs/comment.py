"""Defines the inputs of mutations of comments and watchers."""

from uuid import UUID

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import Markdown


@input_type("Text of a document to anchor a comment to.")
class TextAnchorInput:
    """Part of `commentCreate`."""

    quote: str = required("The text, as it stands in the document's form TEXT.")
    prefix: str | None = optional("What stands before it, to tell it from the same text elsewhere.")
    suffix: str | None = optional("What stands after it.")


@input_type("Input of `commentCreate`.")
class CommentCreateInput:
    """Input of `commentCreate`."""

    id: UUID | None = optional("An id of the client's own, for offline creation.")
    subject_id: strawberry.ID = required("What it is about.", of="Task|Document")
    parent_id: strawberry.ID | None = optional("The comment that it answers.", of="Comment")
    body: Markdown = required("What is said. A link to `user:` and a user's id is a mention.")
    anchor: TextAnchorInput | None = optional("Text of the document that it is pinned to.")
    upload_ids: list[strawberry.ID] | None = optional("Files of one's own to attach, 20 at most.", of="Attachment")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `commentUpdate`.")
class CommentUpdateInput:
    """Input of `commentUpdate`."""

    id: strawberry.ID = required("The comment.", of="Comment")
    body: Markdown = required("What is said now.")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `commentResolve`.")
class CommentResolveInput:
    """Input of `commentResolve`."""

    id: strawberry.ID = required("The thread's first comment.", of="Comment")
    resolved: bool = required("Whether it is resolved.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `commentReact`.")
class CommentReactInput:
    """Input of `commentReact`."""

    id: strawberry.ID = required("The comment.", of="Comment")
    emoji: str = required("One emoji.")
    on: bool = required("Add it, or take it back.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `watchSet`.")
class WatchSetInput:
    """Input of `watchSet`."""

    subject_id: strawberry.ID = required("What to watch.", of="Task|Document")
    watching: bool = required("Watch it, or stop watching.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `markSeen`.")
class MarkSeenInput:
    """Input of `markSeen`."""

    subject_id: strawberry.ID = required("What was seen.", of="Task|Document")
    client_mutation_id: str | None = client_mutation_id()
