"""Resolves live editing of documents: the subscription to a document's events, edits, and presence."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from content import crdt, guard
from content.errors import UpdatePending, UpdateTooLarge
from domain import text
from domain.errors import (
    CursorExpired,
    DomainError,
    Forbidden,
    Invalid,
    LimitExceeded,
    NotFound,
    OutOfSync,
    Required,
    Unavailable,
)
from domain.permissions import Action
from persistence.documents.rendering import check_and_merge
from persistence.stores import document_queries as stored
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.commit import CommitResult
from realtime.collaboration.graph_subscriber import Event, GraphSubscriber, PresenceChanged, Synced
from realtime.collaboration.presence import Presence, session_awareness, session_removal
from realtime.collaboration.room import Room
from realtime.collaboration.rooms import Rooms
from resolvers import ids, viewer_permissions
from resolvers.collaboration_auth import max_right
from resolvers.context import Context, InputValues
from resolvers.page import collect_ids, match_by_key
from resolvers.scalars import Base64

_MAX_REPLAYED_UPDATES: Final = 500
_MAX_REPLAYED_BYTES: Final = 1024 * 1024
_MAX_UPDATES: Final = 1_000
_MAX_INLINE_MERGE_BYTES: Final = 4 * 1024
_DURABLE_TIMEOUT_SECONDS: Final = 9.0


Id = Annotated[strawberry.ID, strawberry.argument(description="The document's global id.")]
SessionId = Annotated[strawberry.ID, strawberry.argument(description="The client's own name for this session.")]
After = Annotated[int | None, strawberry.argument(description="Last position the client has; null on first opening.")]
Vector = Annotated[Base64 | None, strawberry.argument(description="Yjs state vector of what the client has; null for nothing.")]


async def stream_events(
    context: Context, id: Id, session_id: SessionId, after: After = None, state_vector: Vector = None
) -> AsyncGenerator[Event, None]:
    """What the client is missing, then what happens to the document, until the client stops or loses access."""
    document_id = ids.decode(id, "Document", path=("id",))
    session = text.validate_token(session_id, ("sessionId",))
    right = max_right(context.viewer.scopes)
    rooms = context.services.rooms
    principal_id = context.viewer.principal_id
    subscriber = GraphSubscriber(document_id, principal_id, right)
    async with _enter_room(rooms, document_id) as room:
        await rooms.membership.join(room, subscriber, max_right=right)
        try:
            # What is committed from here on waits in the subscriber's queue; what came before is read, and is not sent again.
            room.committed_edits.flush()
            position = room.position
            missed = await _missing_update(context, room, position, after or None, state_vector or b"")
            state = await room.state()
            yield Synced(position=position, update=missed, state_vector=state.state_vector, presence=room.awareness.presences())
            while (event := await subscriber.next()) is not None:
                yield PresenceChanged(presence=room.awareness.presences()) if isinstance(event, PresenceChanged) else event
        finally:
            rooms.membership.leave(room, subscriber)
            removal = session_removal(principal_id, session, at=datetime.now(UTC))
            rooms.presence.update(room, [removal], principal_id, None)


async def _missing_update(context: Context, room: Room, position: int, after: int | None, vector: bytes) -> bytes:
    """
    What a client at position `after` is missing: the edits since then, where the log still has them and they are few.

    A difference of states would always do, but carries all deletions that there ever were.
    """
    if after is not None and after <= position:
        edits: list[bytes] = []
        try:
            while after < position and len(edits) < _MAX_REPLAYED_UPDATES and sum(map(len, edits)) < _MAX_REPLAYED_BYTES:
                page = await context.services.document_reader.log.read(room.document_id, after, _MAX_REPLAYED_UPDATES)
                edits += [each.data for each in page if each.position <= position]
                after = page[-1].position if page else position
        except CursorExpired:
            pass
        else:
            if after >= position:
                size = sum(map(len, edits))
                return await context.services.workers.run(size, crdt.merge, edits, owner=context.viewer.principal_id)
    return await room.differences.compute(vector, owner=context.viewer.principal_id)


@asynccontextmanager
async def _enter_room(rooms: Rooms, document_id: UUID) -> AsyncIterator[Room]:
    """The room of a document; errors name the argument."""
    try:
        async with rooms.room(document_id) as room:
            yield room
    except NotFound as error:
        raise NotFound(error.path or ("id",)) from error


async def viewer_can(context: Context, parents: Sequence[Any]) -> list[list[Action]]:
    """What the viewer may do with each event's document; nothing where they may not read it any more."""
    ids_ = collect_ids(parents, lambda each: each.document_id if each.right is not None else None)
    found = await stored.by_ids(context.database, context.viewer.user_id, ids_) if ids_ else {}
    seen = [each for each in found.values() if each.deleted_at is None]
    can = dict(zip([each.id for each in seen], await viewer_permissions.viewer_can(context, seen), strict=True)) if seen else {}
    return [can.get(each.document_id, []) for each in parents]


async def saved_versions(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The version of each event."""
    ids_ = collect_ids(parents, lambda each: each.version_id)
    found = await stored.versions_by_ids(context.database, context.viewer.user_id, ids_)
    return match_by_key(parents, lambda each: each.version_id, found)


async def apply_update(context: Context, values: InputValues, idempotency_key: str | None) -> Mapping[str, Any]:
    """Applies edits; answered when they are durable. The same key again is answered with the position that it had."""
    session = text.validate_token(values["session_id"], ("input", "sessionId"))
    data = await _merge_updates(context, values["updates"])
    answered: asyncio.Future[CommitResult] = asyncio.get_running_loop().create_future()

    def answer(found: CommitResult) -> None:
        if not answered.done():
            answered.set_result(found)

    async with _room_and_right(context, values["id"]) as (room, right):
        if right is not DocumentRight.WRITE:
            raise Forbidden(Action.UPDATE)
        try:
            await room.submit(
                data, context.viewer.user_id, session_id=session, client_mutation_id=idempotency_key, on_done=answer
            )
        except UpdatePending as error:
            raise OutOfSync(path=("input", "updates")) from error
        try:
            async with asyncio.timeout(_DURABLE_TIMEOUT_SECONDS):
                found = await answered
        except TimeoutError:
            raise Unavailable("The edit could not be saved in time; send it again with the same clientMutationId.") from None
    if isinstance(found, DomainError):
        raise found
    return {"position": found.position}


async def set_presence(context: Context, values: InputValues, idempotency_key: str | None) -> Mapping[str, Any]:
    """Sets where a session's cursor is."""
    del idempotency_key  # twice is as good as once
    session = text.validate_token(values["session_id"], ("input", "sessionId"))
    places = {name: values.get(name) for name in ("cursor", "selection_end")}
    for name, place in places.items():
        if place is not None and place < 0:
            raise Invalid(("input", to_camel_case(name)), "A place in a document is not negative.")
    user_id = context.viewer.user_id
    async with _room_and_right(context, values["id"]) as (room, _):
        is_typing = bool(values.get("is_typing"))
        state = session_awareness(user_id, session, at=datetime.now(UTC), **places, is_typing=is_typing)
        context.services.rooms.presence.update(room, [state], user_id, None)
    return {}


async def presences(context: Context, parents: Sequence[Any]) -> list[Sequence[Presence]]:
    """Who is in each document now."""
    return await context.services.rooms.presences([each.id for each in parents])


@asynccontextmanager
async def _room_and_right(context: Context, document_id: UUID) -> AsyncIterator[tuple[Room, DocumentRight]]:
    """A document's room, and what the viewer may do there. Raises NotFound."""
    rooms, user_id = context.services.rooms, context.viewer.user_id
    try:
        async with rooms.room(document_id) as room:
            # The rights of sessions in the room are kept up to date.
            right = room.user_right(user_id) or (await rooms.membership.rights(document_id, [user_id])).get(user_id)
            if right is None:
                raise NotFound
            yield room, min(right, max_right(context.viewer.scopes))
    except NotFound as error:
        raise NotFound(error.path or ("input", "id")) from error


async def _merge_updates(context: Context, updates: Sequence[bytes]) -> bytes:
    """Several updates as one. Raises what is wrong with them: Required, LimitExceeded, UpdateTooLarge, InvalidUpdate."""
    if not updates:
        raise Required(("input", "updates"), "At least one update is needed.")
    if len(updates) > _MAX_UPDATES:
        raise LimitExceeded(f"At most {_MAX_UPDATES} updates are accepted at once.", _MAX_UPDATES, path=("input", "updates"))
    size = sum(map(len, updates))
    if size > guard.MAX_UPDATE_BYTES:
        raise UpdateTooLarge(f"Updates have at most {guard.MAX_UPDATE_BYTES} bytes together.", guard.MAX_UPDATE_BYTES)
    if size <= _MAX_INLINE_MERGE_BYTES:
        return check_and_merge(updates)
    return await context.services.workers.run(size, check_and_merge, updates, owner=context.viewer.user_id)
