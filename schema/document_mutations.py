"""Defines the mutations of documents, which `schema.root` includes in Mutation."""

import strawberry

import resolvers.collaboration
import resolvers.document
import resolvers.document_content
import resolvers.document_edit
from domain.actor import Scope
from resolvers.inputs import collaboration as live
from resolvers.inputs import document as inputs
from resolvers.inputs import team as shared
from schema.payload import live_mutation, mutation
from schema.types.collaboration import DocumentSyncPayload
from schema.types.document import DocumentPayload
from schema.types.user import BasicPayload, DeletePayload

_DOCUMENTS = Scope.DOCUMENTS_WRITE


@strawberry.type
class DocumentMutations:
    """Mutations of documents. Each field runs in its own transaction."""

    document_create: DocumentPayload | None = mutation(
        resolvers.document_content.create,
        inputs.DocumentCreateInput,
        "Creates a document.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_content.prepare_create,
        writes_documents=True,
    )
    document_apply_update: DocumentSyncPayload | None = live_mutation(
        resolvers.collaboration.apply_update,
        live.DocumentApplyUpdateInput,
        "Applies Yjs updates of a live session. Answers when they are durable.",
        guard=_DOCUMENTS,
    )
    document_set_presence: BasicPayload | None = live_mutation(
        resolvers.collaboration.set_presence,
        live.DocumentSetPresenceInput,
        "Publishes the cursor of a live session.",
        guard=Scope.DOCUMENTS_READ,
    )
    document_update: DocumentPayload | None = mutation(
        resolvers.document.update, inputs.DocumentUpdateInput, "Updates a document.", guard=_DOCUMENTS, writes_documents=True
    )
    document_move: DocumentPayload | None = mutation(
        resolvers.document.move,
        inputs.DocumentMoveInput,
        "Moves a document: project, parent and position in one step.",
        guard=_DOCUMENTS,
        writes_documents=True,
    )
    document_delete: DeletePayload | None = mutation(
        resolvers.document.delete,
        shared.DeleteInput,
        "Deletes a document and those below it (restorable).",
        guard=_DOCUMENTS,
        delete=["Document"],
        writes_documents=True,
    )
    document_restore: DocumentPayload | None = mutation(
        resolvers.document.restore,
        shared.RestoreInput,
        "Restores a deleted document.",
        guard=_DOCUMENTS,
        delete=["Document"],
        writes_documents=True,
    )
    document_save_version: DocumentPayload | None = mutation(
        resolvers.document_content.save_version,
        inputs.DocumentSaveVersionInput,
        "Saves the current content as a version.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_content.prepare_save_version,
        writes_documents=True,
    )
    document_restore_version: DocumentPayload | None = mutation(
        resolvers.document_edit.restore_version,
        inputs.DocumentRestoreVersionInput,
        "Restores the content of a version as a new edit. The history is preserved.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_edit.prepare_restore,
    )
    document_edit: DocumentPayload | None = mutation(
        resolvers.document_edit.apply,
        inputs.DocumentEditInput,
        "Edits the text from outside a live session. The edit is merged with concurrent ones, and never overwrites them.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_edit.prepare_edit,
    )
