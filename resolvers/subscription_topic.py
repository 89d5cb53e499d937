"""What a subscription is about, and one viewer following it alone: replay first, then live, whatever happens to his rights.

A theme decides about each entry for whoever hears it, one viewer or a group whose rights are equal
(`gateway.subscriptions.manager`). Following alone is how every subscription begins, how it catches up, and where it goes back to
when something concerns its viewer only.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.errors import NotFound
from domain.events import ChangeKind, Entry
from persistence.stores import task
from resolvers.event_visibility import Change, Hearing, Scope, may_change_rights

Positions = dict[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an entry is told, and whether it is the last thing to tell."""

    told: bool
    last: bool = False


TOLD: Final = Verdict(told=True)
NOT_TOLD: Final = Verdict(told=False)


@dataclass(frozen=True, slots=True)
class Theme:
    """
    Changes within a scope. `task_id`: of one task, as long as it is in sight. `after`: where to begin; None for now.
    """

    scope: Scope
    task_id: UUID | None = None
    after: Mapping[str, int] | None = None

    async def check(self, hearing: Hearing) -> None:
        """Raise NotFound for what the viewer does not see."""
        if self.task_id is not None and not await self._sees(hearing):
            raise NotFound(("id",))

    def verdict_now(self, hearing: Hearing, entry: Entry) -> Verdict | None:
        """What becomes of an entry, where that needs no look at the database."""
        if entry.kind is ChangeKind.ACCESS_LOST or (self.task_id is not None and may_change_rights(entry)):
            return None
        return TOLD if hearing.hears_now(entry) else NOT_TOLD

    async def verdict(self, hearing: Hearing, entry: Entry) -> Verdict:
        """What becomes of an entry; `hearing` has looked since the entry could have changed rights."""
        if (known := self.verdict_now(hearing, entry)) is not None:
            return known
        if self.task_id is None:
            return Verdict(await hearing.hears(entry))
        if may_change_rights(entry) and hearing.may_hear(entry) and not await self._sees(hearing):
            return Verdict(told=True, last=True)
        of_others = entry.kind is ChangeKind.ACCESS_LOST and entry.entity_id != self.task_id
        return Verdict(not of_others and await hearing.hears(entry))

    async def _sees(self, hearing: Hearing) -> bool:
        assert self.task_id is not None
        return bool(await task.by_ids(hearing.context.database, hearing.viewer, [self.task_id]))


async def follow(
    theme: Theme, hearing: Hearing, *, resume: Positions | None = None, caught_up: Callable[[Positions], bool] | None = None
) -> AsyncGenerator[tuple[Change, bool], None]:
    """
    What a viewer is told, each with whether it is the last.

    `resume`: where this very viewer stood in all streams a moment ago. `caught_up` is called with the positions whenever nothing
    waits; when it gives True somebody else goes on from there, without a pause, and this ends.
    """
    async with hearing.context.services.hub.listen() as listener:
        if resume is None and theme.after is None:
            # Listen first, look second: teams come and go in the viewer's own stream, everything else in theirs.
            positions = {hearing.own: await listener.add(hearing.own)}
            await hearing.look()
            for stream in hearing.streams.keys() - positions.keys():
                positions[stream] = await listener.add(stream)
            await hearing.look()
        else:
            await hearing.look()
            if resume is None:
                assert theme.after is not None
                positions = await hearing.starts(theme.after)
            else:
                positions = {stream: max(resume.get(stream, since), since) for stream, since in hearing.streams.items()}
            for stream, start in positions.items():
                await listener.add(stream, start)
        while True:
            if caught_up is not None and listener.is_idle and hearing.streams.keys() == positions.keys() and caught_up(positions):
                return
            try:
                entry = await anext(listener)
            except StopAsyncIteration:
                return
            positions[entry.stream] = entry.position
            if may_change_rights(entry):
                await hearing.look()
                for stream in positions.keys() - hearing.streams.keys():
                    listener.discard(stream)
                    del positions[stream]
                for stream in hearing.streams.keys() - positions.keys():
                    positions[stream] = hearing.streams[stream]
                    await listener.add(stream, hearing.streams[stream])
            verdict = await theme.verdict(hearing, entry)
            if verdict.told:
                yield Change(entry, dict(positions)), verdict.last
            if verdict.last:
                return
