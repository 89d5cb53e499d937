"""Resolves the change log as one viewer sees it: the query, the subscriptions, histories, and the cursors of writes."""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from domain.errors import BadUserInput, CursorExpired, CursorInvalid, PageTooLarge
from domain.events import ChangeKind, Entry, team_stream, user_stream
from domain.page import DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS, Edge, PageInfo
from persistence.events.matching_entries import EntryScope, PositionTrimmed, StreamPart, read_matching
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

WithStart = Annotated[
    bool,
    strawberry.argument(
        description="Whether to send a first change at once: an update of the viewer without changed fields, "
        "whose cursor is where the subscription begins."
    ),
]

WithCaughtUp = Annotated[
    bool,
    strawberry.argument(
        description="Whether to send one change with `isCaughtUp` when everything that was committed before the subscription "
        "has been sent: an update of the viewer without changed fields."
    ),
]

_MAX_ROUNDS = 20
_MAX_ROUND_ENTRIES = 1_000
_NO_ENTITIES = ("Job", "Notification")  # they are the `subject` of their changes
_REMOVAL_KINDS = (ChangeKind.DELETED, ChangeKind.ACCESS_LOST)


class ChangePage:
    """Changes in the order in which they are to be applied, and the positions after them."""

    def __init__(self, nodes: Sequence[Change], positions: Mapping[str, int], has_more: bool, cursors: SyncCursors) -> None:
        self.nodes = nodes
        self._positions = positions
        self._has_more = has_more
        self._cursors = cursors

    @cached_property
    def edges(self) -> list[Edge[Change]]:
        """The changes, each with the cursor to resume after it."""
        return [Edge(self._cursors.encode(change.positions), change) for change in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        """Whether more changes follow, and the cursors of both ends."""
        ends = self.edges
        return PageInfo(self._has_more, False, ends[0].cursor if ends else None, ends[-1].cursor if ends else None)

    @property
    def cursor(self) -> str:
        """The cursor to resume after the page, entries that the viewer may not see included."""
        return self._cursors.encode(self._positions)


async def read_heads(context: Context) -> None:
    """Reads the positions of the viewer's streams into `context.heads`; an anonymous viewer has none."""
    if context.actor is None:
        return
    visibility = ChangeVisibility(context, ChangeFilter({}))
    await visibility.refresh_rights()
    heads = await context.services.log.heads(list(visibility.streams))
    context.heads = {stream: heads.get(stream, 0) for stream in visibility.streams}


async def page(context: Context, after: After = None, scope: InScope = None, first: First = None) -> ChangePage:
    """The changes after a cursor; without one, no changes and the cursor of the present."""
    size = _page_rows(first)
    visibility = ChangeVisibility(context, _change_filter(scope))
    cursors = context.services.cursors
    if after is None or after is UNSET:
        if context.heads is None:
            await read_heads(context)
        return ChangePage([], context.heads or {}, False, cursors)

    await visibility.refresh_rights()
    positions = await visibility.resume_positions(_decode_cursor(context, after))
    changes: list[Change] = []
    for _ in range(_MAX_ROUNDS):
        parts = await _read_parts(context, positions, visibility.to_scope(), size)
        if not parts:
            return ChangePage(changes, positions, False, cursors)
        waiting = {stream: deque(part.entries) for stream, part in parts.items() if part.entries}
        positions = positions | {stream: part.reached for stream, part in parts.items() if not part.entries}
        # What a stream has further on may come before what others have.
        is_known = waiting.keys() >= {stream for stream, part in parts.items() if part.more}
        while waiting and is_known:
            stream = min(waiting, key=lambda each: (waiting[each][0].at, each))
            entry = waiting[stream][0]
            is_visible = await visibility.is_visible(entry)
            if is_visible and len(changes) == size:
                return ChangePage(changes, positions, True, cursors)
            waiting[stream].popleft()
            positions = {**positions, stream: entry.position}
            if is_visible:
                changes.append(Change(entry, positions))
            if not waiting[stream]:
                del waiting[stream]
                positions = {**positions, stream: parts[stream].reached}
                is_known = not parts[stream].more
    return ChangePage(changes, positions, True, cursors)


async def _read_parts(context: Context, positions: Mapping[str, int], scope: EntryScope, size: int) -> dict[str, StreamPart]:
    """The next entries of each stream; of many streams fewer, but enough for a page in all rounds."""
    limit = min(size + 1, max(_MAX_ROUND_ENTRIES // max(len(positions), 1), size // 8 + 1))
    try:
        return await read_matching(context.database, positions, scope, limit=limit)
    except PositionTrimmed as error:
        raise CursorExpired from error


def changes(
    context: Context,
    after: After = None,
    scope: InScope = None,
    with_start: WithStart = False,
    with_caught_up: WithCaughtUp = False,
) -> Topic:
    """The topic of changes after a cursor: first those in the log, then live ones, in order, without gaps or repetitions."""
    return Topic(_change_filter(scope), after=_cursor(context, after), sends_start=with_start, sends_caught_up=with_caught_up)


def task_changes(context: Context, id: TaskId, after: After = None, with_caught_up: WithCaughtUp = False) -> Topic:
    """The topic of one task with its comments, links and attachments; it ends with the change that hides the task from the
    viewer."""
    task_id = ids.decode(id, "Task", path=("id",))
    scope = ChangeFilter({"entity_ids": [task_id]})
    return Topic(scope, task_id, after=_cursor(context, after), sends_caught_up=with_caught_up)


def _change_filter(scope: ChangeScope | None) -> ChangeFilter:
    fields = {} if scope is None or scope is UNSET else to_values(scope, ("scope",))
    return ChangeFilter({name: value for name, value in fields.items() if value is not None})


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
    """The cursor to resume after each change."""
    return [each.cursor_placeholder or context.services.cursors.encode(each.positions) for each in parents]


async def cursors_of_writes(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """The cursor of the log after each write: the viewer's streams as before the operation, those of the write at its
    positions."""
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
    encode = context.services.cursors.encode
    return [
        encode(own | {stream: at for stream, at in each.positions.items() if stream in own or not own})
        if each.positions
        else None
        for each in parents
    ]


async def entities_of_changes(context: Context, parents: Sequence[Change]) -> list[Any]:
    """The object of each change as it is now; None if it is deleted, hidden, or no entity, as sessions and notifications."""
    found = await entities(context, [(each.entry.entity_type, each.entry.entity_id) for each in parents])
    for change, each in zip(parents, found, strict=True):
        context.rights_stale |= each is None and change.entry.kind not in _REMOVAL_KINDS
    return [each if _is_entity(each) and getattr(each, "deleted_at", None) is None else None for each in found]


def _is_entity(each: Any) -> bool:
    return hasattr(each, "version") and each.type_name not in _NO_ENTITIES


async def subjects_of_changes(context: Context, parents: Sequence[Change]) -> list[Any]:
    """What each change is about: a comment's subject, else the object itself; nothing where the viewer may not see it."""
    found = await entities(context, [(each.entry.about_type, each.entry.about_id) for each in parents])
    for change, each in zip(parents, found, strict=True):
        context.rights_stale |= each is None and change.entry.kind not in _REMOVAL_KINDS
    return found


async def subjects(context: Context, parents: Sequence[Entry]) -> list[Any]:
    """The subject of each entry of a history."""
    return await entities(context, [(each.about_type, each.about_id) for each in parents])


async def actors(context: Context, parents: Sequence[Change]) -> list[Any]:
    """The user who made each change."""
    return await user.actors(context, [each.entry for each in parents])
