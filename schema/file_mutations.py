"""Defines the mutations of files, which `schema.root` includes in Mutation."""

import strawberry

import resolvers.attachment
from domain.actor import Scope
from resolvers.inputs import attachment as inputs
from resolvers.inputs import team as shared
from schema.payload import mutation
from schema.types.attachment import AttachmentPayload, UploadPayload
from schema.types.user import DeletePayload

_FILES = Scope.TASKS_WRITE


@strawberry.type
class FileMutations:
    """Mutations of files."""

    upload_create: UploadPayload | None = mutation(
        resolvers.attachment.create,
        inputs.UploadCreateInput,
        "Announces a file, and returns the URL to upload it to.",
        guard=_FILES,
    )
    upload_complete: AttachmentPayload | None = mutation(
        resolvers.attachment.complete,
        inputs.UploadCompleteInput,
        "Completes an upload: the file is checked, and attached to the object that it was announced for.",
        guard=_FILES,
        prepare=resolvers.attachment.inspect_upload,
    )
    attachment_delete: DeletePayload | None = mutation(
        resolvers.attachment.delete, shared.DeleteInput, "Deletes a file.", guard=_FILES, delete=["Attachment"]
    )
