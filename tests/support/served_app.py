"""The application of the tests behind a real uvicorn in this process, and its graph by each of the transports."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import httpx
import uvicorn
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.application import create_app
from app.settings import Settings
from tests.support.app import App
from tests.support.principals import Principal
from tests.support.secret_key import SECRET_KEY
from transport.uvicorn_http import http_protocol
from transport.uvicorn_websocket import WebSocketProtocol

ANSWER_SECONDS: Final = 30.0
_START: Final = {"graphql-transport-ws": "subscribe", "graphql-ws": "start"}
_STREAMS: Final = {"SSE": "text/event-stream", "multipart": 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'}


@dataclass
class GraphSocket:
    """One websocket of a client. Whatever comes is collected, by the id of its operation, until the connection has closed."""

    connection: ClientConnection
    protocol: str
    received: dict[str, list[Any]] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    close_reason: str | None = None
    """Of a connection that the server closed: what it said."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, id_: str, text: str, /, **variables: Any) -> None:
        """Begin an operation."""
        self.received[id_] = []
        payload = {"query": text, "variables": variables}
        await self.connection.send(json.dumps({"id": id_, "type": _START[self.protocol], "payload": payload}))

    async def first(self, id_: str) -> Any:
        """The first answer of an operation, or what the connection was closed with."""
        await self.wait_for(lambda: self.received[id_] or self.close_reason is not None)
        return self.received[id_][0] if self.received[id_] else {"errors": [{"extensions": {"code": self.close_reason}}]}

    async def wait_for(self, condition: Any) -> None:
        """Wait until something is so, of what was received."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def collect(self) -> None:
        """Take in what comes until the connection closes."""
        try:
            async for raw in self.connection:
                message = json.loads(raw)
                match message["type"]:
                    case "next" | "data":
                        self.received[message["id"]].append(message["payload"])
                    case "error":
                        errors = message["payload"]
                        self.received[message["id"]].append({"errors": errors if isinstance(errors, list) else errors["errors"]})
                        self.completed.add(message["id"])
                    case "complete":
                        self.completed.add(message["id"])
                    case "ping":
                        await self.connection.send('{"type":"pong"}')
                self.changed.set()
        except ConnectionClosed:
            pass
        finally:
            self.close_reason = self.connection.close_reason or str(self.connection.close_code)
            self.changed.set()


@dataclass(frozen=True)
class ServedApp:
    """The application on a port of 127.0.0.1. Its credentials are checked every `CHECK_SECONDS`."""

    app: App
    port: int
    http: httpx.AsyncClient

    @asynccontextmanager
    async def open_socket(self, authorization: str | None, protocol: str = "graphql-transport-ws") -> AsyncIterator[GraphSocket]:
        """A websocket whose client has said who they are."""
        async with connect(f"ws://127.0.0.1:{self.port}/graphql", subprotocols=[Subprotocol(protocol)]) as connection:
            opened = GraphSocket(connection, protocol)
            payload = {} if authorization is None else {"authorization": authorization}
            await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
            # A client that is refused is closed at once.
            with suppress(ConnectionClosed):
                assert json.loads(await connection.recv())["type"] in ("connection_ack", "connection_error")
            reader = asyncio.get_running_loop().create_task(opened.collect())
            try:
                yield opened
            finally:
                reader.cancel()
                with suppress(asyncio.CancelledError):
                    await reader


class Transport:
    """One way of one client to ask the graph; opened once for many questions."""

    def __init__(self, served: ServedApp, principal: Principal, name: str) -> None:
        self.name = name
        self._served = served
        self._headers = {} if principal.authorization is None else {"authorization": principal.authorization}
        self._socket: GraphSocket | None = None
        self._asked = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, served: ServedApp, principal: Principal, name: str) -> AsyncIterator["Transport"]:
        """A way by its name: one of `QUERY_TRANSPORTS` or `SUBSCRIPTION_TRANSPORTS`."""
        opened = cls(served, principal, name)
        if name not in _START:
            yield opened
            return
        async with served.open_socket(principal.authorization, name) as socket_:
            opened._socket = socket_
            yield opened

    async def ask(self, text: str, /, **variables: Any) -> Any:
        """The first answer to an operation, as JSON; to refused credentials, an error of their code."""
        if self._socket is not None:
            self._asked += 1
            id_ = str(self._asked)
            with suppress(ConnectionClosed):
                await self._socket.start(id_, text, **variables)
            return await self._socket.first(id_)
        request = {"query": text, "variables": variables}
        match self.name:
            case "POST":
                return (await self._post(request, "application/json")).json()
            case "GET":
                given = {"query": text, "variables": json.dumps(variables)}
                return (await self._served.http.get("/graphql", params=given, headers=self._headers)).json()
            case "persisted":
                return await self._ask_persisted(text, variables)
        return await self._first_of_stream(request, _STREAMS[self.name])

    async def _post(self, request: Any, accept: str) -> httpx.Response:
        return await self._served.http.post("/graphql", json=request, headers=self._headers | {"accept": accept})

    async def _ask_persisted(self, text: str, variables: Any) -> Any:
        """By the hash of the document, which is sent once when the server does not know it."""
        named = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}
        asked = {"variables": variables, "extensions": named}
        answer = (await self._post(asked, "application/json")).json()
        if any(each["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND" for each in answer.get("errors", ())):
            answer = (await self._post(asked | {"query": text}, "application/json")).json()
        return answer

    async def _first_of_stream(self, request: Any, accept: str) -> Any:
        """The first answer of a stream over HTTP, which is hung up then."""
        headers = self._headers | {"accept": accept}
        async with self._served.http.stream("POST", "/graphql", json=request, headers=headers) as response:
            if "json" in response.headers["content-type"]:
                return json.loads(await response.aread())
            async for line in response.aiter_lines():
                found = line.removeprefix("data: ")
                if found.startswith("{") and found != "{}":
                    answer = json.loads(found)
                    return answer.get("payload") or answer
        raise AssertionError("the stream ended without an answer")


QUERY_TRANSPORTS: Final = ("POST", "GET", "persisted", "SSE", "graphql-transport-ws", "graphql-ws")
SUBSCRIPTION_TRANSPORTS: Final = ("SSE", "multipart", "graphql-transport-ws", "graphql-ws")


@asynccontextmanager
async def serve_app(app: App, *, check_seconds: float = 0.2, **settings: Any) -> AsyncIterator[ServedApp]:
    """The application on a free port; `check_seconds`: how often credentials of open connections are checked."""
    options: dict[str, Any] = {"secret_key": SecretStr(SECRET_KEY), "cost_limits": "off"} | settings
    application = create_app(app.resources, Settings(**options))
    watch = application.connections.graph.websockets.registry._watch
    watch._interval_seconds = check_seconds
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application.asgi,
        log_level="warning",
        lifespan="off",
        http=http_protocol(application.request_handlers, None),
        ws=WebSocketProtocol,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    port = listener.getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS, trust_env=False) as http:
            yield ServedApp(app, port, http)
    finally:
        await application.connections.drain()
        await server.shutdown([listener])
