"""Writes what a push about notifications carries: their ids, and their words only where the person allows that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.global_id import global_id
from domain.notification.entity import Notification
from domain.notification.entity import NotificationReason as Reason
from domain.push import MAX_PAYLOAD_BYTES, PushMessage, Urgency, encode_payload

MAX_IDS: Final = 10
PRODUCT: Final = "PantheraHive"
_MAX_SHORT_CHARS: Final = 60
_HIGH: Final = frozenset({Reason.MENTIONED})
_LOW: Final = frozenset(
    {Reason.REACTION, Reason.STATUS_CHANGED, Reason.TASK_CHANGED, Reason.DOCUMENT_CHANGED, Reason.JOB_FINISHED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationText:
    """A notification in words, as its reader may see it; `url` leads to what it is about."""

    title: str
    body: str | None
    url: str | None


def push_message(message_id: UUID, about: Sequence[Notification], texts: Sequence[NotificationText] | None) -> PushMessage:
    """
    The push about one or more notifications, the oldest first. `texts`: their words, where the person allows them; without, the
    client reads with the ids what its person may see then.
    """
    newest = about[-1]
    payload: dict[str, Any] = {
        "notificationIds": [global_id("Notification", each.id) for each in about[-MAX_IDS:]],
        "count": len(about),
        "groupKey": newest.group_key if len(about) == 1 else None,
    }
    body = "You have a new notification." if len(about) == 1 else f"You have {len(about)} new notifications."
    if texts is None:
        return _message(message_id, about, payload, PRODUCT, body)
    shown = texts[-1]
    title = shown.title if len(about) == 1 else f"{len(about)} notifications"
    body = (shown.body or "") if len(about) == 1 else shown.title
    content = {"title": title, "body": body, "url": shown.url}
    if len(encode_payload(payload | content)) > MAX_PAYLOAD_BYTES:
        title, body = title[:_MAX_SHORT_CHARS], body[:_MAX_SHORT_CHARS]
        content = {"title": title, "body": body, "url": None}
    return _message(message_id, about, payload | content, title, body)


def _message(message_id: UUID, about: Sequence[Notification], payload: Mapping[str, Any], title: str, body: str) -> PushMessage:
    reasons = {each.reason for each in about}
    urgency = Urgency.HIGH if reasons & _HIGH else Urgency.LOW if reasons <= _LOW else Urgency.NORMAL
    return PushMessage(id=message_id, payload=payload, title=title, body=body, urgency=urgency)
