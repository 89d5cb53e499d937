"""Replies by mail: the addresses to which people reply, and what becomes of a reply.

An address names a notification and the day on which it ends, and is signed: whoever has it may comment as the notification's
person, from that person's address and with their rights of now. It is written in lower case, since mail servers may change that.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from domain import comment as comments
from domain.actor import Actor, Scope
from domain.comment import Comment
from domain.email_address import email_key
from domain.errors import Invalid, NotFound
from domain.events import derived_id
from domain.ports import UnitOfWork
from domain.user import UserStatus

REPLY_LIFETIME: Final = timedelta(days=30)
REPLIED_ABOUT: Final = frozenset({"Task", "Document"})
_PREFIX: Final = "reply+"
_MAC_BYTES: Final = 16
_DAY_BYTES: Final = 2
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_TOKEN_CHARS: Final = 55  # base32 of 34 bytes, without padding
_MAX_MESSAGE_ID_CHARS: Final = 998
_SCOPES: Final = frozenset({Scope.TASKS_READ, Scope.TASKS_WRITE, Scope.DOCUMENTS_READ, Scope.DOCUMENTS_WRITE})


class ReplyAddresses:
    """Addresses of one domain, under a secret of their own."""

    def __init__(self, secret: bytes, domain: str) -> None:
        self._secret, self.domain = secret, domain.lower()

    def encode(self, notification_id: UUID, now: datetime) -> str:
        """The address for replies to what a notification is about."""
        ends = (now + REPLY_LIFETIME - _EPOCH) // _DAY
        body = notification_id.bytes + ends.to_bytes(_DAY_BYTES, "big")
        token = base64.b32encode(body + self._mac(body)).decode().rstrip("=").lower()
        return f"{_PREFIX}{token}@{self.domain}"

    def decode(self, address: str, now: datetime) -> UUID | None:
        """The notification of an address; None where the address was not made here, or has ended."""
        local, _, host = address.lower().rpartition("@")
        token = local.removeprefix(_PREFIX)
        if host != self.domain or token == local or len(token) != _TOKEN_CHARS or not token.isascii():
            return None
        try:
            raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
        except binascii.Error:
            return None
        body, mac = raw[: 16 + _DAY_BYTES], raw[16 + _DAY_BYTES :]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        ends = _EPOCH + int.from_bytes(body[16:], "big") * _DAY
        return UUID(bytes=body[:16]) if now < ends + _DAY else None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_MAC_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReply:
    """A reply to a notification. `text`: what was written; `attachments`: how many files came with it, which are left out."""

    notification_id: UUID
    message_id: str
    sender: str
    text: str
    attachments: int


async def receive_reply(uow: UnitOfWork, reply: MailReply) -> Comment:
    """
    Make a comment of a reply, in the thread of the comment that the notification was about.

    Raises NotFound where the person may not see the subject any more, NotUnique where the same message became a comment before,
    and what else `domain.comment.create` raises.
    """
    notification = await uow.notifications.get(reply.notification_id)
    if notification is None or notification.subject_type not in REPLIED_ABOUT:
        raise NotFound(("to",))
    user = await uow.users.lock(notification.user_id)
    if user is None or user.status is not UserStatus.ACTIVE or user.is_bot:
        raise NotFound(("to",))
    if email_key(reply.sender) != email_key(user.email_address):
        raise Invalid(("from",), "The reply does not come from the address of the account.")
    if not reply.text.strip():
        raise Invalid(("text",), "There is nothing above what is quoted.")
    return await comments.create(
        uow,
        Actor(user_id=user.id, scopes=_SCOPES),
        derived_id(notification.id, "reply", reply.message_id[:_MAX_MESSAGE_ID_CHARS]),
        subject_id=notification.subject_id,
        parent_id=notification.comment_id,
        body=_with_word_on_files(reply),
        upload_ids=(),
    )


def _with_word_on_files(reply: MailReply) -> str:
    if not reply.attachments:
        return reply.text
    files = "A file of this mail is" if reply.attachments == 1 else f"{reply.attachments} files of this mail are"
    return f"{reply.text}\n\n*({files} left out.)*"
