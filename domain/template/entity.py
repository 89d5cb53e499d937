"""What a template is, its events, and how it is stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain.events import ChangeKind, Event, team_stream
from domain.label import Label
from domain.permissions import Role
from domain.task import Task
from domain.task_link import TaskLink
from domain.template.content import TemplateContent

MAX_TEMPLATE_TASKS: Final = 5_000
MAX_TEMPLATE_LINKS: Final = 10_000
MAX_TEMPLATE_BYTES: Final = 4 * 1024 * 1024
"""Of its content as JSON."""
MAX_TEAM_TEMPLATES: Final = 200


class TemplateKind(StrEnum):
    """What a template begins."""

    PROJECT = "PROJECT"
    TASK = "TASK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template of a team. What is in it is stored beside it, and never changes."""

    type_name: ClassVar[str] = "Template"

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID
    name: str
    kind: TemplateKind
    task_count: int
    creator_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTemplate:
    """A template as its events carry it: guests of the team may read these, and no templates."""

    type_name: ClassVar[str] = "Template"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _TemplateEvent(Event):
    team_id: UUID
    template: LoggedTemplate

    @property
    def stream(self) -> str:
        return team_stream(self.team_id)

    @property
    def entity(self) -> LoggedTemplate:
        return self.template


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCreated(_TemplateEvent):
    """A team got a template."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDeleted(_TemplateEvent):
    """A template is gone; what was begun with it stays."""

    kind = ChangeKind.DELETED


class TemplateStore(Protocol):
    """Stores templates, and reads and writes what they are made of and make, many rows at once."""

    async def add(self, template: Template, content: TemplateContent) -> None: ...
    async def lock(self, template_id: UUID, user_id: UUID) -> tuple[Template, Role] | None:
        """A template of a team of the user, held until the end of the operation, with their role."""
        ...

    async def content(self, template_id: UUID) -> TemplateContent: ...
    async def remove(self, template_id: UUID) -> None: ...
    async def count(self, team_id: UUID) -> int: ...
    async def project_tasks(self, project_id: UUID, limit: int) -> Sequence[Task]:
        """The tasks of a project that are not deleted, by rank."""
        ...

    async def task_tree(self, task_id: UUID, limit: int) -> Sequence[Task]:
        """A task and all below it that is not deleted: itself, then by rank."""
        ...

    async def links(self, task_ids: Collection[UUID], limit: int) -> Sequence[TaskLink]:
        """The links between these tasks, each once, from the side whose kind is no inverse."""
        ...

    async def labels(self, team_id: UUID, label_ids: Collection[UUID]) -> Sequence[Label]: ...
    async def labels_by_name(self, team_id: UUID, collation_keys: Collection[str]) -> Sequence[Label]:
        """The team's labels whose names sort like this, protected from deletion until the end of the operation."""
        ...

    async def reserve_numbers(self, team_id: UUID, count: int) -> tuple[int, str]:
        """The first of so many numbers of the team's task keys, which nobody else gets, and the team's key."""
        ...

    async def add_tasks(self, tasks: Sequence[Task]) -> None:
        """Store new tasks, parents before those below them, with their assignees as watchers."""
        ...

    async def add_links(self, links: Sequence[TaskLink]) -> None: ...
