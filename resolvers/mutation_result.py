"""What a mutation came to: the values of its payload, or why it was refused; and the form in which that is remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any
from uuid import UUID

from domain import codec
from domain.attachment import Attachment
from domain.comment import Comment
from domain.document import Document, DocumentVersion
from domain.errors import DomainError
from domain.invitation import Invitation
from domain.label import Label
from domain.project import Project
from domain.task import Task, TaskResult
from domain.team import Team
from domain.user import User

_SHOWN_ONCE = frozenset({"invitation_token"})
_STORED_TYPES = {
    cls.__name__: cls for cls in (Attachment, Comment, Document, DocumentVersion, Invitation, Label, Project, Task, Team, User)
}


@dataclass(slots=True, kw_only=True)
class MutationResult:
    """A payload in the making. `positions` says where in the log the writes stand; empty when nothing was written."""

    client_mutation_id: str | None = None
    positions: Mapping[str, int] = field(default_factory=dict)
    errors: Sequence[DomainError] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """A payload's own fields; None where there is nothing to tell."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self.values.get(name)


class ReplayedError(DomainError):
    """A refusal that is told again from memory, with the code and the attributes that it had."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        super().__init__(stored["message"], path=tuple(stored["path"]) if stored["path"] is not None else None)
        self.type_name = stored["kind"]
        self.code = stored["code"]  # type: ignore[misc]  # of this refusal, not of the class
        self.limit = stored.get("limit")
        self.missing = stored.get("missing")
        self.current = None


def to_stored(result: MutationResult) -> dict[str, Any]:
    """An outcome as JSON, whole but for what is shown once: replaying it needs nothing else."""
    return {
        "positions": dict(result.positions),
        "values": {name: _encode(value) for name, value in result.values.items() if name not in _SHOWN_ONCE},
    }


def from_stored(stored: Mapping[str, Any], client_mutation_id: str) -> MutationResult:
    """The outcome that `remember` was given."""
    return MutationResult(
        client_mutation_id=client_mutation_id,
        positions=stored["positions"],
        values={name: _decode(value) for name, value in stored["values"].items()},
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
        case _ if is_dataclass(value):
            return {f"${type(value).__name__}": codec.encode(value)}
        case _:
            return codec.encode(value)


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(each) for each in value]
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, told),) = value.items()
    if kind == "$refusal":
        return ReplayedError(told)
    if kind == "$uuid":
        return UUID(told)
    if kind == "$result":
        return TaskResult(
            index=told["index"],
            id=UUID(told["id"]) if told["id"] else None,
            task=_decode(told["task"]),
            refusals=tuple(ReplayedError(each) for each in told["refusals"]),
        )
    return codec.decode(_STORED_TYPES[kind[1:]], told)


def _encode_error(error: DomainError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "code": error.code,
        "message": error.message,
        "path": list(error.path) if error.path is not None else None,
        "limit": getattr(error, "limit", None),
        "missing": getattr(error, "missing", None),
    }
