"""What a search is for: who asks, and by what the results are narrowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchScope:
    """
    The viewer, and the objects that are looked for.

    `types` are names of types that the token may read; `subjects` the types whose comments and files it may. None narrows
    nothing.
    """

    viewer_id: UUID
    types: Sequence[str]
    subjects: Sequence[str]
    team_ids: Sequence[UUID] | None = None
    project_ids: Sequence[UUID] | None = None
    assignee_ids: Sequence[UUID] | None = None
    label_ids: Sequence[UUID] | None = None
    statuses: Sequence[str] | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None

    @property
    def is_about_tasks(self) -> bool:
        """Whether only tasks can match."""
        return not (self.assignee_ids is None and self.label_ids is None and self.statuses is None)
