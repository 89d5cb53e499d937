"""Attachment, and where it is sent."""

from datetime import datetime

import resolvers.attachment
import resolvers.user
from domain.attachment import AttachmentState
from resolvers.enums import graphql_enum
from resolvers.scalars import URL
from schema.fields import leaf, relation, view
from schema.node import Node
from schema.payload import MutationPayload
from schema.types.user import User

graphql_enum(
    AttachmentState,
    "How far a file has come.",
    PENDING="Announced; nobody has looked at what arrived.",
    READY="There, and what was announced.",
    REJECTED="Not what was announced; gone.",
)


@view("A file.")
class Attachment(Node):
    """View over `domain.attachment.Attachment`."""

    file_name: str = leaf("Its name.")
    content_type: str = leaf("Its media type, as its uploader told it; checked for what browsers show.")
    byte_size: int = leaf("How many bytes it has.")
    sha256: str | None = leaf("SHA-256 of its bytes, hexadecimal; null where nobody told it.")
    state: AttachmentState = leaf("How far it has come.")
    uploader: User | None = relation(resolvers.user.uploaders, "Who sent it.", needs=["uploader_id"])
    created_at: datetime = leaf("When it was announced.")
    url: URL | None = relation(
        resolvers.attachment.urls,
        "Short-lived signed download address; null until it is ready.",
        needs=["id", "file_name", "content_type", "state"],
    )


@view("One header of a request.")
class HttpHeader:
    """A name and a value."""

    name: str = leaf("Its name.", lambda header: header[0])
    value: str = leaf("Its value.", lambda header: header[1])


@view("Where a file is sent, once.")
class UploadTarget:
    """View over `domain.blob.UploadTarget`."""

    url: URL = leaf("The address.")
    method: str = leaf("The method of the request.")
    headers: list[HttpHeader] = leaf("The headers that have to be sent, exactly.", lambda target: list(target.headers.items()))
    expires_at: datetime = leaf("When the address ends.")


@view("The outcome of announcing a file.")
class UploadPayload(MutationPayload):
    """Payload."""

    attachment: Attachment | None = leaf("The file to be.")
    upload: UploadTarget | None = relation(resolvers.attachment.upload_targets, "Where to send it; then call `uploadComplete`.")


@view("The outcome of a change to a file.")
class AttachmentPayload(MutationPayload):
    """Payload."""

    attachment: Attachment | None = leaf("The file as it is now; a rejected one comes with the reason in `errors`.")
