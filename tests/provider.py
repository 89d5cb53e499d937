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
from tests.people import uuid_of
from tests.serving import Client

CREATE = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } errors { code } } }"


async def document_at(client: Client, project_id: str) -> str:
    """A new document: its id."""
    made = (await client.run(CREATE, input={"projectId": project_id, "title": "Live"}))["documentCreate"]
    assert made["errors"] == []
    id_: str = made["document"]["id"]
    return id_


class Provider:
    """One connection to one document. Each edit sets a key of a map; `acknowledged` are those that the server promised to
    keep."""

    def __init__(self, socket: ClientConnection, document_id: str) -> None:
        self.doc: Doc[Any] = Doc()
        self.map: Map[Any] = Map()
        self.doc["kept"] = self.map
        self.acknowledged: list[str] = []
        self._socket = socket
        self._prefix = messages.with_length(document_id.encode())
        self._made: list[bytes] = []
        self._sent: list[str] = []
        self._subscription = self.doc.observe(lambda event: self._made.append(event.update))
        self.synced = asyncio.Event()
        self.heard = asyncio.Event()

    async def say(self, message: bytes) -> None:
        """Send a message about the document."""
        await self._socket.send(self._prefix + message)

    async def edit(self, key: str) -> None:
        """Set a key, and send that."""
        self._made.clear()
        self.map[key] = True
        (update,) = self._made
        self._sent.append(key)
        await self.say(messages.sync_message(SyncStep.UPDATE, update))

    async def listen(self) -> None:
        """Take in what comes until the connection ends."""
        async for data in self._socket:
            assert isinstance(data, bytes)
            reader = MessageReader(data)
            reader.read_text()
            kind = reader.read_varint()
            if kind == MessageType.SYNC:
                step, content = reader.read_varint(), reader.read_bytes()
                if step == SyncStep.STEP_1:
                    # As providers do: also when there is nothing to say.
                    await self.say(messages.sync_message(SyncStep.STEP_2, self.doc.get_update(content)))
                else:
                    self.doc.apply_update(content)
                    if step == SyncStep.STEP_2:
                        self.synced.set()
            elif kind == MessageType.SYNC_STATUS and reader.read_varint() == 1:
                # The first answers what was sent on connecting.
                if self.heard.is_set():
                    self.acknowledged.append(self._sent[len(self.acknowledged)])
                self.heard.set()


@asynccontextmanager
async def provider(url: str, document_id: str, token: str | None) -> AsyncIterator[Provider]:
    """A connection that is synchronised."""
    async with connect(f"{url.replace('http', 'ws', 1)}/collaboration", max_size=None) as socket:
        opened = Provider(socket, document_id)
        await opened.say(bytes((MessageType.AUTH, 0)) + messages.with_length((token or "").encode()))
        await opened.say(messages.sync_message(SyncStep.STEP_1, opened.doc.get_state()))
        listening = asyncio.get_running_loop().create_task(opened.listen())
        try:
            async with asyncio.timeout(10):
                await opened.synced.wait()
                await opened.heard.wait()
            yield opened
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


LOG = "SELECT data FROM document_updates WHERE document_id = $1 ORDER BY position"
GAPS = """
  SELECT position AS head, (SELECT count(*) FROM document_updates u WHERE u.document_id = h.document_id) AS held,
         (SELECT coalesce(max(position), 0) FROM document_updates u WHERE u.document_id = h.document_id) AS last
  FROM document_heads h WHERE document_id = $1
"""


async def logged(database_url: str, document_id: str) -> crdt.Doc:
    """The document as its whole log has it, which must have no gaps, and hold nothing that does not apply."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(LOG, uuid_of(document_id))
        heads = await connection.fetchrow(GAPS, uuid_of(document_id))
    finally:
        await connection.close()
    if heads is not None:
        assert heads["head"] == heads["held"] == heads["last"]
    document = crdt.load(None, [row["data"] for row in rows])
    assert not document.is_pending
    return document
