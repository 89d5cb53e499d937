"""Makes comments of mails that people send in reply to notifications.

Nothing is ever sent in answer, whatever becomes of a mail, and what a machine sent is ignored: so no loop can begin here.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.errors import DomainError, NotUnique, Unavailable
from domain.mail_reply import MailReply, ReplyAddresses, receive_reply
from domain.rate_limit import LimitedUse, RateLimit
from mail.incoming import IncomingMail, UnreadableMail, read_mail
from persistence.engine.database import Database
from persistence.rate_limits.memory import MemoryRateLimiter
from persistence.unit_of_work import Announcer, run_in_unit_of_work

_REPLIES: Final = RateLimit(name="reply by mail", max_uses=30, window_seconds=3600)
"""To one notification, in each process."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplyOutcome:
    """What became of a mail: `accepted` where it is a comment, now or before; else `reason` says why not."""

    accepted: bool
    reason: str


class ReplyReceiver:
    """Takes mails to the addresses of one domain."""

    def __init__(self, database: Database, announcer: Announcer, addresses: ReplyAddresses) -> None:
        self._database, self._announcer, self._addresses = database, announcer, addresses
        self._limiter = MemoryRateLimiter()

    async def receive(self, content: bytes, recipients: Sequence[str] = ()) -> ReplyOutcome:
        """Make a comment of a mail. `recipients`: those of its envelope, where they are known. Raises Unavailable."""
        try:
            mail = await asyncio.to_thread(read_mail, content)
        except UnreadableMail as error:
            return self._refused(str(error))
        if mail.automatic is not None:
            return self._refused(mail.automatic)
        now = datetime.now(UTC)
        decoded = (self._addresses.decode(each, now) for each in (*recipients, *mail.recipients))
        notification_id = next(filter(None, decoded), None)
        if notification_id is None:
            return self._refused("No recipient is an address of ours that is still good.")
        if await self._limiter.take(LimitedUse(_REPLIES, str(notification_id))) is not None:
            return self._refused("Too many replies to one mail.")
        reply = MailReply(
            notification_id=notification_id,
            message_id=mail.message_id or hashlib.sha256(content).hexdigest(),
            sender=mail.sender,
            text=mail.text,
            attachments=mail.attachments,
        )
        return await self._comment(mail, reply)

    async def _comment(self, mail: IncomingMail, reply: MailReply) -> ReplyOutcome:
        try:
            await run_in_unit_of_work(self._database, self._announcer, lambda uow: receive_reply(uow, reply))
        except NotUnique:
            return ReplyOutcome(True, "It was a comment before.")
        except Unavailable:
            raise
        except DomainError as error:
            return self._refused(f"{error.code}: {error.message}")
        return ReplyOutcome(True, "It is a comment.")

    def _refused(self, reason: str) -> ReplyOutcome:
        logger.info("A reply by mail became no comment: %s", reason)
        return ReplyOutcome(False, reason)
