"""Words a notification in a line, for inboxes, mails and pushes."""

import re
from typing import Any, Final

from domain.notification.entity import NotificationReason as Reason

SOMEBODY: Final = "Somebody"
_MAX_EXCERPT_CHARS: Final = 280
_MENTION = re.compile(r"\[@([^\]]{1,200})\]\(user:[^)\s]{1,300}\)", re.IGNORECASE)
_NOUNS: Final = {
    "Task": "task",
    "Document": "document",
    "Project": "project",
    "Invitation": "team",
    "Webhook": "webhook",
    "Job": "finished job",
}
_ONE: Final = {
    Reason.MENTIONED: "{actor} mentioned you in {subject}",
    Reason.ASSIGNED: "{actor} assigned {subject} to you",
    Reason.REACTION: "{actor} reacted to your comment on {subject}",
    Reason.INVITED: "{actor} invited you to {subject}",
    Reason.ADDED_TO_PROJECT: "{actor} added you to {subject}",
    Reason.DUE_SOON: "{subject} is due soon",
    Reason.OVERDUE: "{subject} is overdue",
    Reason.COMMENTED: "{actor} commented on {subject}",
    Reason.STATUS_CHANGED: "{actor} changed the status of {subject}",
    Reason.TASK_CHANGED: "{actor} changed {subject}",
    Reason.DOCUMENT_CHANGED: "{actor} changed {subject}",
    Reason.WEBHOOK_PAUSED: "{subject} sends nothing any more: its receiver failed",
    Reason.JOB_FINISHED: "{subject}",
}


def title(reason: Reason, *, actor: str | None, subject: str | None, subject_type: str, event_count: int) -> str:
    """
    `Ada Lovelace assigned ENG-42 Ship it to you`. `subject`: its name, None where the reader may not know it.

    Of several events: `Ada Lovelace assigned 12 tasks to you`.
    """
    noun = _NOUNS.get(subject_type, "object")
    if event_count > 1:
        subject = f"{event_count} {noun}s"
    elif subject is None:
        subject = f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    line = _ONE[reason].format(actor=actor or SOMEBODY, subject=subject)
    return line[0].upper() + line[1:]


def subject_label(subject: Any) -> str | None:
    """What a Task, Document, Project, Webhook or Job is called in a title."""
    if subject is None:
        return None
    match subject.type_name:
        case "Task":
            return f"{subject.key} {subject.title}"
        case "Document":
            return str(subject.title)
        case "Job":
            return f"Your {subject.kind.lower()} {'has failed' if subject.state == 'FAILED' else 'is done'}"
        case "Webhook":
            return f"The webhook to {subject.host}"
    return str(subject.name)


def excerpt(markdown: str) -> str:
    """The beginning of a text on one line, with names for mentions."""
    line = " ".join(_MENTION.sub(r"@\1", markdown).split())
    return line if len(line) <= _MAX_EXCERPT_CHARS else line[: _MAX_EXCERPT_CHARS - 1].rstrip() + "…"
