"""Webhooks for tests: making them, receiving what they send, and verifying it as Standard Webhooks say."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from domain.events import team_stream
from tests.support.app import App, Person
from tests.support.graph_actions import mutate
from tests.support.teams import uuid_of

WEBHOOK_FIELDS = "webhook { id version url state stateReason events scope query bot { id isBot } } secret"
DELIVERIES = """query ($id: ID!) { webhook(id: $id) { state stateReason deliveries(first: 100) { nodes {
  id webhookId event state attempt statusCode error body responseBody nextAttemptAt change { id kind entityId }
} } } }"""


async def create_webhook(app: App, person: Person, team_id: str, **fields: Any) -> dict[str, str]:
    """A webhook with a message that waits, as ids of a tenant."""
    given = {"teamId": team_id, "url": "https://hooks.example.com/", "events": ["*"]} | fields
    payload = await mutate(app, person, "webhookCreate", WEBHOOK_FIELDS, **given)
    assert payload["errors"] == [], payload["errors"]
    webhook_id = payload["webhook"]["id"]
    pinged = await mutate(app, person, "webhookPing", "errors { code }", id=webhook_id)
    assert pinged["errors"] == []
    (delivery,) = (await app.run(person, DELIVERIES, id=webhook_id))["webhook"]["deliveries"]["nodes"]
    return {"Webhook": webhook_id, "WebhookDelivery": delivery["id"]}


async def create_webhook_about_project(app: App, person: Person, team_id: str) -> dict[str, str]:
    """The same, whose message is about a change of a project of the team."""
    made = await create_webhook(app, person, team_id)
    await app.sql.execute(
        "UPDATE webhook_deliveries SET event_id = (SELECT id FROM events WHERE stream = $1 AND entity_type = 'Project' LIMIT 1) "
        "WHERE id = $2",
        team_stream(uuid_of(team_id)),
        uuid_of(made["WebhookDelivery"]),
    )
    return made


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_by(self, secret: str) -> bool:
        """Whether one of the signatures is that of a secret (Standard Webhooks, v1)."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """A server on loopback. `status` and `pause_seconds` are those of a path; `connections` counts every connection."""

    port: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    pauses: dict[str, float] = field(default_factory=dict)
    extra_headers: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    under_way: Counter[str] = field(default_factory=Counter)
    most_under_way: Counter[str] = field(default_factory=Counter)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path = first.split(" ")[1]
                self.received.append(Received(path, headers, body))
                self.under_way[path] += 1
                self.most_under_way[path] = max(self.most_under_way[path], self.under_way[path])
                await asyncio.sleep(self.pauses.get(path, 0.0))
                self.under_way[path] -= 1
                status = self.statuses.get(path, 200)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n{self.extra_headers}\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def open_receiver(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A receiver that takes everything, unless it is told otherwise."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, host, 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
