"""A Hocuspocus client in a few lines, which knows of each of its edits whether it was acknowledged; and documents on real
servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from pycrdt import Doc, Map
from websockets.asyncio.client import ClientConnection, connect

from content import crdt
from realtime.collaboration import messages
from realtime.collaboration.messages import MessageReader, MessageType, SyncStep
from tests.support.server_process import Client
from tests.support.teams import uuid_of

DOCUMENT_CREATE = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } errors { code } } }"


async def create_document_over_http(client: Client, project_id: str) -> str:
    """A new document: its id."""
    made = (await client.run(DOCUMENT_CREATE, input={"projectId": project_id, "title": "Live"}))["documentCreate"]
    assert made["errors"] == []
    id_: str = made["document"]["id"]
    return id_


class HocuspocusClient:
    """One connection to one document. Each edit sets a key of a map; `acknowledged` are those that the server promised to
    keep."""

    def __init__(self, socket: ClientConnection, document_id: str) -> None:
        self.doc: Doc[Any] = Doc()
        self.map: Map[Any] = Map()
        self.doc["kept"] = self.map
        self.acknowledged: list[str] = []
        self._socket = socket
        self._prefix = messages.with_length(document_id.encode())
        self._updates: list[bytes] = []
        self._sent_keys: list[str] = []
        self._subscription = self.doc.observe(lambda event: self._updates.append(event.update))
        self.synced = asyncio.Event()
        self.first_status_received = asyncio.Event()
        self._is_over = False
        self._news = asyncio.Event()

    async def send(self, message: bytes) -> None:
        """Send a message about the document."""
        await self._socket.send(self._prefix + message)

    async def edit(self, key: str) -> None:
        """Set a key, and send that."""
        self._updates.clear()
        self.map[key] = True
        (update,) = self._updates
        self._sent_keys.append(key)
        await self.send(messages.sync_message(SyncStep.UPDATE, update))

    async def wait_until_acknowledged(self, count: int) -> None:
        """Wait until so many edits are acknowledged. Raises ConnectionError where the connection ends before."""
        while len(self.acknowledged) < count:
            if self._is_over:
                raise ConnectionError("the connection has ended")
            self._news.clear()
            await self._news.wait()

    async def receive(self) -> None:
        """Take in what comes until the connection ends."""
        try:
            await self._receive()
        finally:
            self._is_over = True
            self._news.set()

    async def _receive(self) -> None:
        async for data in self._socket:
            assert isinstance(data, bytes)
            reader = MessageReader(data)
            reader.read_text()
            kind = reader.read_varint()
            if kind == MessageType.SYNC:
                step, content = reader.read_varint(), reader.read_bytes()
                if step == SyncStep.STEP_1:
                    # As providers do: also when there is nothing to say.
                    await self.send(messages.sync_message(SyncStep.STEP_2, self.doc.get_update(content)))
                else:
                    self.doc.apply_update(content)
                    if step == SyncStep.STEP_2:
                        self.synced.set()
            elif kind == MessageType.SYNC_STATUS and reader.read_varint() == 1:
                # The first answers what was sent on connecting.
                if self.first_status_received.is_set():
                    self.acknowledged.append(self._sent_keys[len(self.acknowledged)])
                    self._news.set()
                self.first_status_received.set()


@asynccontextmanager
async def open_hocuspocus_client(url: str, document_id: str, token: str | None) -> AsyncIterator[HocuspocusClient]:
    """A connection that is synchronised."""
    async with connect(f"{url.replace('http', 'ws', 1)}/collaboration", max_size=None) as socket:
        opened = HocuspocusClient(socket, document_id)
        await opened.send(bytes((MessageType.AUTH, 0)) + messages.with_length((token or "").encode()))
        await opened.send(messages.sync_message(SyncStep.STEP_1, opened.doc.get_state()))
        listening = asyncio.get_running_loop().create_task(opened.receive())
        try:
            async with asyncio.timeout(10):
                await opened.synced.wait()
                await opened.first_status_received.wait()
            yield opened
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


UPDATES_QUERY = "SELECT data FROM document_updates WHERE document_id = $1 ORDER BY position"
POSITION_GAPS_QUERY = """
  SELECT position AS head, (SELECT count(*) FROM document_updates u WHERE u.document_id = h.document_id) AS held,
         (SELECT coalesce(max(position), 0) FROM document_updates u WHERE u.document_id = h.document_id) AS last
  FROM document_heads h WHERE document_id = $1
"""


async def load_logged_document(database_url: str, document_id: str) -> crdt.Doc:
    """The document as its whole log has it, which must have no gaps, and hold nothing that does not apply."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(UPDATES_QUERY, uuid_of(document_id))
        heads = await connection.fetchrow(POSITION_GAPS_QUERY, uuid_of(document_id))
    finally:
        await connection.close()
    if heads is not None:
        assert heads["head"] == heads["held"] == heads["last"]
    document = crdt.load(None, [row["data"] for row in rows])
    assert not document.is_pending
    return document
