"""Loads which streams and projects viewers may follow, for many viewers in one query."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import literal_column, select

from persistence.access import any_id, project_open_to
from persistence.engine.database import Database
from persistence.engine.request_coalescing import MAX_BATCH_KEYS, Coalescer
from persistence.engine.statement import Statement
from persistence.tables import projects as projects_table
from persistence.tables import team_members

_MAX_COALESCED_VIEWERS: Final = 16
_m, _p = team_members.alias("m"), projects_table.alias("p")
_TEAMS = Statement(
    select(_m.c.user_id, _m.c.team_id, _m.c.joined_position, _m.c.role == literal_column("'GUEST'")).where(
        _m.c.user_id == any_id()
    )
)
_PROJECTS = Statement(
    select(_m.c.user_id, _p.c.id)
    .select_from(_p.join(_m, _m.c.team_id == _p.c.team_id))
    .where(_m.c.user_id == any_id(), project_open_to(_p, _m, _m.c.user_id))
)


@dataclass(frozen=True, slots=True)
class Rights:
    """What one viewer may follow.

    `teams`: the teams, with the position of each team's stream at which the viewer joined; `projects`: also deleted ones, since
    their members must learn of the deletion; `guest_teams`: the teams in which the viewer is a guest.
    """

    teams: Mapping[UUID, int]
    projects: frozenset[UUID]
    guest_teams: frozenset[UUID] = frozenset()

    @property
    def key(self) -> tuple[frozenset[UUID], frozenset[UUID], frozenset[UUID]]:
        """Equal for viewers who may see the same entries, as long as these are newer than their memberships. Guests equal only
        guests, even where they may see everything.
        """
        return frozenset(self.teams), self.projects, self.guest_teams


class RightsLoader:
    """Reads rights as they are now; concurrent calls share two statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._coalescer: Coalescer[UUID, Rights] = Coalescer(self._read)

    async def load(self, viewer: UUID) -> Rights:
        """One viewer's rights."""
        return await self._coalescer.load(viewer)

    async def load_many(self, viewers: Sequence[UUID]) -> Mapping[UUID, Rights]:
        """The rights of many viewers; few are coalesced with those of concurrent calls."""
        if len(viewers) <= _MAX_COALESCED_VIEWERS:
            return dict(zip(viewers, await asyncio.gather(*map(self.load, viewers)), strict=True))
        found: dict[UUID, Rights] = {}
        for start in range(0, len(viewers), MAX_BATCH_KEYS):
            found |= await self._read(viewers[start : start + MAX_BATCH_KEYS])
        return found

    async def _read(self, viewers: Sequence[UUID]) -> Mapping[UUID, Rights]:
        teams: dict[UUID, dict[UUID, int]] = {each: {} for each in viewers}
        projects: dict[UUID, list[UUID]] = {each: [] for each in viewers}
        guest_teams: dict[UUID, list[UUID]] = {each: [] for each in viewers}
        for row in await self._database.fetch(_TEAMS, ids=list(viewers)):
            teams[row[0]][row[1]] = row[2]
            if row[3]:
                guest_teams[row[0]].append(row[1])
        for row in await self._database.fetch(_PROJECTS, ids=list(viewers)):
            projects[row[0]].append(row[1])
        # Equal sets are one object, which a thousand members of a team share.
        interned: dict[frozenset[UUID], frozenset[UUID]] = {}
        sets = {each: frozenset(found) for each, found in projects.items()}
        return {
            each: Rights(teams[each], interned.setdefault(sets[each], sets[each]), frozenset(guest_teams[each]))
            for each in viewers
        }
