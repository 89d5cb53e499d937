"""What other trackers call statuses and priorities, and how they write instants."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

STATUSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("backlog", "triage", "icebox", "ideas", "later", "someday"), "BACKLOG"),
    **dict.fromkeys(("to do", "todo", "open", "new", "reopened", "selected for development", "ready", "next"), "TODO"),
    **dict.fromkeys(("in progress", "doing", "started", "in development", "active"), "IN_PROGRESS"),
    **dict.fromkeys(("in review", "review", "code review", "in testing", "testing", "qa", "verify"), "IN_REVIEW"),
    **dict.fromkeys(("done", "closed", "resolved", "complete", "completed", "released", "shipped", "merged"), "DONE"),
    **dict.fromkeys(("canceled", "cancelled", "won't do", "won't fix", "duplicate", "rejected", "declined"), "CANCELED"),
}
PRIORITIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("", "none", "no priority", "0"), "NONE"),
    **dict.fromkeys(("lowest", "low", "minor", "trivial", "4"), "LOW"),
    **dict.fromkeys(("medium", "normal", "3"), "MEDIUM"),
    **dict.fromkeys(("high", "major", "critical", "2"), "HIGH"),
    **dict.fromkeys(("highest", "urgent", "blocker", "1"), "URGENT"),
}
_MAX_LABEL_CHARS: Final = 50
_INSTANTS: Final = (
    "%d/%b/%y %I:%M %p",  # Jira, where nothing else is set
    "%d/%b/%Y %I:%M %p",
    "%d/%b/%y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%a %b %d %Y %H:%M:%S GMT%z",  # Linear of some years
)


def status(name: str, default: str = "TODO") -> str:
    """The status that a name means."""
    return STATUSES.get(_folded(name), default)


def has_status(name: str) -> bool:
    """Whether a name means a status, or is empty."""
    return not name.strip() or _folded(name) in STATUSES


def priority(name: str) -> str:
    """The priority that a name means."""
    return PRIORITIES.get(_folded(name), "NONE")


def has_priority(name: str) -> bool:
    """Whether a name means a priority, or is empty."""
    return _folded(name) in PRIORITIES


def instant(value: str | None) -> str | None:
    """An instant as ISO 8601 has it; as it is where its form is not known, so that it is refused by name."""
    written = (value or "").partition(" (")[0].strip()
    if not written:
        return None
    try:
        return datetime.fromisoformat(written).isoformat()
    except ValueError:
        pass
    for form in _INSTANTS:
        try:
            at = datetime.strptime(written, form)  # noqa: DTZ007 (made aware below)
        except ValueError:
            continue
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).isoformat()
    return written


def day(value: str | None) -> str | None:
    """The day of an instant."""
    at = instant(value)
    return at and at[:10]


def kept_as_label(name: str) -> str:
    """What is said of a status, list or priority that has no counterpart."""
    return f"{name[:80]} is no status or priority of ours, and is kept as a label."


def label_name(name: str) -> str:
    """The label that such a name becomes."""
    return " ".join(name.split())[:_MAX_LABEL_CHARS].strip()


def _folded(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
