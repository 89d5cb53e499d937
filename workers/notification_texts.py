"""Words notifications for mails and pushes, with names and texts as their reader may see them when they are sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain import notification as notifications
from domain.global_id import url_safe_id
from domain.notification import Notification, NotificationText
from persistence.engine.database import Database
from persistence.engine.lookup import FindByIds
from persistence.stores import comment, job, project, task, user, webhook
from persistence.stores import document_queries as documents
from persistence.stores.notification import invited_team_names

_LOADERS: Final[Mapping[str, FindByIds]] = {
    "Task": task.by_ids,
    "Document": documents.by_ids,
    "Project": project.by_ids,
    "Webhook": webhook.by_ids,
    "Job": job.by_ids,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationTexts:
    """`app_url`: where the front end is, for links to what a notification is about; None for no links."""

    app_url: str | None

    async def write(self, database: Database, viewer: UUID, about: Sequence[Notification]) -> list[NotificationText]:
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
            NotificationText(
                title=notifications.title(
                    each.reason,
                    actor=actors[each.actor_id].display_name if each.actor_id in actors else None,
                    subject=notifications.subject_label(subjects.get(each.subject_id)) or teams.get(each.subject_id),
                    subject_type=each.subject_type,
                    event_count=each.event_count,
                ),
                body=notifications.excerpt(comments[each.comment_id].body) if each.comment_id in comments else None,
                url=self._link(each),
            )
            for each in about
        ]

    def _link(self, each: Notification) -> str | None:
        if self.app_url is None or each.subject_type in ("Invitation", "Webhook", "Job"):
            return None
        return f"{self.app_url}/{each.subject_type.lower()}/{url_safe_id(each.subject_type, each.subject_id)}"
