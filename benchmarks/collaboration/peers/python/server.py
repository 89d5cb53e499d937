"""pycrdt-websocket under uvicorn, as its documentation serves it: no tokens, documents in memory only. Argument: the port."""

import asyncio
import sys

import uvicorn
from pycrdt.websocket import ASGIServer, WebsocketServer, YRoom  # type: ignore[import-not-found]


class Documents(WebsocketServer):  # type: ignore[misc]
    """Starts one room after the other: the package lets those wait for ever who come while their room is being started."""

    def __init__(self) -> None:
        super().__init__()
        self._starting = asyncio.Lock()

    async def start_room(self, room: YRoom) -> None:
        async with self._starting:
            await super().start_room(room)


async def main(port: int) -> None:
    async with Documents() as documents:
        config = uvicorn.Config(ASGIServer(documents), port=port, log_level="warning", ws_per_message_deflate=False)
        await uvicorn.Server(config).serve()


asyncio.run(main(int(sys.argv[1])))
