"""Defines the inputs of mutations of users and sessions."""

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required


@input_type("Input of `userRegister`.")
class UserRegisterInput:
    """Input of `userRegister`."""

    email: str = required("E-mail address; it may have one account.")
    password: str = required("Password of 10 to 256 characters.")
    first_name: str = required("First name.")
    last_name: str = required("Last name.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionCreate`.")
class SessionCreateInput:
    """Input of `sessionCreate`."""

    email: str = required("E-mail address of the account.")
    password: str = required("Password of the account.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionRefresh`.")
class SessionRefreshInput:
    """Input of `sessionRefresh`."""

    refresh_token: str = required("Latest refresh token of the session, which this call replaces.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionRevoke`.")
class SessionRevokeInput:
    """Input of `sessionRevoke`."""

    session_id: strawberry.ID | None = optional("Session to end; the current one when omitted.", of="Session")
    all_others: bool | None = optional("Whether to end all sessions but the current one.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `invitationAccept`.")
class TokenInput:
    """Input of `invitationAccept`."""

    token: str = required("Token of the invitation.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `userUpdate`. Omitted fields remain unchanged.")
class UserUpdateInput:
    """Input of `userUpdate`."""

    first_name: str | None = optional("First name.")
    last_name: str | None = optional("Last name.")
    time_zone: str | None = optional("IANA time zone, such as Europe/Rome.")
    locale: str | None = optional("Language tag, such as en or pt-BR.")
    avatar_upload_id: strawberry.ID | None = optional(
        "Uploaded picture of the viewer: PNG, JPEG, GIF or WebP of at most 2 MiB; null removes the picture.", of="Attachment"
    )
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()
