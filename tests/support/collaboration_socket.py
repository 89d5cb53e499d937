"""Sockets of live editing for tests: addresses, messages, and somebody who may only read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pycrdt import Doc, Text
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from realtime.collaboration.messages import MessageReader, MessageType, SyncStep
from tests.support.server_process import Client, ServerProcess, register_user

INVITE = "mutation ($input: TeamInviteInput!) { teamInvite(input: $input) { invitationToken errors { code } } }"
ACCEPT = "mutation ($input: TokenInput!) { invitationAccept(input: $input) { errors { code } } }"
MEMBERS = "mutation ($input: ProjectSetMembersInput!) { projectSetMembers(input: $input) { errors { code } } }"
TEAM = "query ($id: ID!) { project(id: $id) { team { id } } }"
VIEWER_QUERY = "{ viewer { id email } }"
EMPTY = b"\x00"
TIMEOUT_SECONDS = 30.0
"""For what comes at once, but on a busy machine."""


@asynccontextmanager
async def joined_guest(server: ServerProcess, owner: Client, project_id: str) -> AsyncIterator[Client]:
    """Somebody who may read the project and no more; `id` is their global id."""
    client = await register_user(server, "Guest")
    me = (await client.run(VIEWER_QUERY))["viewer"]
    team_id = (await owner.run(TEAM, id=project_id))["project"]["team"]["id"]
    invited = await owner.run(INVITE, input={"teamId": team_id, "email": me["email"], "role": "GUEST"})
    await client.run(ACCEPT, input={"token": invited["teamInvite"]["invitationToken"]})
    added = await owner.run(MEMBERS, input={"id": project_id, "addUserIds": [me["id"]]})
    assert added["projectSetMembers"]["errors"] == []
    client.id = me["id"]  # type: ignore[attr-defined]
    yield client
    await client.close()


def collaboration_url(server: ServerProcess, document_id: str, token: str | None) -> str:
    return f"{server.url.replace('http', 'ws', 1)}/collaboration/{document_id}?token={token or ''}"


async def next_message(socket: ClientConnection, kind: MessageType, step: SyncStep | None = None) -> bytes:
    """The content of the next message of a kind."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            data = await socket.recv()
            assert isinstance(data, bytes)
            reader = MessageReader(data)
            if reader.read_varint() != kind:
                continue
            if step is None or reader.read_varint() == step:
                return reader.read_bytes()


async def close_reason(socket: ClientConnection) -> tuple[int | None, str]:
    """How the server closes."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


def typed_update(text: str, doc: Doc[Any] | None = None) -> bytes:
    """An update that inserts text at the end."""
    doc = doc or Doc()
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    content = doc.get("text", type=Text)
    content += text
    doc.unobserve(subscription)
    return made[-1]
