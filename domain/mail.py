"""Mail: what a message to one person holds, and the port that hands it to a mail server."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from domain.errors import Unavailable

MAX_SUBJECT_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Somebody's name, which may be empty, and address (`domain.email_address`)."""

    name: str = ""
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message to one person, in text and in HTML.

    `id` is the message: sent again, it carries the same Message-ID, by which mail servers and people know it. Messages with the
    same `thread` are shown together. `unsubscribe_url` ends messages of this kind by one POST (RFC 8058); None for what cannot be
    unsubscribed from, such as a password reset. `reply_to`: the address that replies go to; None for the sender's.
    """

    id: UUID
    to: Mailbox
    subject: str
    text: str
    html: str
    created_at: datetime
    thread: str | None = None
    unsubscribe_url: str | None = None
    reply_to: str | None = None


class MailRejected(Exception):
    """This message will never be accepted: trying again is of no use. `bad_address`: no other for this address will be either."""

    def __init__(self, reason: str, *, bad_address: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.bad_address = bad_address


class MailUnavailable(Unavailable):
    """The mail server does not accept messages now; the same message may be sent again later."""

    code: ClassVar[str] = "SERVICE_UNAVAILABLE"

    def __init__(self, reason: str) -> None:
        super().__init__("The mail server is unavailable for the moment.")
        self.reason = reason


class Mailer(Protocol):
    """Hands messages to a mail server."""

    async def send(self, mail: Mail) -> None:
        """
        Return once the server has accepted the message. Raises MailRejected and MailUnavailable.

        Where the server's last answer is lost, the message may have been accepted though MailUnavailable is raised: sent again,
        it has the same Message-ID.
        """
        ...
