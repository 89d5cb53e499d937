"""Defines the inputs of mutations of files."""

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required


@input_type("Input of `uploadCreate`.")
class UploadCreateInput:
    """Input of `uploadCreate`."""

    subject_id: strawberry.ID | None = optional(
        "Object to attach the file to once it is uploaded; when omitted, the file is attached where it is used.",
        of="Task|Document|Comment",
    )
    file_name: str = required("Name of the file, without a path.")
    content_type: str = required("Media type, such as image/png.")
    byte_size: int = required("Exact size in bytes.")
    sha256: str | None = optional("SHA-256 of its bytes, hexadecimal; a file that differs is rejected.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `uploadComplete`.")
class UploadCompleteInput:
    """Input of `uploadComplete`."""

    id: strawberry.ID = required("Attachment returned by `uploadCreate`.", of="Attachment")
    client_mutation_id: str | None = client_mutation_id()
