"""The mutations of documents, of which `schema.root` makes Mutation."""

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
    """Writing documents. Every field is one transaction."""

    document_create: DocumentPayload | None = mutation(
        resolvers.document_content.create,
        inputs.DocumentCreateInput,
        "Begins a document.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_content.prepare_create,
        writes_documents=True,
    )
    document_apply_update: DocumentSyncPayload | None = live_mutation(
        resolvers.collaboration.apply_update,
        live.DocumentApplyUpdateInput,
        "Yjs updates from a live session; answered when they are durable.",
        guard=_DOCUMENTS,
    )
    document_set_presence: BasicPayload | None = live_mutation(
        resolvers.collaboration.set_presence,
        live.DocumentSetPresenceInput,
        "Tells where a session's cursor stands.",
        guard=Scope.DOCUMENTS_READ,
    )
    document_update: DocumentPayload | None = mutation(
        resolvers.document.update, inputs.DocumentUpdateInput, "Changes a document.", guard=_DOCUMENTS, writes_documents=True
    )
    document_move: DocumentPayload | None = mutation(
        resolvers.document.move,
        inputs.DocumentMoveInput,
        "Changes project, parent and position in one step.",
        guard=_DOCUMENTS,
        writes_documents=True,
    )
    document_delete: DeletePayload | None = mutation(
        resolvers.document.delete,
        shared.DeleteInput,
        "Puts a document away with those below it.",
        guard=_DOCUMENTS,
        delete=["Document"],
        writes_documents=True,
    )
    document_restore: DocumentPayload | None = mutation(
        resolvers.document.restore,
        shared.RestoreInput,
        "Brings a document back.",
        guard=_DOCUMENTS,
        delete=["Document"],
        writes_documents=True,
    )
    document_save_version: DocumentPayload | None = mutation(
        resolvers.document_content.save_version,
        inputs.DocumentSaveVersionInput,
        "Saves what the document says now as a version.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_content.prepare_save_version,
        writes_documents=True,
    )
    document_restore_version: DocumentPayload | None = mutation(
        resolvers.document_edit.restore_version,
        inputs.DocumentRestoreVersionInput,
        "Makes the document say what a version said, as a new edit: nothing of its history goes.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_edit.prepare_restore,
    )
    document_edit: DocumentPayload | None = mutation(
        resolvers.document_edit.apply,
        inputs.DocumentEditInput,
        "Text edit from outside a live session; merged into it, never over it.",
        guard=_DOCUMENTS,
        prepare=resolvers.document_edit.prepare_edit,
    )
