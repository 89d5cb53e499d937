"""The change log as one viewer hears it: the query, the subscriptions, histories, and the cursors of writes."""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from domain.errors import BadUserInput, CursorExpired, CursorInvalid, PageTooLarge
from domain.events import ChangeKind, Entry, team_stream, user_stream
from domain.page import DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS, Edge, PageInfo
from persistence.stores import team
from resolvers import ids, user
from resolvers.context import Context
from resolvers.event_visibility import Change, ChangeFilter, ChangeVisibility
from resolvers.inputs.change import ChangeScope
from resolvers.inputs.fields import to_values
from resolvers.node import entities
from resolvers.scalars import SyncCursor
from resolvers.subscription_topic import Topic
from resolvers.sync_cursor import SyncCursors

After = Annotated[SyncCursor | None, strawberry.argument(description="Where the client has come to; null starts at now.")]
InScope = Annotated[ChangeScope | None, strawberry.argument(description="Narrows the stream.")]
First = Annotated[int | None, strawberry.argument(description="How many; 50 by default, 100 at most.")]
TaskId = Annotated[strawberry.ID, strawberry.argument(description="The task's global id.")]

_MAX_ROUNDS = 20
_REMOVAL_KINDS = (ChangeKind.DELETED, ChangeKind.ACCESS_LOST)


class ChangePage:
    """Changes in the order they are to be applied, and where to go on after them."""

    def __init__(self, nodes: Sequence[Change], positions: Mapping[str, int], has_more: bool, cursors: SyncCursors) -> None:
        self.nodes = nodes
        self._positions = positions
        self._has_more = has_more
        self._cursors = cursors

    @cached_property
    def edges(self) -> list[Edge[Change]]:
        """The changes, each with the cursor that goes on after it."""
        return [Edge(self._cursors.encode(change.positions), change) for change in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        """Whether there is more."""
        ends = self.edges
        return PageInfo(self._has_more, False, ends[0].cursor if ends else None, ends[-1].cursor if ends else None)

    @property
    def cursor(self) -> str:
        """Where to go on, also after what the viewer was not shown."""
        return self._cursors.encode(self._positions)


async def read_heads(context: Context) -> None:
    """Read how far the viewer's streams are; for nobody in particular there are none."""
    if context.actor is None:
        return
    visibility = ChangeVisibility(context, ChangeFilter({}))
    await visibility.refresh_rights()
    heads = await context.services.log.heads(list(visibility.streams))
    context.heads = {stream: heads.get(stream, 0) for stream in visibility.streams}


async def page(context: Context, after: After = None, scope: InScope = None, first: First = None) -> ChangePage:
    """What happened since a cursor; without one nothing, and the cursor of now."""
    size = _page_rows(first)
    hearing = ChangeVisibility(context, _change_filter(scope))
    cursors, log = context.services.cursors, context.services.log
    if after is None or after is UNSET:
        if context.heads is None:
            await read_heads(context)
        return ChangePage([], context.heads or {}, False, cursors)

    await hearing.refresh_rights()
    positions = await hearing.resume_positions(_decode_cursor(context, after))
    changes: list[Change] = []
    for _ in range(_MAX_ROUNDS):
        waiting = {stream: deque(rows) for stream, rows in (await log.read_many(positions, size + 1)).items() if rows}
        if not waiting:
            return ChangePage(changes, positions, False, cursors)
        if any(rows[0].position != positions[stream] + 1 for stream, rows in waiting.items()):
            raise CursorExpired  # trimmed since the bounds were read
        cut_short = {stream for stream, rows in waiting.items() if len(rows) > size}
        while waiting:
            stream = min(waiting, key=lambda each: (waiting[each][0].at, each))
            entry = waiting[stream][0]
            heard = await hearing.is_visible(entry)
            if heard and len(changes) == size:
                return ChangePage(changes, positions, True, cursors)
            waiting[stream].popleft()
            positions = {**positions, stream: entry.position}
            if heard:
                changes.append(Change(entry, positions))
            if not waiting[stream]:
                del waiting[stream]
                if stream in cut_short:
                    break
    return ChangePage(changes, positions, True, cursors)


def changes(context: Context, after: After = None, scope: InScope = None) -> Topic:
    """What happens from a cursor on: first what the log holds, then live, in order, without a gap or a repeat."""
    return Topic(_change_filter(scope), after=_cursor(context, after))


def task_changes(context: Context, id: TaskId, after: After = None) -> Topic:
    """What happens to one task and what is said about it; ends with what took it from the viewer's sight."""
    task_id = ids.decode(id, "Task", path=("id",))
    return Topic(ChangeFilter({"entity_ids": [task_id]}), task_id, after=_cursor(context, after))


def _change_filter(scope: ChangeScope | None) -> ChangeFilter:
    asked = {} if scope is None or scope is UNSET else to_values(scope, ("scope",))
    return ChangeFilter({name: value for name, value in asked.items() if value is not None})


def _cursor(context: Context, after: str | None) -> dict[str, int] | None:
    return None if after is None or after is UNSET else _decode_cursor(context, after)


def _decode_cursor(context: Context, after: str) -> dict[str, int]:
    try:
        return context.services.cursors.decode(after)
    except CursorInvalid as error:
        error.path = ("after",)
        raise


def _page_rows(first: int | None) -> int:
    if first is None or first is UNSET:
        return DEFAULT_PAGE_ROWS
    if first < 0:
        raise BadUserInput("`first` may not be negative.", path=("first",))
    if first > MAX_PAGE_ROWS:
        raise PageTooLarge(MAX_PAGE_ROWS, path=("first",))
    return first


async def cursors_of_changes(context: Context, parents: Sequence[Change]) -> list[str]:
    """The cursor that goes on after each change."""
    return [each.cursor_placeholder or context.services.cursors.encode(each.positions) for each in parents]


async def cursors_of_writes(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """How far the log was before the operation, for the streams that the viewer follows; at its own position where a write
    stands."""
    written = [each for each in parents if each.positions]
    if not written:
        return [None for _ in parents]
    own: dict[str, int] = {}
    if context.actor is not None:
        if context.heads is None:
            await read_heads(context)
        followed = await team.joined_positions(context.database, context.actor.user_id)
        own = {user_stream(context.actor.user_id): 0} | {team_stream(team_id): since for team_id, since in followed.items()}
        own |= {stream: at for stream, at in (context.heads or {}).items() if stream in own}
    seal = context.services.cursors.encode
    return [
        seal(own | {stream: at for stream, at in each.positions.items() if stream in own or not own}) if each.positions else None
        for each in parents
    ]


async def entities_of_changes(context: Context, parents: Sequence[Change]) -> list[Any]:
    """Each change's object as it is now; nothing for what is deleted or hidden."""
    found = await entities(context, [(each.entry.entity_type, each.entry.entity_id) for each in parents])
    for change, each in zip(parents, found, strict=True):
        context.rights_stale |= each is None and change.entry.kind not in _REMOVAL_KINDS
    return [None if getattr(each, "deleted_at", None) is not None else each for each in found]


async def subjects_of_changes(context: Context, parents: Sequence[Change]) -> list[Any]:
    """What each change is about: a comment's subject, else the object itself; nothing where the viewer may not see it."""
    found = await entities(context, [(each.entry.about_type, each.entry.about_id) for each in parents])
    for change, each in zip(parents, found, strict=True):
        context.rights_stale |= each is None and change.entry.kind not in _REMOVAL_KINDS
    return found


async def subjects(context: Context, parents: Sequence[Entry]) -> list[Any]:
    """What each entry of a history is about."""
    return await entities(context, [(each.about_type, each.about_id) for each in parents])


async def actors(context: Context, parents: Sequence[Change]) -> list[Any]:
    """Who did what each change tells."""
    return await user.actors(context, [each.entry for each in parents])
