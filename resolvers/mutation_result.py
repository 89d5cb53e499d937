"""Defines the result of a mutation: payload values or errors, and its stored form for idempotent replay.

The stored form of an object is a reference to it, such as `{"$ref": ["Task", "0199…"]}`: a replay answers with the object as it
is then, as far as the viewer may see it then (`resolvers.replay`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain import codec
from domain.api_token import ApiToken
from domain.attachment import Attachment
from domain.comment import Comment
from domain.document import Document, DocumentVersion
from domain.errors import DomainError
from domain.invitation import Invitation
from domain.job import Job
from domain.label import Label
from domain.notification import Notification
from domain.oauth_client import OAuthClient
from domain.project import Project
from domain.push_device import PushDevice
from domain.share_link import ShareLink
from domain.task import Task, TaskResult
from domain.team import Team
from domain.template import Template
from domain.user import User
from domain.webhook import Webhook
from resolvers.logged_change import Change

_SHOWN_ONCE = frozenset({"invitation_token", "secret", "development_links"})
STORED_TYPES = (
    ApiToken,
    Attachment,
    Change,
    Comment,
    Document,
    DocumentVersion,
    Invitation,
    Job,
    Label,
    Notification,
    OAuthClient,
    Project,
    PushDevice,
    ShareLink,
    Task,
    Team,
    Template,
    User,
    Webhook,
)
_STORED_NAMES = frozenset(cls.__name__ for cls in STORED_TYPES)


@dataclass(slots=True, kw_only=True)
class MutationResult:
    """The source of a payload. `positions` are those of the writes in the log, by stream; empty when nothing was written.
    `replayed`: it was stored by an earlier call, and its values hold `StoredReference`s.
    """

    client_mutation_id: str | None = None
    positions: Mapping[str, int] = field(default_factory=dict)
    errors: Sequence[DomainError] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    replayed: bool = False

    def __getattr__(self, name: str) -> Any:
        """The value of a field of the payload; None if it has none."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self.values.get(name)


@dataclass(frozen=True, slots=True)
class StoredReference:
    """An object in a stored result."""

    type_name: str
    id: UUID


class ReplayedError(DomainError):
    """A stored error, with its code and attributes."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        super().__init__(stored["message"], path=tuple(stored["path"]) if stored["path"] is not None else None)
        self.type_name = stored["kind"]
        self.code = stored["code"]  # type: ignore[misc]  # of this refusal, not of the class
        self.limit = stored.get("limit")
        self.missing = stored.get("missing")
        self.current = None


def to_stored(result: MutationResult) -> dict[str, Any]:
    """A result as JSON, without values that are shown only once."""
    return {
        "positions": dict(result.positions),
        "values": {name: _encode(value) for name, value in result.values.items() if name not in _SHOWN_ONCE},
    }


def from_stored(stored: Mapping[str, Any], client_mutation_id: str) -> MutationResult:
    """The result that `to_stored` encoded, with references in place of its objects."""
    return MutationResult(
        client_mutation_id=client_mutation_id,
        positions=stored["positions"],
        values={name: _decode(value) for name, value in stored["values"].items()},
        replayed=True,
    )


def _encode(value: Any) -> Any:
    match value:
        case TaskResult():
            return {
                "$result": {
                    "index": value.index,
                    "id": str(value.id) if value.id else None,
                    "task": _encode(value.task),
                    "refusals": [_encode_error(each) for each in value.refusals],
                }
            }
        case DomainError():
            return {"$refusal": _encode_error(value)}
        case UUID():
            return {"$uuid": str(value)}
        case list() | tuple():
            return [_encode(each) for each in value]
        case _ if isinstance(value, STORED_TYPES):
            return {"$ref": [type(value).__name__, str(value.id)]}
        case _:
            return codec.encode(value)


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(each) for each in value]
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, stored),) = value.items()
    if kind == "$ref":
        type_name, id_ = stored
        return StoredReference(type_name, UUID(id_))
    if kind == "$refusal":
        return ReplayedError(stored)
    if kind == "$uuid":
        return UUID(stored)
    if kind == "$result":
        return TaskResult(
            index=stored["index"],
            id=UUID(stored["id"]) if stored["id"] else None,
            task=_decode(stored["task"]),
            refusals=tuple(ReplayedError(each) for each in stored["refusals"]),
        )
    if kind[1:] in _STORED_NAMES:  # stored whole, by a server before 0.2
        return StoredReference(kind[1:], UUID(stored["id"]))
    return value


def _encode_error(error: DomainError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "code": error.code,
        "message": error.message,
        "path": list(error.path) if error.path is not None else None,
        "limit": getattr(error, "limit", None),
        "missing": getattr(error, "missing", None),
    }
