"""Words the mails about notifications, with names and texts as their reader may see them when it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain import notification as notifications
from domain.global_id import url_safe_id
from domain.mail import Mail, Mailbox
from domain.notification import DigestFrequency, Notification, NotificationReason, UnsubscribeTokens
from mail.rendering import MailTemplates
from persistence.engine.database import Database
from persistence.engine.lookup import FindByIds
from persistence.stores import comment, project, task, user, webhook
from persistence.stores import document_queries as documents
from persistence.stores.notification import invited_team_names

MAX_SHOWN: Final = 30
_LOADERS: Final[Mapping[str, FindByIds]] = {
    "Task": task.by_ids,
    "Document": documents.by_ids,
    "Project": project.by_ids,
    "Webhook": webhook.by_ids,
}
_WHY: Final = {
    NotificationReason.MENTIONED: "you were mentioned",
    NotificationReason.ASSIGNED: "a task was assigned to you",
    NotificationReason.REACTION: "somebody reacted to your comment",
    NotificationReason.INVITED: "you were invited",
    NotificationReason.ADDED_TO_PROJECT: "you were added to a project",
    NotificationReason.DUE_SOON: "a task of yours is due",
    NotificationReason.OVERDUE: "a task of yours is overdue",
    NotificationReason.WEBHOOK_PAUSED: "you manage the team",
}
_PERIODS: Final = {DigestFrequency.HOURLY: "hour", DigestFrequency.DAILY: "day", DigestFrequency.WEEKLY: "week"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationMails:
    """What mails are made with. `app_url`: where the front end is, for links to what a mail is about; None for no links."""

    templates: MailTemplates
    tokens: UnsubscribeTokens
    origin: str
    app_url: str | None

    def unsubscribe_url(self, user_id: UUID, reason: NotificationReason | None) -> str:
        """Where mails for a reason, or all, are ended."""
        return f"{self.origin}/notifications/unsubscribe/{self.tokens.encode(user_id, reason)}"

    async def compose(
        self, database: Database, mail_id: UUID, to: Any, about: Sequence[Notification], digest: DigestFrequency, at: datetime
    ) -> Mail:
        """The mail to a user about one or more notifications."""
        shown = await self._lines(database, to.id, about[:MAX_SHOWN])
        single = about[0] if len(about) == 1 else None
        unsubscribe_url = self.unsubscribe_url(to.id, None if single is None else single.reason)
        period = _PERIODS.get(digest)
        heading = (
            shown[0]["title"]
            if single is not None
            else f"{len(about)} notifications" + (f" of the last {period}" if period else "")
        )
        why = None if single is None else _WHY.get(single.reason, "you watch this")
        content = self.templates.render(
            "notification",
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
        )

    async def _lines(self, database: Database, viewer: UUID, about: Sequence[Notification]) -> list[dict[str, str | None]]:
        """Title, body and link of each notification."""
        actors = await user.by_ids(database, list({each.actor_id for each in about if each.actor_id is not None}))
        subjects: dict[UUID, Any] = {}
        for name, load in _LOADERS.items():
            if ids := list({each.subject_id for each in about if each.subject_type == name}):
                subjects |= await load(database, viewer, ids)
        invitations = list({each.subject_id for each in about if each.subject_type == "Invitation"})
        teams = await invited_team_names(database, invitations) if invitations else {}
        said = list({each.comment_id for each in about if each.comment_id is not None})
        comments = await comment.by_ids(database, viewer, said) if said else {}
        return [
            {
                "title": notifications.title(
                    each.reason,
                    actor=actors[each.actor_id].display_name if each.actor_id in actors else None,
                    subject=notifications.subject_label(subjects.get(each.subject_id)) or teams.get(each.subject_id),
                    subject_type=each.subject_type,
                    event_count=each.event_count,
                ),
                "body": notifications.excerpt(comments[each.comment_id].body) if each.comment_id in comments else None,
                "url": self._link(each),
            }
            for each in about
        ]

    def _link(self, each: Notification) -> str | None:
        if self.app_url is None or each.subject_type in ("Invitation", "Webhook"):
            return None
        return f"{self.app_url}/{each.subject_type.lower()}/{url_safe_id(each.subject_type, each.subject_id)}"
