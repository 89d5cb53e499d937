"""Decides what one viewer may see of the log: which streams, from which positions, and which of their entries.

Rights are loaded once, and loaded again after every entry that could change them: one about a membership, a team or a project.
Such an entry is in the same stream as what follows it, so nobody is sent what happened after they lost access.
"""

from collections.abc import Mapping
from uuid import UUID

from domain.actor import Actor
from domain.errors import CursorExpired
from domain.events import ChangeKind, Entry, team_stream, user_stream
from domain.log_scope import SCOPES_BEYOND_LOG, scope_allows
from persistence.engine.lookup import FindByIds
from persistence.events.matching_entries import EntryScope
from persistence.rights import Rights
from persistence.stores import document_queries as documents
from persistence.stores import task
from resolvers.context import Context, InputValues
from resolvers.inputs.search_type import TYPE_NAMES
from resolvers.logged_change import Change as Change

_SHARED_TYPES = ("Project", "Task")
_FINDERS_BY_TYPE: Mapping[str, FindByIds] = {"Task": task.by_ids, "Document": documents.by_ids}


class ChangeFilter:
    """
    The fields of `ChangeScope`; all given ones must match.

    A scope does not hide that a task left it (the new project and team of the task do not match), nor that the viewer lost access
    to a team or project that may be in it.
    """

    def __init__(self, values: InputValues) -> None:
        self._teams = _to_set(values.get("team_ids"))
        self._projects = _to_set(values.get("project_ids"))
        self._entities = _to_set(values.get("entity_ids"))
        types = values.get("types")
        self._types = None if types is None else {TYPE_NAMES[each] for each in types}

    def to_scope(self, actor: Actor, visible_projects: frozenset[UUID]) -> EntryScope:
        """The same for reading entries that the actor, who may see these projects, may see."""
        return EntryScope(
            visible_projects=visible_projects,
            hidden_types=[name for name in SCOPES_BEYOND_LOG if not scope_allows(actor, name)],
            teams=self._teams,
            projects=self._projects,
            entities=self._entities,
            types=self._types,
        )

    def matches(self, entry: Entry) -> bool:
        """Whether the entry matches."""
        if entry.kind is ChangeKind.ACCESS_LOST and entry.entity_type in ("Team", "Project"):
            return self._matches_access_loss(entry)
        if self._types is not None and entry.entity_type not in self._types:
            return False
        if self._entities is not None and not self._entities & {entry.entity_id, entry.about_id}:
            return False
        if self._projects is not None and not (
            entry.project_id in self._projects or self._projects & {entry.entity_id, _previous_id(entry, "project_id")}
        ):
            return False
        return self._teams is None or bool(
            self._teams & {entry.entity_id, _team_id_of(entry.stream), _previous_id(entry, "team_id")}
        )

    def _matches_access_loss(self, entry: Entry) -> bool:
        lost = entry.payload["entity"]
        if self._teams is not None and UUID(lost["id" if entry.entity_type == "Team" else "team_id"]) not in self._teams:
            return False
        return entry.entity_type == "Team" or self._projects is None or entry.entity_id in self._projects


class ChangeVisibility:
    """The streams of one viewer, each with the position after which they may see it."""

    def __init__(self, context: Context, change_filter: ChangeFilter) -> None:
        self.context = context
        self._change_filter = change_filter
        self.viewer = context.viewer.user_id
        self.own_stream = user_stream(self.viewer)
        self.rights = Rights({}, frozenset())
        self.streams: dict[str, int] = {}

    async def refresh_rights(self) -> None:
        """Loads the viewer's rights again."""
        self.rights = await self.context.services.rights.load(self.viewer)
        self.streams = {self.own_stream: 0} | {team_stream(team_id): since for team_id, since in self.rights.teams.items()}

    def use_shared_rights(self, rights: Rights) -> None:
        """The visibility shared by all viewers with these rights, from the present."""
        self.rights = rights
        self.streams = {team_stream(team_id): 0 for team_id in rights.teams}

    async def resume_positions(self, cursor: Mapping[str, int]) -> dict[str, int]:
        """
        The positions in all streams to resume after, which are not before the viewer joined.

        Raises CursorExpired if the log was trimmed beyond a position, or does not reach it (it was restored from a backup).
        """
        starts = {stream: max(cursor.get(stream, since), since) for stream, since in self.streams.items()}
        bounds = await self.context.services.log.bounds(list(starts))
        for stream, position in starts.items():
            trimmed_to, head = bounds[stream]
            if not trimmed_to <= position <= head:
                raise CursorExpired
        return starts

    def to_scope(self) -> EntryScope:
        """What is read of the log for the viewer."""
        return self._change_filter.to_scope(self.context.viewer, self.rights.projects)

    def may_see(self, entry: Entry) -> bool:
        """Whether the viewer may see the entry; with a share link, whether it is of the shared board."""
        shared = self.context.viewer.shared
        if shared is not None and (entry.project_id != shared.id or entry.entity_type not in _SHARED_TYPES):
            return False
        since = self.streams.get(entry.stream)
        if since is None or entry.position <= since:
            return False
        return entry.project_id is None or entry.project_id in self.rights.projects

    def is_visible_now(self, entry: Entry) -> bool:
        """The same as `is_visible` for entries that take no access away."""
        return self._change_filter.matches(entry) and scope_allows(self.context.viewer, entry.about_type) and self.may_see(entry)

    async def is_visible(self, entry: Entry) -> bool:
        """Whether the viewer may see the entry, and it matches the scope."""
        if not self.is_visible_now(entry):
            return False
        # An object that left a project is not lost to those who can see it in its new one.
        if entry.kind is ChangeKind.ACCESS_LOST and (find := _FINDERS_BY_TYPE.get(entry.entity_type)):
            return not await find(self.context.database, self.viewer, [entry.entity_id])
        return True


def may_affect_rights(entry: Entry) -> bool:
    """Whether the entry could have changed what somebody may see."""
    return entry.kind in (ChangeKind.MEMBERSHIP, ChangeKind.ACCESS_LOST) or entry.entity_type in ("Project", "Team")


def _to_set(ids: list[UUID] | None) -> set[UUID] | None:
    return None if ids is None else set(ids)


def _previous_id(entry: Entry, field: str) -> UUID | None:
    """The containers of the entity before the entry."""
    before = next((each.get("before") for each in entry.payload["changes"] if each["field"] == field), None)
    return None if before is None else UUID(before)


def _team_id_of(stream: str) -> UUID | None:
    kind, _, id_ = stream.partition(":")
    return UUID(id_) if kind == "team" else None
