"""What is written to people about their accounts; how it is worded and sent is decided elsewhere (`auth.account_mail`)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class AccountMailKind(StrEnum):
    """What a mail says."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    COMPLETE_REGISTRATION = "COMPLETE_REGISTRATION"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 (the name of a mail)
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 (the name of a mail)
    FACTOR_ADDED = "FACTOR_ADDED"
    FACTOR_REMOVED = "FACTOR_REMOVED"
    IDENTITY_LINKED = "IDENTITY_LINKED"
    PASSKEY_ADDED = "PASSKEY_ADDED"
    PASSKEY_REMOVED = "PASSKEY_REMOVED"
    CONFIRM_OLD_EMAIL = "CONFIRM_OLD_EMAIL"
    CONFIRM_NEW_EMAIL = "CONFIRM_NEW_EMAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMail:
    """A mail to one person. `token` becomes part of its link; `new_address` is named in mails about another address.

    `is_decoy`: it is worded as any other, and dropped then, so that it takes no less to answer for an address without an account.
    """

    kind: AccountMailKind
    address: str
    name: str
    token: str | None = field(default=None, repr=False)
    new_address: str | None = None
    is_decoy: bool = False


class AccountMailer(Protocol):
    """Sends mails in the background: whether one is sent takes no time, and its failure fails nothing."""

    def link_of(self, mail: AccountMail) -> str | None:
        """The address that a mail asks to open, if it asks for that."""
        ...

    def send(self, mail: AccountMail) -> None:
        """Send it soon."""
        ...
