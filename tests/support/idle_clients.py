"""Idle clients of every live transport, which do nothing but what their libraries do to stay connected."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


@dataclass
class IdleClient:
    """What happened to one client."""

    name: str
    heartbeats: int = 0
    """Pings, keep-alives or heartbeats that it received."""
    ended: list[str] = field(default_factory=list)
    """How it was disconnected, if it was."""


async def idle_graphql_socket(client: IdleClient, url: str, subprotocol: str, token: str | None, query: str) -> None:
    """Subscribe, and answer pings as graphql-ws does; the library answers ping frames by itself."""
    legacy = subprotocol == "graphql-ws"
    try:
        async with connect(url, subprotocols=[subprotocol], ping_interval=None) as socket:  # type: ignore[list-item]
            await _send(socket, type="connection_init", payload={"authorization": f"Bearer {token}"} if token else {})
            await _send(socket, id="1", type="start", payload={"query": query}) if legacy else None
            async for text in socket:
                match orjson.loads(text):
                    case {"type": "connection_ack"} if not legacy:
                        await _send(socket, id="1", type="subscribe", payload={"query": query})
                    case {"type": "ping"}:
                        client.heartbeats += 1
                        await _send(socket, type="pong")
                    case {"type": "ka"}:
                        client.heartbeats += 1
                    case {"type": "error" | "complete"} as message:
                        client.ended.append(str(message))
    except ConnectionClosed as closed:
        client.ended.append(str(closed))
    client.ended.append("closed")


async def idle_stream(client: IdleClient, url: str, accept: str, token: str | None, query: str) -> None:
    """Read a stream over HTTP."""
    headers = {"accept": accept} | ({"authorization": f"Bearer {token}"} if token else {})
    try:
        async with (
            httpx.AsyncClient(timeout=None) as http,  # noqa: S113 (an idle stream is what is tested)
            http.stream("POST", url, json={"query": query}, headers=headers) as response,
        ):
            async for _ in response.aiter_raw():
                client.heartbeats += 1
            client.ended.append(f"ended with {response.status_code}")
    except httpx.HTTPError as error:
        client.ended.append(repr(error))


async def idle_editor(client: IdleClient, url: str) -> None:
    """Open a document as y-websocket does, and answer queries for awareness."""
    step_1, own_state = b"\x00\x00\x01\x00", b"\x01\x06\x01\x05\x01\x02{}"
    try:
        async with connect(url, ping_interval=None) as socket:
            await socket.send(step_1)
            await socket.send(own_state)
            async for data in socket:
                if data == b"\x03":
                    client.heartbeats += 1
                    await socket.send(own_state[:-4] + bytes((client.heartbeats + 1,)) + own_state[-3:])
    except ConnectionClosed as closed:
        client.ended.append(str(closed))
    client.ended.append("closed")


@asynccontextmanager
async def idle_clients(*runs: tuple[str, Callable[[IdleClient], Coroutine[Any, Any, None]]]) -> AsyncIterator[list[IdleClient]]:
    """Run clients until the block ends."""
    clients = [IdleClient(name) for name, _ in runs]
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(run(client)) for client, (_, run) in zip(clients, runs, strict=True)]
    try:
        yield clients
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(orjson.dumps(message).decode())
