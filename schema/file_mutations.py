"""The mutations of files, of which `schema.root` makes Mutation."""

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
    """Sending and deleting files."""

    upload_create: UploadPayload | None = mutation(
        resolvers.attachment.create, inputs.UploadCreateInput, "Announces a file, and tells where to send it.", guard=_FILES
    )
    upload_complete: AttachmentPayload | None = mutation(
        resolvers.attachment.complete,
        inputs.UploadCompleteInput,
        "Says that a file was sent; it is looked at, and attached to what it was announced for.",
        guard=_FILES,
        prepare=resolvers.attachment.inspect_upload,
    )
    attachment_delete: DeletePayload | None = mutation(
        resolvers.attachment.delete, shared.DeleteInput, "Deletes a file.", guard=_FILES, delete=["Attachment"]
    )
