"""The mutations of documents, of which `schema.root` makes Mutation."""

import strawberry

import resolvers.document
from domain.actor import Scope
from schema.inputs import document as inputs
from schema.inputs import team as shared
from schema.payload import mutation
from schema.types.document import DocumentPayload
from schema.types.user import DeletePayload

_DOCUMENTS = Scope.DOCUMENTS_WRITE


@strawberry.type
class DocumentMutations:
    """Writing documents. Every field is one transaction."""

    document_create: DocumentPayload | None = mutation(
        resolvers.document.create,
        inputs.DocumentCreateInput,
        "Begins a document.",
        guard=_DOCUMENTS,
        first=resolvers.document.begin,
        stores=True,
    )
    document_update: DocumentPayload | None = mutation(
        resolvers.document.update, inputs.DocumentUpdateInput, "Changes a document.", guard=_DOCUMENTS, stores=True
    )
    document_move: DocumentPayload | None = mutation(
        resolvers.document.move,
        inputs.DocumentMoveInput,
        "Changes project, parent and position in one step.",
        guard=_DOCUMENTS,
        stores=True,
    )
    document_delete: DeletePayload | None = mutation(
        resolvers.document.delete,
        shared.DeleteInput,
        "Puts a document away with those below it.",
        guard=_DOCUMENTS,
        delete=["Document"],
        stores=True,
    )
    document_restore: DocumentPayload | None = mutation(
        resolvers.document.restore,
        shared.RestoreInput,
        "Brings a document back.",
        guard=_DOCUMENTS,
        delete=["Document"],
        stores=True,
    )
