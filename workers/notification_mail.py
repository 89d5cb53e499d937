"""Words the mails about notifications, with names and texts as their reader may see them when it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.mail import Mail, Mailbox
from domain.mail_reply import REPLIED_ABOUT, ReplyAddresses
from domain.notification import DigestFrequency, Notification, NotificationReason, UnsubscribeTokens
from mail.rendering import MailTemplates
from mail.reply_text import MARKER
from persistence.engine.database import Database
from workers.notification_texts import NotificationTexts

MAX_SHOWN: Final = 30
_WHY: Final = {
    NotificationReason.MENTIONED: "you were mentioned",
    NotificationReason.ASSIGNED: "a task was assigned to you",
    NotificationReason.REACTION: "somebody reacted to your comment",
    NotificationReason.INVITED: "you were invited",
    NotificationReason.ADDED_TO_PROJECT: "you were added to a project",
    NotificationReason.DUE_SOON: "a task of yours is due",
    NotificationReason.OVERDUE: "a task of yours is overdue",
    NotificationReason.WEBHOOK_PAUSED: "you manage the team",
    NotificationReason.JOB_FINISHED: "you started the job",
}
_PERIODS: Final = {DigestFrequency.HOURLY: "hour", DigestFrequency.DAILY: "day", DigestFrequency.WEEKLY: "week"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationMails:
    """What mails are made with. `reply_addresses`: where replies become comments; None where mails cannot be replied to."""

    templates: MailTemplates
    tokens: UnsubscribeTokens
    origin: str
    texts: NotificationTexts
    reply_addresses: ReplyAddresses | None

    def unsubscribe_url(self, user_id: UUID, reason: NotificationReason | None) -> str:
        """Where mails for a reason, or all, are ended."""
        return f"{self.origin}/notifications/unsubscribe/{self.tokens.encode(user_id, reason)}"

    async def compose(
        self, database: Database, mail_id: UUID, to: Any, about: Sequence[Notification], digest: DigestFrequency, at: datetime
    ) -> Mail:
        """The mail to a user about one or more notifications."""
        shown = await self.texts.write(database, to.id, about[:MAX_SHOWN])
        single = about[0] if len(about) == 1 else None
        unsubscribe_url = self.unsubscribe_url(to.id, None if single is None else single.reason)
        period = _PERIODS.get(digest)
        heading = (
            shown[0].title if single is not None else f"{len(about)} notifications" + (f" of the last {period}" if period else "")
        )
        why = None if single is None else _WHY.get(single.reason, "you watch this")
        reply_to = None if single is None else self._reply_to(single, at)
        content = self.templates.render(
            "notification",
            reply_marker=None if reply_to is None else f"{MARKER}.",
            heading=heading,
            items=shown,
            further=len(about) - len(shown),
            reason=f"You receive this because {why}." if why else "You receive this because of your notification settings.",
            unsubscribe_url=unsubscribe_url,
        )
        return Mail(
            id=mail_id,
            to=Mailbox(name=to.display_name, address=to.email_address),
            subject=content.subject,
            text=content.text,
            html=content.html,
            created_at=at,
            thread=None if single is None else single.group_key,
            unsubscribe_url=unsubscribe_url,
            reply_to=reply_to,
        )

    def _reply_to(self, about: Notification, at: datetime) -> str | None:
        """The address by which a comment is made about what a notification is about."""
        if self.reply_addresses is None or about.subject_type not in REPLIED_ABOUT:
            return None
        return self.reply_addresses.encode(about.id, at)
