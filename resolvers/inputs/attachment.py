"""Defines the inputs of mutations of files."""

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required


@input_type("Input of `uploadCreate`.")
class UploadCreateInput:
    """Input of `uploadCreate`."""

    subject_id: strawberry.ID | None = optional(
        "What it will be on, as soon as it is there; absent: name it later where it is used.", of="Task|Document|Comment"
    )
    file_name: str = required("Its name, without a path.")
    content_type: str = required("Its media type, such as image/png.")
    byte_size: int = required("How many bytes it has, exactly.")
    sha256: str | None = optional("SHA-256 of its bytes, hexadecimal; what differs is refused.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `uploadComplete`.")
class UploadCompleteInput:
    """Input of `uploadComplete`."""

    id: strawberry.ID = required("The attachment that `uploadCreate` gave.", of="Attachment")
    client_mutation_id: str | None = client_mutation_id()
