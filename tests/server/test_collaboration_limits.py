"""Bounds of live editing: what is refused unparsed, what waits, what one person may cost, and edits that come whole or not."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text, XmlElement, XmlFragment, XmlText
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realtime.collaboration import messages
from realtime.collaboration.messages import MAX_AWARENESS_BYTES, MAX_STATE_VECTOR_BYTES, AwarenessState, MessageType, SyncStep
from tests.support.backing_services import Valkey, free_port
from tests.support.collaboration_socket import (
    EMPTY,
    MEMBERS,
    close_reason,
    collaboration_url,
    joined_guest,
    next_message,
    typed_update,
)
from tests.support.hocuspocus_client import create_document_over_http, load_logged_document
from tests.support.server_process import Client, ServerProcess, create_team_and_project, register_user, running_server

pytestmark = pytest.mark.slow

NOT_AN_UPDATE = b"\xff" * (512 * 1024)


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


async def synchronize(socket: ClientConnection) -> None:
    await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
    await next_message(socket, MessageType.SYNC, SyncStep.STEP_2)


async def receive_until_closed(socket: ClientConnection) -> tuple[list[bytes], tuple[int, str] | None]:
    """What still comes, and how the server closes."""
    received: list[bytes] = []
    try:
        async with asyncio.timeout(30):
            while True:
                received.append(await socket.recv(decode=False))
    except ConnectionClosed as closed:
        return received, (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else None


def awareness(clock: int, state: str = "{}", client: int = 7) -> bytes:
    return messages.awareness_message(messages.encode_awareness([AwarenessState(client, clock, state)]))


async def test_an_update_of_who_may_only_read_is_refused_before_it_is_parsed(
    server: ServerProcess, guest: Client, document_id: str, server_database_url: str
) -> None:
    async with connect(collaboration_url(server, document_id, guest.token)) as reader:
        await synchronize(reader)
        # Parsed, it would be malformed, and end the connection.
        await reader.send(messages.sync_message(SyncStep.UPDATE, NOT_AN_UPDATE))
        async with asyncio.timeout(30):
            assert await reader.recv() == messages.y_permission_denied_message("FORBIDDEN")
        await reader.send(messages.sync_message(SyncStep.STEP_2, NOT_AN_UPDATE))
        await synchronize(reader)
    assert (await load_logged_document(server_database_url, document_id)).vector() == {}


async def test_awareness_beyond_its_size_is_ignored_and_the_connection_stays(
    server: ServerProcess, ada: Client, document_id: str
) -> None:
    async with (
        connect(collaboration_url(server, document_id, ada.token)) as sender,
        connect(collaboration_url(server, document_id, ada.token)) as other,
    ):
        await synchronize(sender)
        await synchronize(other)
        await sender.send(messages.awareness_message(b"\xff" * (MAX_AWARENESS_BYTES + 1)))
        await sender.send(awareness(1))
        async with asyncio.timeout(30):
            assert await other.recv() == awareness(1)


async def test_a_state_vector_beyond_its_size_is_refused(server: ServerProcess, ada: Client, document_id: str) -> None:
    async with connect(collaboration_url(server, document_id, ada.token)) as socket:
        await socket.send(messages.sync_message(SyncStep.STEP_1, b"\x00" * (MAX_STATE_VECTOR_BYTES + 100)))
        assert await close_reason(socket) == (4400, "LIMIT_EXCEEDED")


async def test_of_a_flood_of_cursor_moves_others_get_some_and_the_last(
    server: ServerProcess, ada: Client, document_id: str
) -> None:
    moves = 600
    async with (
        connect(
            collaboration_url(server, document_id, ada.token), close_timeout=0.1
        ) as sender,  # they read nothing, no goodbye either
        connect(collaboration_url(server, document_id, ada.token), close_timeout=0.1) as second,
        connect(collaboration_url(server, document_id, ada.token)) as other,
    ):
        for socket in (sender, second, other):
            await synchronize(socket)
        began = time.monotonic()
        for clock in range(1, moves + 1):
            await sender.send(awareness(clock))
            await second.send(awareness(clock, client=8))
        received = 0
        last: dict[int, int] = {}
        async with asyncio.timeout(20):
            while last != {7: moves, 8: moves}:
                for state in messages.decode_awareness(await next_message(other, MessageType.AWARENESS)):
                    last[state.client] = state.clock
                received += 1
        # A burst of 40 at first, then 20 a second, over both connections of the person.
        assert received <= 40 + 20 * (time.monotonic() - began) + 2


async def test_a_large_edit_whose_connection_ends_is_there_whole_or_not_at_all(
    server: ServerProcess, ada: Client, document_id: str, server_database_url: str
) -> None:
    doc: Doc[Any] = Doc()
    typed_update("old text", doc)
    async with connect(collaboration_url(server, document_id, ada.token)) as socket:
        await socket.send(messages.sync_message(SyncStep.UPDATE, doc.get_update()))
        await next_message(socket, MessageType.SYNC, SyncStep.UPDATE)
        before = doc.get_state()
        text = doc.get("text", type=Text)
        with doc.transaction():
            del text[0 : len(str(text))]
            text.insert(0, "lorem ipsum " * 60_000)
        await socket.send(messages.sync_message(SyncStep.UPDATE, doc.get_update(before)))
        await asyncio.sleep(0.05)
    new = str(text)
    async with asyncio.timeout(20):
        while True:
            logged = str((await load_logged_document(server_database_url, document_id)).get("text", type=Text))
            assert logged in ("old text", new)
            if logged == new:
                break
            await asyncio.sleep(0.2)


def xml_update(doc: Doc[Any], *names: str) -> bytes:
    """The update that appends an element, with the others inside it."""
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    with doc.transaction():
        at: Any = doc.get("default", type=XmlFragment)
        for name in names:
            element = XmlElement(name)
            at.children.append(element)
            at = element
        at.children.append(XmlText("text"))
    doc.unobserve(subscription)
    return made[-1]


async def test_who_announces_no_schema_may_only_read_from_the_first_node_that_their_editor_would_delete(
    server: ServerProcess, ada: Client, document_id: str, server_database_url: str
) -> None:
    url = collaboration_url(server, document_id, ada.token)
    stock_doc: Doc[Any] = Doc()
    async with connect(url) as stock, connect(f"{url}&schema=1") as full:
        await synchronize(stock)
        await synchronize(full)
        await stock.send(messages.sync_message(SyncStep.UPDATE, xml_update(stock_doc, "paragraph")))
        await next_message(full, MessageType.SYNC, SyncStep.UPDATE)
        await next_message(stock, MessageType.SYNC, SyncStep.UPDATE)
        await full.send(messages.sync_message(SyncStep.UPDATE, xml_update(Doc(), "taskList", "taskItem", "paragraph")))
        async with asyncio.timeout(30):
            # Told before it gets the node.
            assert await stock.recv() == messages.y_permission_denied_message("SCHEMA_REQUIRED")
        await next_message(stock, MessageType.SYNC, SyncStep.UPDATE)
        await stock.send(messages.sync_message(SyncStep.UPDATE, xml_update(stock_doc, "paragraph")))
        async with asyncio.timeout(30):
            assert await stock.recv() == messages.y_permission_denied_message("SCHEMA_REQUIRED")
    logged = await load_logged_document(server_database_url, document_id)
    assert str(logged.get("default", type=XmlFragment)).count("<paragraph>") == 2


async def test_who_writes_nodes_of_their_own_goes_on_writing(server: ServerProcess, ada: Client, document_id: str) -> None:
    doc: Doc[Any] = Doc()
    async with connect(collaboration_url(server, document_id, ada.token)) as socket:
        await synchronize(socket)
        for name in ("callout", "details", "paragraph"):
            update = xml_update(doc, name)
            await socket.send(messages.sync_message(SyncStep.UPDATE, update))
            assert await next_message(socket, MessageType.SYNC, SyncStep.UPDATE) == update


async def test_while_valkey_answers_nobody_a_removed_guest_gets_no_edits_after_half_a_second(
    server_database_url: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    ports = free_port(), free_port()
    settings = {"database_url": server_database_url, "redis_url": valkey_server.url, "public_url": f"http://127.0.0.1:{ports[0]}"}
    async with (
        running_server(tmp_path, port=ports[0], **settings) as one,
        running_server(tmp_path, port=ports[1], **settings) as other,
    ):
        ada = await register_user(one)
        project_id = await create_team_and_project(ada)
        id_ = await create_document_over_http(ada, project_id)
        async with (
            joined_guest(one, ada, project_id) as guest,
            connect(collaboration_url(other, id_, guest.token)) as reader,
            connect(collaboration_url(other, id_, ada.token)) as writer,
        ):
            await synchronize(reader)
            await synchronize(writer)
            with valkey_server.black_holed():
                gone = {"id": project_id, "removeUserIds": [guest.id]}  # type: ignore[attr-defined]
                assert (await ada.run(MEMBERS, input=gone))["projectSetMembers"]["errors"] == []
                await asyncio.sleep(0.5)
                await writer.send(messages.sync_message(SyncStep.UPDATE, typed_update("secret")))
                received, how = await receive_until_closed(reader)
            assert how == (4404, "NOT_FOUND")
            assert not [each for each in received if b"secret" in each]
        await ada.close()
