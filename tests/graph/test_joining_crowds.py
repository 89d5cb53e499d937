"""Many who open a large document at once are sent the same bytes, and nobody misses what is written meanwhile."""

import asyncio
from typing import Any, Final
from uuid import UUID

import pycrdt
import pytest

from domain.document.update import Appended
from domain.errors import DomainError
from realtime.collaboration.differences import MAX_SINCE_UPDATES, MAX_UNSHARED_BYTES
from realtime.collaboration.messages import MessageReader, MessageType, SyncStep
from realtime.collaboration.room import Room
from tests.support.app import App
from tests.support.graph_collaboration import Editor, document_uuid, new_document_id
from tests.support.teams import SampleTeam

NOTHING: Final = b"\x00"
PREFIX: Final = b"name"


async def submit(room: Room, update: bytes, author: UUID) -> None:
    """Write an edit, and wait until it is durable and was sent on."""
    done: asyncio.Future[Appended | DomainError] = asyncio.get_running_loop().create_future()
    await room.submit(update, author, on_done=done.set_result)
    assert isinstance(await done, Appended)
    await asyncio.sleep(0)


def read(frames: list[bytes], *, held: bytes | None = None) -> str:
    """What a client's document says that applied these messages to what it held."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    doc["text"] = text = pycrdt.Text()
    if held is not None:
        doc.apply_update(held)
    for number, frame in enumerate(frames):
        assert frame.startswith(PREFIX)
        reader = MessageReader(frame[len(PREFIX) :])
        assert reader.read_varint() == MessageType.SYNC
        assert reader.read_varint() == (SyncStep.UPDATE if number else SyncStep.STEP_2)
        doc.apply_update(reader.read_bytes())
    return str(text)


async def test_who_comes_with_the_same_vector_is_sent_the_same_bytes_and_the_edits_since(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    author, editor = team.member.user.id, Editor()
    async with app.resources.services.rooms.room(document_uuid(id_)) as room:
        await submit(room, editor.write("x" * 2 * MAX_UNSHARED_BYTES), author)
        held, vector = editor.doc.get_update(), editor.doc.get_state()
        first = [await room.differences.frames(NOTHING, PREFIX, owner=author) for _ in range(3)]
        assert [len(each) for each in first] == [1, 1, 1]
        assert first[0][0] is first[1][0] is first[2][0]
        await submit(room, editor.write("one"), author)
        await submit(room, editor.write("two"), author)
        late, other = [await room.differences.frames(each, PREFIX, owner=author) for each in (NOTHING, vector)]
        assert late[0] is first[0][0]
        assert read(first[0]) == "x" * 2 * MAX_UNSHARED_BYTES
        assert read(late) == read(other, held=held) == str(editor.text) == "x" * 2 * MAX_UNSHARED_BYTES + "onetwo"
        assert len(other[0]) < 100


async def test_after_too_many_edits_and_after_an_edit_that_failed_the_difference_is_a_new_one(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    author, editor = team.member.user.id, Editor()
    async with app.resources.services.rooms.room(document_uuid(id_)) as room:
        await submit(room, editor.write("x" * 2 * MAX_UNSHARED_BYTES), author)
        before = await room.differences.frames(NOTHING, PREFIX, owner=author)
        for _ in range(MAX_SINCE_UPDATES):
            await room.submit(editor.write("y"), author)
        await submit(room, editor.write("z"), author)
        after = await room.differences.frames(NOTHING, PREFIX, owner=author)
        assert len(after) == 1
        assert after[0] is not before[0]
        assert read(after) == str(editor.text)
        room.discard_state()
        again = await room.differences.frames(NOTHING, PREFIX, owner=author)
        assert again[0] is not after[0]
        assert read(again) == str(editor.text)


async def test_whoever_leaves_while_a_difference_is_computed_takes_it_from_nobody(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    author, editor = team.member.user.id, Editor()
    async with app.resources.services.rooms.room(document_uuid(id_)) as room:
        await submit(room, editor.write("x" * 2 * MAX_UNSHARED_BYTES), author)
        async with room._large_update, asyncio.TaskGroup() as tasks:  # until it ends, nobody is sent anything
            leaves, stays = [tasks.create_task(room.differences.frames(NOTHING, PREFIX, owner=author)) for _ in range(2)]
            await asyncio.sleep(0)
            leaves.cancel()
            await asyncio.sleep(0)
            room._large_update.release()
            found = await stays
            await room._large_update.acquire()
        assert leaves.cancelled()
        assert read(found) == str(editor.text)


async def test_a_difference_that_cannot_be_computed_is_an_error_for_all_and_held_for_nobody(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    author, editor = team.member.user.id, Editor()
    async with app.resources.services.rooms.room(document_uuid(id_)) as room:
        await submit(room, editor.write("x" * 2 * MAX_UNSHARED_BYTES), author)
        for _ in range(2):
            with pytest.raises(DomainError) as refused:
                await room.differences.frames(b"\x05", PREFIX, owner=author)
            assert refused.value.code == "INVALID"
        assert room.differences._shared == {}
