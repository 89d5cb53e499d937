"""Defines Attachment, upload targets, and the payloads of uploads."""

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
    "State of a file.",
    PENDING="Announced; its content has not been checked yet.",
    READY="Uploaded, and equal to what was announced.",
    REJECTED="Different from what was announced; deleted.",
)


@view("A file.")
class Attachment(Node):
    """View over `domain.attachment.Attachment`."""

    file_name: str = leaf("Name of the file, without a path.")
    content_type: str = leaf("Media type, as announced by the uploader; verified for types that browsers display.")
    byte_size: int = leaf("Size in bytes.")
    sha256: str | None = leaf("SHA-256 of its bytes, hexadecimal; null when the uploader did not announce it.")
    state: AttachmentState = leaf("State of the upload.")
    uploader: User | None = relation(resolvers.user.uploaders, "User who uploaded it.", needs=["uploader_id"])
    created_at: datetime = leaf("Time at which it was announced.")
    url: URL | None = relation(
        resolvers.attachment.urls,
        "Short-lived signed download URL; null until the file is ready.",
        needs=["id", "file_name", "content_type", "state"],
    )
    thumbnail_url: URL | None = relation(
        resolvers.attachment.thumbnail_urls,
        "Short-lived signed URL of a smaller WebP of a PNG, JPEG, GIF or WebP: upright, without metadata, of an animation the "
        "first frame. Null for other files and for those above 32 MiB. It answers 404 where the picture cannot be read or has "
        "more than 50 million pixels.",
        needs=["id", "content_type", "byte_size", "state"],
    )


@view("An HTTP header.")
class HttpHeader:
    """A name and a value."""

    name: str = leaf("Name of the header.", lambda header: header[0])
    value: str = leaf("Value of the header.", lambda header: header[1])


@view("A signed URL that accepts one upload.")
class UploadTarget:
    """View over `domain.blob.UploadTarget`."""

    url: URL = leaf("URL to send the file to.")
    method: str = leaf("HTTP method of the request.")
    headers: list[HttpHeader] = leaf(
        "Headers that the request must carry, exactly as given.", lambda target: list(target.headers.items())
    )
    expires_at: datetime = leaf("Time at which the URL expires.")


@view("Result of `uploadCreate`.")
class UploadPayload(MutationPayload):
    """Payload."""

    attachment: Attachment | None = leaf("The announced file.")
    upload: UploadTarget | None = relation(
        resolvers.attachment.upload_targets, "Where to upload the file; call `uploadComplete` afterwards."
    )


@view("Result of a mutation of a file.")
class AttachmentPayload(MutationPayload):
    """Payload."""

    attachment: Attachment | None = leaf("The file; `errors` says why it was rejected, if it was.")
