"""What an entry of an audit log says of the change itself: values before and after, bounded in size, and the credential.

A text that is too long for a log is replaced by its beginning, its length and its SHA-256, which still proves what it was.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from domain.audit.entry import Credential
from domain.events import ChangeKind, Entry

MAX_TEXT_CHARS: Final = 1_000
_SHOWN_CHARS: Final = 200
MAX_ITEMS: Final = 100
_PLAIN_FIELDS: Final = frozenset({"id", "version", "created_at", "updated_at", "deleted_at", "team_ids"})
"""Of an object that came or went, what says nothing about it."""
_HAS_BEFORE: Final = (ChangeKind.DELETED,)
_HAS_AFTER: Final = (ChangeKind.CREATED, ChangeKind.COMMENTED, ChangeKind.RESTORED)


def detail_of(entry: Entry, credential: Credential | None) -> dict[str, Any]:
    """`changes`: each attribute before and after, those of the whole object where it came or went; `credential`: what it was done
    with."""
    changes = [_change(**each) for each in entry.payload.get("changes", ())] or _whole(entry)
    found: dict[str, Any] = {"changes": changes}
    if entry.client_mutation_id is not None:
        found["client_mutation_id"] = entry.client_mutation_id
    if credential is not None:
        named = {"type": credential.type or None, "id": str(credential.id), "name": credential.name}
        found["credential"] = {name: value for name, value in named.items() if value is not None}
    return found


def _whole(entry: Entry) -> list[dict[str, Any]]:
    if entry.kind not in (*_HAS_BEFORE, *_HAS_AFTER):
        return []
    side = "before" if entry.kind in _HAS_BEFORE else "after"
    held = entry.payload["entity"]
    return [
        {"field": name, "before": None, "after": None, side: bounded(value)}
        for name, value in held.items()
        if name not in _PLAIN_FIELDS and value not in (None, "", [], {})
    ]


def _change(field: str, before: Any = None, after: Any = None) -> dict[str, Any]:
    return {"field": field, "before": bounded(before), "after": bounded(after)}


def bounded(value: Any) -> Any:
    """A JSON value of bounded size."""
    match value:
        case str() if len(value) > MAX_TEXT_CHARS:
            digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
            return {"text": value[:_SHOWN_CHARS], "characters": len(value), "sha256": digest}
        case list():
            cut = [bounded(each) for each in value[:MAX_ITEMS]]
            return cut if len(value) <= MAX_ITEMS else {"items": cut, "count": len(value)}
        case Mapping():
            return {name: bounded(each) for name, each in list(value.items())[:MAX_ITEMS]}
    return value
