"""pycrdt-websocket under uvicorn, as its documentation serves it: no tokens, documents in memory only. Argument: the port."""

import asyncio
import sys

import uvicorn
from pycrdt.websocket import ASGIServer, WebsocketServer  # type: ignore[import-not-found]


async def main(port: int) -> None:
    async with WebsocketServer() as documents:
        config = uvicorn.Config(ASGIServer(documents), port=port, log_level="warning", ws_per_message_deflate=False)
        await uvicorn.Server(config).serve()


asyncio.run(main(int(sys.argv[1])))
