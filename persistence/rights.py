"""What people may hear, for many of them in one question: the teams whose streams they follow, and the projects they hear of."""

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
from persistence.tables import projects, team_members

_MAX_COALESCED_VIEWERS: Final = 16
_m, _p = team_members.alias("m"), projects.alias("p")
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
    """What one viewer may hear. `teams`: the position in each team's stream from which on; `projects`: deleted ones too, or
    nobody would be told of the deletion; `visits`: the teams in which he is a guest.
    """

    teams: Mapping[UUID, int]
    projects: frozenset[UUID]
    guest_teams: frozenset[UUID] = frozenset()

    @property
    def key(self) -> tuple[frozenset[UUID], frozenset[UUID], frozenset[UUID]]:
        """Equal for viewers who may see the same, as long as nothing is told of the time before they came. Guests share with
        guests only, even where they may see all that there is.
        """
        return frozenset(self.teams), self.projects, self.guest_teams


class RightsLoader:
    """Reads rights as they are now; what many ask in the same breath takes two statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._coalescer: Coalescer[UUID, Rights] = Coalescer(self._read)

    async def load(self, viewer: UUID) -> Rights:
        """One viewer's rights."""
        return await self._coalescer.load(viewer)

    async def load_many(self, viewers: Sequence[UUID]) -> Mapping[UUID, Rights]:
        """The rights of many; a few are asked for together with others' few."""
        if len(viewers) <= _MAX_COALESCED_VIEWERS:
            return dict(zip(viewers, await asyncio.gather(*map(self.load, viewers)), strict=True))
        found: dict[UUID, Rights] = {}
        for start in range(0, len(viewers), MAX_BATCH_KEYS):
            found |= await self._read(viewers[start : start + MAX_BATCH_KEYS])
        return found

    async def _read(self, viewers: Sequence[UUID]) -> Mapping[UUID, Rights]:
        teams: dict[UUID, dict[UUID, int]] = {each: {} for each in viewers}
        heard: dict[UUID, list[UUID]] = {each: [] for each in viewers}
        visits: dict[UUID, list[UUID]] = {each: [] for each in viewers}
        for row in await self._database.fetch(_TEAMS, ids=list(viewers)):
            teams[row[0]][row[1]] = row[2]
            if row[3]:
                visits[row[0]].append(row[1])
        for row in await self._database.fetch(_PROJECTS, ids=list(viewers)):
            heard[row[0]].append(row[1])
        # Equal sets are one object: a thousand members of a team keep it once.
        kept: dict[frozenset[UUID], frozenset[UUID]] = {}
        sets = {each: frozenset(found) for each, found in heard.items()}
        return {each: Rights(teams[each], kept.setdefault(sets[each], sets[each]), frozenset(visits[each])) for each in viewers}
