"""Events are facts: what happened, whole, in the past tense.

An `Event` is recorded by the domain inside a unit of work and stands beside its entity (`TaskMoved` in `domain.task`). At the
end of the transaction it is given its place in a stream and becomes an `Entry` of the log: the same row serves live subscriptions
and their resume, the `changes` query, activity history and workers. A stream is an ordered log without gaps: `team:{id}` for a
team's work, `user:{id}` for what concerns one person only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Protocol, cast
from uuid import UUID, uuid5

from domain.attributes import attributes_getter
from domain.codec import encode


class ChangeKind(StrEnum):
    """What happened to an object, as clients see it."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    RESTORED = "RESTORED"
    MOVED = "MOVED"
    COMMENTED = "COMMENTED"
    REACTED = "REACTED"
    ATTACHED = "ATTACHED"
    MEMBERSHIP = "MEMBERSHIP"
    ACCESS_LOST = "ACCESS_LOST"


def derived_id(event_id: UUID, *parts: object) -> UUID:
    """The id of what follows from an event: the same for the same event and parts, so that doing it again finds it done."""
    return uuid5(event_id, "/".join(map(str, parts)))


def team_stream(team_id: UUID) -> str:
    """The stream of a team's work."""
    return f"team:{team_id}"


def user_stream(user_id: UUID) -> str:
    """The stream of what concerns one person only."""
    return f"user:{user_id}"


def is_followed(stream: str) -> bool:
    """Whether clients can follow a stream, by its name: those of teams and of people."""
    return stream.startswith(("team:", "user:"))


class Entity(Protocol):
    """What an event can be about."""

    type_name: ClassVar[str]

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One attribute before and after, as JSON values."""

    field: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all facts. Subclasses name their entity and their stream.

    `project_id` narrows who may see it: readers of that project; None means everybody who may read the stream.
    `about` is the object in whose history the fact stands (a comment's task); None means the entity itself.
    """

    kind: ClassVar[ChangeKind]
    actor_id: UUID | None

    @property
    def stream(self) -> str:
        raise NotImplementedError

    @property
    def entity(self) -> Entity:
        raise NotImplementedError

    @property
    def project_id(self) -> UUID | None:
        return None

    @property
    def about(self) -> tuple[str, UUID] | None:
        return None

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return ()

    @property
    def undo_values(self) -> Mapping[str, Any] | None:
        """What undoing it needs and nobody is shown, bounded in size, as JSON values; None where the rest is enough."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as it stands in the log, at its position in its stream (positions count from 1, without gaps)."""

    type_name: ClassVar[str] = "Activity"  # as it is shown in histories

    stream: str
    position: int
    id: UUID
    type: str
    version: int
    kind: ChangeKind
    entity_type: str
    entity_id: UUID
    about_type: str
    about_id: UUID
    project_id: UUID | None
    payload: Mapping[str, Any]
    actor_id: UUID | None
    client_mutation_id: str | None
    at: datetime
    origin: Mapping[str, Any] | None = None
    """From where and with which credential it was done (`domain.origin`); for audit logs only."""


# Attributes that every write touches and that mean nothing to a reader.
_IGNORED_FIELDS = frozenset({"version", "created_at", "updated_at"})


def difference(before: Any, after: Any) -> tuple[FieldChange, ...]:
    """The attributes in which two dataclasses of one kind differ, in the order they are declared."""
    names, read = _compared_fields(cast(Any, type(after)))
    return tuple(
        FieldChange(field=name, before=encode(was), after=encode(now))
        for name, was, now in zip(names, read(before), read(after), strict=True)
        if was != now
    )


@cache
def _compared_fields(cls: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(field.name for field in fields(cls) if field.name not in _IGNORED_FIELDS)
    return names, attributes_getter(names)
