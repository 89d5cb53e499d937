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
from resolvers.event_visibility import Change, ChangeFilter, ChangeVisibility, may_affect_rights

Positions = dict[str, int]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an entry is told, and whether it is the last thing to tell."""

    deliver: bool
    is_last: bool = False


DELIVER: Final = Decision(deliver=True)
SKIP: Final = Decision(deliver=False)


@dataclass(frozen=True, slots=True)
class Topic:
    """
    Changes within a scope. `task_id`: of one task, as long as it is in sight. `after`: where to begin; None for now.
    """

    scope: ChangeFilter
    task_id: UUID | None = None
    after: Mapping[str, int] | None = None

    async def check(self, visibility: ChangeVisibility) -> None:
        """Raise NotFound for what the viewer does not see."""
        if self.task_id is not None and not await self._task_is_visible(visibility):
            raise NotFound(("id",))

    def decide_now(self, visibility: ChangeVisibility, entry: Entry) -> Decision | None:
        """What becomes of an entry, where that needs no look at the database."""
        if entry.kind is ChangeKind.ACCESS_LOST or (self.task_id is not None and may_affect_rights(entry)):
            return None
        return DELIVER if visibility.is_visible_now(entry) else SKIP

    async def decide(self, visibility: ChangeVisibility, entry: Entry) -> Decision:
        """What becomes of an entry; `hearing` has looked since the entry could have changed rights."""
        if (known := self.decide_now(visibility, entry)) is not None:
            return known
        if self.task_id is None:
            return Decision(await visibility.is_visible(entry))
        if may_affect_rights(entry) and visibility.may_see(entry) and not await self._task_is_visible(visibility):
            return Decision(deliver=True, is_last=True)
        of_others = entry.kind is ChangeKind.ACCESS_LOST and entry.entity_id != self.task_id
        return Decision(not of_others and await visibility.is_visible(entry))

    async def _task_is_visible(self, visibility: ChangeVisibility) -> bool:
        assert self.task_id is not None
        return bool(await task.by_ids(visibility.context.database, visibility.viewer, [self.task_id]))


async def stream_changes(
    topic: Topic,
    visibility: ChangeVisibility,
    *,
    resume_from: Positions | None = None,
    on_caught_up: Callable[[Positions], bool] | None = None,
) -> AsyncGenerator[tuple[Change, bool], None]:
    """
    What a viewer is told, each with whether it is the last.

    `resume`: where this very viewer stood in all streams a moment ago. `caught_up` is called with the positions whenever nothing
    waits; when it gives True somebody else goes on from there, without a pause, and this ends.
    """
    async with visibility.context.services.hub.listen() as listener:
        if resume_from is None and topic.after is None:
            # Listen first, look second: teams come and go in the viewer's own stream, everything else in theirs.
            positions = {visibility.own_stream: await listener.add(visibility.own_stream)}
            await visibility.refresh_rights()
            for stream in visibility.streams.keys() - positions.keys():
                positions[stream] = await listener.add(stream)
            await visibility.refresh_rights()
        else:
            await visibility.refresh_rights()
            if resume_from is None:
                assert topic.after is not None
                positions = await visibility.resume_positions(topic.after)
            else:
                positions = {stream: max(resume_from.get(stream, since), since) for stream, since in visibility.streams.items()}
            for stream, start in positions.items():
                await listener.add(stream, start)
        while True:
            if (
                on_caught_up is not None
                and listener.is_idle
                and visibility.streams.keys() == positions.keys()
                and on_caught_up(positions)
            ):
                return
            try:
                entry = await anext(listener)
            except StopAsyncIteration:
                return
            positions[entry.stream] = entry.position
            if may_affect_rights(entry):
                await visibility.refresh_rights()
                for stream in positions.keys() - visibility.streams.keys():
                    listener.discard(stream)
                    del positions[stream]
                for stream in visibility.streams.keys() - positions.keys():
                    positions[stream] = visibility.streams[stream]
                    await listener.add(stream, visibility.streams[stream])
            verdict = await topic.decide(visibility, entry)
            if verdict.deliver:
                yield Change(entry, dict(positions)), verdict.is_last
            if verdict.is_last:
                return
