"""Defines the inputs of mutations of factors."""

import strawberry

from domain.factor import FactorKind
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import JSON

graphql_enum(
    FactorKind,
    "How somebody shows, beside the password, who they are.",
    TOTP="Codes of an authenticator app (RFC 6238).",
    PASSKEY="A passkey (WebAuthn), which signs in without the password too.",
    RECOVERY_CODE="Codes to write down, each for one use.",
)


@input_type("Input of `factorStart`.")
class FactorStartInput:
    """Input of `factorStart`."""

    kind: FactorKind = required(
        "TOTP for an authenticator app; PASSKEY; RECOVERY_CODE for new codes in place of the earlier ones."
    )
    label: str | None = optional("What the viewer calls it, 100 characters at most.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `factorConfirm`.")
class FactorConfirmInput:
    """Input of `factorConfirm`."""

    id: strawberry.ID = required("The factor that was started, within an hour; a passkey within five minutes.", of="Factor")
    code: str | None = optional("The code that the authenticator app shows.")
    credential: JSON | None = optional("The passkey that was made: the JSON of a `PublicKeyCredential`.")
    client_mutation_id: str | None = client_mutation_id()
