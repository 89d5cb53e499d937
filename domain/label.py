"""Labels: a team's own words for sorting tasks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.collation import collation_key
from domain.errors import Invalid, NotFound, NotUnique
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream
from domain.permissions import Action, ResourceKind, access
from domain.ports import UnitOfWork
from domain.team import open_team
from domain.version import require_version, with_changes

_COLOR = re.compile(r"#[0-9a-f]{6}")
MAX_RESTORED_TASKS = 500
"""A label that was on more tasks does not come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A word and a colour (`#rrggbb`), unique by name in its team."""

    type_name: ClassVar[str] = "Label"
    stored_properties: ClassVar[tuple[str, ...]] = ("name_collation",)

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID
    name: str
    color: str

    @property
    def name_collation(self) -> str:
        """What the name sorts and is searched by."""
        return collation_key(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEvent(Event):
    """Something about a label, visible to its team."""

    label: Label

    @property
    def stream(self) -> str:
        return team_stream(self.label.team_id)

    @property
    def entity(self) -> Label:
        return self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCreated(LabelEvent):
    """A label was made."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelUpdated(LabelEvent):
    """A label's name or colour changed."""

    kind = ChangeKind.UPDATED
    before: Label

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDeleted(LabelEvent):
    """A label was deleted and is gone from every task; the tasks' versions stay as they were. `task_ids` are those tasks, None
    where there were too many to put it back on."""

    kind = ChangeKind.DELETED
    task_ids: tuple[UUID, ...] | None

    @property
    def undo_values(self) -> Mapping[str, Any]:
        return {"task_ids": None if self.task_ids is None else [str(each) for each in self.task_ids]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRestored(LabelEvent):
    """A deleted label came back, and is on its tasks again."""

    kind = ChangeKind.RESTORED


class LabelStore(Protocol):
    """Stores labels."""

    async def add(self, label: Label) -> str | None:
        """Store a new label; the name of the attribute that is taken, or None when all is well."""
        ...

    async def save(self, label: Label) -> bool:
        """Store a changed label; False when its name is taken."""
        ...

    async def lock(self, label_id: UUID) -> Label | None: ...
    async def remove(self, label_id: UUID) -> Sequence[UUID]:
        """Delete a label and take it off every task: these, held."""
        ...

    async def is_used(self, label_id: UUID) -> bool:
        """Whether the label is on any task."""
        ...

    async def lock_existing(self, team_id: UUID, label_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the ids that are labels of the team, protected from deletion until the end of the operation."""
        ...


async def create(uow: UnitOfWork, actor: Actor, label_id: UUID | None, *, team_id: UUID, name: str, color: str) -> Label:
    """Make a label."""
    team, _, rights = await open_team(uow, actor, team_id)
    rights.require(Action.CREATE)
    label = Label(
        id=label_id or uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        team_id=team.id,
        name=text.validate_name(name, ("input", "name"), limit=60),
        color=_color(color),
    )
    taken = await uow.labels.add(label)
    if taken is not None:
        raise NotUnique(("input", taken), "There is a label with this value.")
    uow.record(LabelCreated(actor_id=actor.user_id, label=label))
    return label


async def update(
    uow: UnitOfWork, actor: Actor, label_id: UUID, values: Mapping[str, Any], *, expected_version: int | None
) -> Label:
    """Change `name` and `color` where given."""
    before = await open_label(uow, actor, label_id, Action.UPDATE)
    require_version(before, expected_version)
    changes: dict[str, Any] = {}
    if "name" in values:
        changes["name"] = text.validate_name(values["name"], ("input", "name"), limit=60)
    if "color" in values:
        changes["color"] = _color(values["color"] or "")
    label = with_changes(before, uow.now, **changes)
    if label is not before:
        if not await uow.labels.save(label):
            raise NotUnique(("input", "name"), "There is a label with this name.")
        uow.record(LabelUpdated(actor_id=actor.user_id, label=label, before=before))
    return label


async def delete(uow: UnitOfWork, actor: Actor, label_id: UUID, *, expected_version: int | None) -> UUID:
    """Delete a label and take it off every task."""
    label = await open_label(uow, actor, label_id, Action.DELETE)
    require_version(label, expected_version)
    task_ids = tuple(await uow.labels.remove(label.id))
    kept = task_ids if len(task_ids) <= MAX_RESTORED_TASKS else None
    uow.record(LabelDeleted(actor_id=actor.user_id, label=label, task_ids=kept))
    return label.id


async def open_label(uow: UnitOfWork, actor: Actor, label_id: UUID, action: Action) -> Label:
    """Fetch, lock and authorise: the label, when the actor may do this to it."""
    label = await uow.labels.lock(label_id)
    role = await uow.teams.role(label.team_id, actor.user_id) if label else None
    if label is None or role is None:
        raise NotFound(("input", "id"))
    access(actor, role, ResourceKind.LABEL).require(action)
    return label


def _color(value: str) -> str:
    color = value.strip().lower()
    if not _COLOR.fullmatch(color):
        raise Invalid(("input", "color"), "A color is written #rrggbb.")
    return color
