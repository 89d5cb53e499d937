"""The raw endpoint of live editing: who comes in, what is refused and with which code, and what nobody hears."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from pycrdt import Doc, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime.collaboration import messages
from realtime.collaboration.connection import MAX_MESSAGE_BYTES
from realtime.collaboration.messages import MessageReader, MessageType, SyncStep
from tests.support.collaboration_socket import (
    EMPTY,
    MEMBERS,
    TIMEOUT_SECONDS,
    close_reason,
    collaboration_url,
    joined_guest,
    next_message,
    typed_update,
)
from tests.support.hocuspocus_client import create_document_over_http, load_logged_document, open_hocuspocus_client
from tests.support.server_process import Client, ServerProcess, create_team_and_project, register_user

pytestmark = pytest.mark.slow

REVOKE = "mutation ($input: SessionRevokeInput!) { sessionRevoke(input: $input) { errors { code } } }"


@pytest.fixture
async def project_id(ada: Client) -> str:
    return await create_team_and_project(ada)


@pytest.fixture
async def document_id(ada: Client, project_id: str) -> str:
    return await create_document_over_http(ada, project_id)


@pytest.fixture
async def guest(server: ServerProcess, ada: Client, project_id: str) -> AsyncIterator[Client]:
    """Somebody who may read the project."""
    async with joined_guest(server, ada, project_id) as client:
        yield client


async def test_who_is_not_let_in_learns_why_by_a_code(server: ServerProcess, ada: Client, document_id: str) -> None:
    stranger = await register_user(server, "Stranger")
    elsewhere = document_id.replace("R", "S", 1)
    for id_, token, expected in (
        (document_id, "nonsense", (4401, "UNAUTHENTICATED")),
        (document_id, None, (4401, "UNAUTHENTICATED")),
        (document_id, stranger.token, (4404, "NOT_FOUND")),
        (elsewhere, ada.token, (4404, "NOT_FOUND")),
        ("nonsense", ada.token, (4404, "NOT_FOUND")),
    ):
        async with connect(collaboration_url(server, id_, token)) as socket:
            await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
            assert await close_reason(socket) == expected, (id_, token)
    await stranger.close()


async def test_a_page_of_another_origin_is_refused(server: ServerProcess, ada: Client, document_id: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(collaboration_url(server, document_id, ada.token), origin="https://evil.example"):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 403


async def test_the_token_may_stand_in_a_header(server: ServerProcess, ada: Client, document_id: str) -> None:
    url = collaboration_url(server, document_id, None).partition("?")[0]
    async with connect(url, additional_headers={"Authorization": f"Bearer {ada.token}"}) as socket:
        await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
        assert await next_message(socket, MessageType.SYNC, SyncStep.STEP_2) == b"\x00\x00"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (messages.sync_message(SyncStep.UPDATE, b"\x01\x02\x03"), (4400, "INVALID")),
        (messages.sync_message(SyncStep.UPDATE, b"\x00\x00" * 9), (4400, "INVALID")),
        (b"\x00\x02\xff", (4400, "The message ends early.")),
        (b"\x00\x07\x00", (4400, "A message of synchronisation is of an unknown kind.")),
        (b"\x63", (4400, "A message is of an unknown kind.")),
        (b"\x01\x05\xff\xff\xff\xff\x0f", (4400, "The message promises more than it holds.")),
    ],
)
async def test_what_is_malformed_ends_the_connection_and_reaches_nobody(
    server: ServerProcess, ada: Client, document_id: str, server_database_url: str, frame: bytes, expected: tuple[int, str]
) -> None:
    async with (
        connect(collaboration_url(server, document_id, ada.token)) as bad,
        connect(collaboration_url(server, document_id, ada.token)) as good,
    ):
        for socket in (bad, good):
            await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
            await next_message(socket, MessageType.SYNC, SyncStep.STEP_2)
        await bad.send(frame)
        assert await close_reason(bad) == expected
        update = typed_update("fine")
        await good.send(messages.sync_message(SyncStep.UPDATE, update))
        assert await next_message(good, MessageType.SYNC, SyncStep.UPDATE) == update
    assert str((await load_logged_document(server_database_url, document_id)).get("text", type=Text)) == "fine"


async def test_a_message_that_is_too_big_ends_the_connection(server: ServerProcess, ada: Client, document_id: str) -> None:
    async with connect(collaboration_url(server, document_id, ada.token), max_size=None) as socket:
        await socket.send(b"\x00" * (1024 * 1024 + 2048))
        assert await close_reason(socket) == (1009, "A message may have 1049600 bytes.")


async def test_what_was_written_offline_comes_in_one_message_up_to_the_size_of_a_document(
    server: ServerProcess, ada: Client, document_id: str, server_database_url: str
) -> None:
    doc: Doc[Any] = Doc()
    for number in range(150):
        typed_update(f"{number} " + "offline é😀 " * 750, doc)
    update = doc.get_update()
    assert len(update) > 1.5 * MAX_MESSAGE_BYTES
    async with connect(collaboration_url(server, document_id, ada.token), max_size=None) as socket:
        await socket.send(messages.sync_message(SyncStep.STEP_1, doc.get_state()))
        await next_message(socket, MessageType.SYNC, SyncStep.STEP_1)
        await socket.send(messages.sync_message(SyncStep.STEP_2, update))
        async with connect(collaboration_url(server, document_id, ada.token), max_size=None) as other:
            copy: Doc[Any] = Doc()
            await other.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
            while copy.get_state() != doc.get_state():
                message = MessageReader(await asyncio.wait_for(other.recv(decode=False), TIMEOUT_SECONDS))
                if message.read_varint() == MessageType.SYNC and message.read_varint() != SyncStep.STEP_1:
                    copy.apply_update(message.read_bytes())
        assert str(copy.get("text", type=Text)) == str(doc.get("text", type=Text))
        await next_message(socket, MessageType.SYNC, SyncStep.UPDATE)  # their own, in slices: what is not read stops the client
        with suppress(ConnectionClosed):  # the server does not read it to its end
            await socket.send(b"\x00" * (17 * 1024 * 1024))
        assert await close_reason(socket) == (1009, "A message may have 16778240 bytes.")
    assert (await load_logged_document(server_database_url, document_id)).get_state() == doc.get_state()


async def test_an_edit_that_builds_on_missing_ones_is_asked_for_and_not_lost(
    server: ServerProcess, ada: Client, document_id: str, server_database_url: str
) -> None:
    doc: Doc[Any] = Doc()
    typed_update("one ", doc)
    second = typed_update("two", doc)
    async with connect(collaboration_url(server, document_id, ada.token)) as socket:
        await socket.send(messages.sync_message(SyncStep.STEP_1, doc.get_state()))
        await next_message(socket, MessageType.SYNC, SyncStep.STEP_1)
        await socket.send(messages.sync_message(SyncStep.UPDATE, second))
        vector = await next_message(socket, MessageType.SYNC, SyncStep.STEP_1)
        await socket.send(messages.sync_message(SyncStep.STEP_2, doc.get_update(vector)))
        assert await next_message(socket, MessageType.SYNC, SyncStep.UPDATE) == doc.get_update()
    assert str((await load_logged_document(server_database_url, document_id)).get("text", type=Text)) == "one two"


async def test_who_may_only_read_gets_edits_and_makes_none(
    server: ServerProcess, ada: Client, guest: Client, document_id: str, server_database_url: str
) -> None:
    async with (
        connect(collaboration_url(server, document_id, guest.token)) as reader,
        connect(collaboration_url(server, document_id, ada.token)) as writer,
    ):
        for socket in (reader, writer):
            await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
            await next_message(socket, MessageType.SYNC, SyncStep.STEP_2)
        await reader.send(messages.sync_message(SyncStep.UPDATE, typed_update("mine")))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            assert await reader.recv() == messages.y_permission_denied_message("FORBIDDEN")
        update = typed_update("theirs")
        await writer.send(messages.sync_message(SyncStep.UPDATE, update))
        assert await next_message(reader, MessageType.SYNC, SyncStep.UPDATE) == update
    assert str((await load_logged_document(server_database_url, document_id)).get("text", type=Text)) == "theirs"


async def test_who_loses_their_right_is_sent_away(
    server: ServerProcess, ada: Client, guest: Client, document_id: str, project_id: str
) -> None:
    async with connect(collaboration_url(server, document_id, guest.token)) as socket:
        await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
        await next_message(socket, MessageType.SYNC, SyncStep.STEP_2)
        gone = {"id": project_id, "removeUserIds": [guest.id]}  # type: ignore[attr-defined]
        assert (await ada.run(MEMBERS, input=gone))["projectSetMembers"]["errors"] == []
        assert await close_reason(socket) == (4404, "NOT_FOUND")


@pytest.mark.slow
async def test_who_signs_out_is_sent_away(server: ServerProcess, document_id: str, ada: Client) -> None:
    async with connect(collaboration_url(server, document_id, ada.token)) as socket:
        await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
        await next_message(socket, MessageType.SYNC, SyncStep.STEP_2)
        assert (await ada.run(REVOKE, input={}))["sessionRevoke"]["errors"] == []
        assert await close_reason(socket) == (4401, "UNAUTHENTICATED")


async def test_peers_are_notified_and_leave_with_their_connection(server: ServerProcess, ada: Client, document_id: str) -> None:
    async with connect(collaboration_url(server, document_id, ada.token)) as one:
        await one.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
        await next_message(one, MessageType.SYNC, SyncStep.STEP_2)
        async with connect(collaboration_url(server, document_id, ada.token)) as other:
            await other.send(
                messages.awareness_message(messages.encode_awareness([messages.AwarenessState(5, 1, '{"name":"Bob"}')]))
            )
            assert messages.decode_awareness(await next_message(one, MessageType.AWARENESS)) == [
                messages.AwarenessState(5, 1, '{"name":"Bob"}')
            ]
        assert messages.decode_awareness(await next_message(one, MessageType.AWARENESS)) == [
            messages.AwarenessState(5, 1, "null")
        ]


async def test_hocuspocus_is_notified_that_an_edit_is_kept_when_it_is(
    server: ServerProcess, ada: Client, document_id: str, server_database_url: str
) -> None:
    async with open_hocuspocus_client(server.url, document_id, ada.token) as editor:
        for number in range(5):
            await editor.edit(f"key {number}")
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(editor.acknowledged) < 5:
                await asyncio.sleep(0.002)
        there = await load_logged_document(server_database_url, document_id)
        assert there.vector() == {editor.doc.client_id: 5}


@pytest.fixture
def narrow_socket(server: ServerProcess) -> Iterator[socket.socket]:
    """A connection to the server into which little fits that is not read."""
    with socket.socket() as narrow:
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        narrow.connect(("127.0.0.1", server.port))
        yield narrow


async def test_a_client_that_does_not_read_is_hung_up_on_and_the_others_receive_on(
    server: ServerProcess, ada: Client, document_id: str, narrow_socket: socket.socket
) -> None:
    async with (
        connect(collaboration_url(server, document_id, ada.token), max_size=None, sock=narrow_socket) as stalled,
        connect(collaboration_url(server, document_id, ada.token), max_size=None) as writer,
    ):
        for each in (stalled, writer):
            await each.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
            await next_message(each, MessageType.SYNC, SyncStep.STEP_2)
        present = messages.encode_awareness([messages.AwarenessState(5, 1, '{"name":"Bob"}')])
        await stalled.send(messages.awareness_message(present))
        await next_message(writer, MessageType.AWARENESS)
        stalled.transport.pause_reading()
        sent = await write_until_left(writer, client_id=5)
        stalled.transport.resume_reading()
        received = 0
        with suppress(ConnectionClosed):  # it was cut, so there need be no close frame
            async with asyncio.timeout(TIMEOUT_SECONDS):
                async for message in stalled:
                    received += len(message)
        assert received < sent
        update = typed_update("still there")
        await writer.send(messages.sync_message(SyncStep.UPDATE, update))
        while await next_message(writer, MessageType.SYNC, SyncStep.UPDATE) != update:
            pass  # its last ones are still on their way


async def write_until_left(writer: ClientConnection, *, client_id: int) -> int:
    """Write until the server says that a client has left, which is before 16 MB: how many bytes."""
    doc: Doc[Any] = Doc()
    sent = 0
    async with asyncio.timeout(60):
        while sent < 16 * 1024 * 1024:
            update = messages.sync_message(SyncStep.UPDATE, typed_update("x" * 15_000, doc))
            await writer.send(update)
            sent += len(update)
            while True:
                reader = MessageReader(await writer.recv(decode=False))
                match reader.read_varint():
                    case MessageType.SYNC:
                        break
                    case MessageType.AWARENESS:
                        states = messages.decode_awareness(reader.read_bytes())
                        if any(each.client == client_id and each.state == "null" for each in states):
                            return sent
    pytest.fail("the client that does not read is still there")
