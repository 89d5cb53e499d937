"""Defines the inputs of mutations of comments and watchers."""

from uuid import UUID

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import Markdown


@input_type("Text of a document to anchor a comment to.")
class TextAnchorInput:
    """Part of `commentCreate`."""

    quote: str = required("Quoted text, as in the document's format TEXT.")
    prefix: str | None = optional("Text before the quote, to distinguish it from the same text elsewhere.")
    suffix: str | None = optional("Text after the quote.")


@input_type("Input of `commentCreate`.")
class CommentCreateInput:
    """Input of `commentCreate`."""

    id: UUID | None = optional("Id chosen by the client, for offline creation.")
    subject_id: strawberry.ID = required("Task or document to comment on.", of="Task|Document")
    parent_id: strawberry.ID | None = optional("Comment to reply to.", of="Comment")
    body: Markdown = required("Text of the comment. A link to `user:` followed by a user's id is a mention.")
    anchor: TextAnchorInput | None = optional("Text of the document to anchor the comment to.")
    upload_ids: list[strawberry.ID] | None = optional("Uploaded files of the viewer to attach, at most 20.", of="Attachment")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `commentUpdate`.")
class CommentUpdateInput:
    """Input of `commentUpdate`."""

    id: strawberry.ID = required("Id of the comment.", of="Comment")
    body: Markdown = required("New text of the comment.")
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `commentResolve`.")
class CommentResolveInput:
    """Input of `commentResolve`."""

    id: strawberry.ID = required("First comment of the thread.", of="Comment")
    resolved: bool = required("Whether the thread is resolved.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `commentReact`.")
class CommentReactInput:
    """Input of `commentReact`."""

    id: strawberry.ID = required("Id of the comment.", of="Comment")
    emoji: str = required("One emoji.")
    on: bool = required("True to add the reaction, false to remove it.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `watchSet`.")
class WatchSetInput:
    """Input of `watchSet`."""

    subject_id: strawberry.ID = required("Task or document to watch.", of="Task|Document")
    watching: bool = required("True to watch, false to stop watching.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `markSeen`.")
class MarkSeenInput:
    """Input of `markSeen`."""

    subject_id: strawberry.ID = required("Task or document that the viewer has seen.", of="Task|Document")
    client_mutation_id: str | None = client_mutation_id()
