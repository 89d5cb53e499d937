"""Defines the inputs of mutations of users and sessions."""

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import JSON

_CODE = "A code of the authenticator app, or a recovery code, for an account with a second factor."
_CREDENTIAL = "What a passkey has signed for `passkeyRequestCreate`: the JSON of a `PublicKeyCredential`"


@input_type("Input of `userRegister`.")
class UserRegisterInput:
    """Input of `userRegister`."""

    email: str = required("Where the user can be reached; one account each.")
    password: str = required("10 to 256 characters.")
    first_name: str = required("First name.")
    last_name: str = required("Last name.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionCreate`.")
class SessionCreateInput:
    """Input of `sessionCreate`."""

    email: str = required("The account's address.")
    password: str = required("Its password.")
    code: str | None = optional(_CODE)
    credential: JSON | None = optional(f"{_CREDENTIAL}; in place of a code.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of mutations that need to know nothing.")
class BasicInput:
    """Input of `calendarFeedRotate`."""

    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `passkeyRequestCreate`.")
class PasskeyRequestCreateInput:
    """Input of `passkeyRequestCreate`."""

    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionCreateWithPasskey`.")
class SessionCreateWithPasskeyInput:
    """Input of `sessionCreateWithPasskey`."""

    credential: JSON = required(f"{_CREDENTIAL}.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionRefresh`.")
class SessionRefreshInput:
    """Input of `sessionRefresh`."""

    refresh_token: str = required("The latest refresh token of the session; it is replaced by this call.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionRevoke`.")
class SessionRevokeInput:
    """Input of `sessionRevoke`."""

    session_id: strawberry.ID | None = optional("Which session; the current one when nothing is given.", of="Session")
    all_others: bool | None = optional("Every session but the current one.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `invitationAccept` and `emailVerify`.")
class TokenInput:
    """Input of `invitationAccept` and `emailVerify`."""

    token: str = required("The token.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `sessionReauthenticate`.")
class SessionReauthenticateInput:
    """Input of `sessionReauthenticate`."""

    password: str | None = optional("The viewer's password.")
    code: str | None = optional(_CODE)
    credential: JSON | None = optional(f"{_CREDENTIAL}; in place of a code, or of the password too.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `passwordChange`.")
class PasswordChangeInput:
    """Input of `passwordChange`."""

    new_password: str = required("10 to 256 characters.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `emailChangeRequest`.")
class EmailChangeRequestInput:
    """Input of `emailChangeRequest`."""

    email: str = required("The new address; or the present one, to have its verification sent again.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `passwordResetRequest`.")
class PasswordResetRequestInput:
    """Input of `passwordResetRequest`."""

    email: str = required("The account's address.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `passwordReset`.")
class PasswordResetInput:
    """Input of `passwordReset`."""

    token: str = required("The token from the mail.")
    new_password: str = required("10 to 256 characters.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `userUpdate`. Omitted fields remain unchanged.")
class UserUpdateInput:
    """Input of `userUpdate`."""

    first_name: str | None = optional("First name.")
    last_name: str | None = optional("Last name.")
    time_zone: str | None = optional("IANA time zone, such as Europe/Rome.")
    locale: str | None = optional("Language tag, such as en or pt-BR.")
    avatar_upload_id: strawberry.ID | None = optional(
        "A picture of one's own, PNG, JPEG, GIF or WebP of at most 2 MiB; null: none.", of="Attachment"
    )
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()
