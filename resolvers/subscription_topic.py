"""Defines the topic of a subscription, and streams its changes to one viewer: past ones first, then live, under changing rights.

A topic decides about each entry for one viewer, or for a group with equal rights (`gateway.subscriptions.manager`). Every
subscription begins with a stream of its own, catches up in it, and returns to it when something concerns its viewer only.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from domain.errors import NotFound
from domain.events import ChangeKind, Entry
from persistence.stores import task
from resolvers.event_visibility import Change, ChangeFilter, ChangeVisibility, may_affect_rights

Positions = dict[str, int]

CAUGHT_UP: Final = "SubscriptionCaughtUp"
"""The type of the entry that is sent where a subscription has caught up; it is in no log."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an entry is sent, and whether it is the last one."""

    deliver: bool
    is_last: bool = False


DELIVER: Final = Decision(deliver=True)
SKIP: Final = Decision(deliver=False)


@dataclass(frozen=True, slots=True)
class Topic:
    """
    Changes within a scope. `task_id`: of one task, as long as it is visible. `after`: the positions to begin after; None for now.
    """

    scope: ChangeFilter
    task_id: UUID | None = None
    after: Mapping[str, int] | None = None
    sends_start: bool = False
    """Whether it begins with a change that changes nothing, for its cursor."""
    sends_caught_up: bool = False
    """Whether a change that changes nothing follows what was committed before it was subscribed."""

    async def check(self, visibility: ChangeVisibility) -> None:
        """Raises NotFound for a task that the viewer may not see."""
        if self.task_id is not None and not await self._task_is_visible(visibility):
            raise NotFound(("id",))

    def decide_now(self, visibility: ChangeVisibility, entry: Entry) -> Decision | None:
        """The decision about an entry, where it needs no query."""
        if entry.kind is ChangeKind.ACCESS_LOST or (self.task_id is not None and may_affect_rights(entry)):
            return None
        return DELIVER if visibility.is_visible_now(entry) else SKIP

    async def decide(self, visibility: ChangeVisibility, entry: Entry) -> Decision:
        """The decision about an entry; `visibility` has loaded the rights since the last entry that could have changed them."""
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
    The changes for a viewer, each with whether it is the last.

    `resume`: the positions of this viewer in all streams a moment ago. `caught_up` is called with the positions whenever no entry
    is waiting; when it returns True, a group continues from there, and this stream ends.
    """
    async with visibility.context.services.hub.listen() as listener:
        if resume_from is None and topic.after is None:
            # Listen first, read second: memberships change in the viewer's own stream, everything else in those of the teams.
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
        if topic.sends_start and resume_from is None:
            yield Change(_marker(visibility, positions, "SubscriptionStarted"), dict(positions)), False
        missed = await _missed_heads(visibility, positions) if topic.sends_caught_up and resume_from is None else None
        while True:
            if missed is not None and all(positions.get(stream, head) >= head for stream, head in missed.items()):
                missed = None
                yield Change(_marker(visibility, positions, CAUGHT_UP), dict(positions)), False
            if (
                on_caught_up is not None
                and missed is None
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
            decision = await topic.decide(visibility, entry)
            if decision.deliver:
                yield Change(entry, dict(positions)), decision.is_last
            if decision.is_last:
                return


async def _missed_heads(visibility: ChangeVisibility, positions: Positions) -> Mapping[str, int]:
    """The heads of the streams in the log, once they are listened to: what was committed before now is not after them."""
    services = visibility.context.services
    heads = await services.log.heads(list(positions))
    for stream, head in heads.items():
        services.hub.notify_head(stream, head)
    return heads


def _marker(visibility: ChangeVisibility, positions: Positions, event: str) -> Entry:
    """What says where a subscription is, to clients that asked for it: an update of the viewer without a changed attribute."""
    return Entry(
        stream=visibility.own_stream,
        position=positions[visibility.own_stream],
        id=uuid7(),
        type=event,
        version=1,
        kind=ChangeKind.UPDATED,
        entity_type="User",
        entity_id=visibility.viewer,
        about_type="User",
        about_id=visibility.viewer,
        project_id=None,
        payload={"changes": []},
        actor_id=None,
        client_mutation_id=None,
        at=datetime.now(UTC),
    )
