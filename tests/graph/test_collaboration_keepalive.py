"""Live editing: a client that answers stays connected, whatever the times; one that does not is found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import Message

from realtime.collaboration import messages
from realtime.collaboration.endpoint import CollaborationEndpoint
from realtime.collaboration.timings import KeepaliveTimings
from tests.graph.test_collaboration_asgi import OnePersonAuth
from tests.support.app import App
from tests.support.graph_collaboration import document_uuid, new_document_id
from tests.support.teams import SampleTeam

OWN_STATE = b"\x01\x06\x01\x05\x01\x02{}"
QUERY = messages.QUERY_AWARENESS
FAST = KeepaliveTimings(ping_after_seconds=0.2, pong_timeout_seconds=0.15, check_interval_seconds=0.04)
SOAK_SECONDS = 3.0


@asynccontextmanager
async def connect(app: App, team: SampleTeam) -> AsyncIterator[tuple[asyncio.Queue[Message], asyncio.Queue[Message]]]:
    """What a client sends to an open document, and what it receives."""
    endpoint = CollaborationEndpoint(
        app.resources.services.rooms,
        authenticator=OnePersonAuth(team.member),
        parse_id=document_uuid,
        may_connect=lambda headers, scheme: True,
        timings=FAST,
    )
    sent: asyncio.Queue[Message] = asyncio.Queue()
    received: asyncio.Queue[Message] = asyncio.Queue()
    scope: Any = {
        "type": "websocket",
        "headers": [],
        "path_params": {"document_id": await new_document_id(app, team)},
        "query_string": b"token=t",
    }
    sent.put_nowait({"type": "websocket.connect"})
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(endpoint(scope, sent.get, received.put))
        yield sent, received
        sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(30):
            await task


def test_the_deadline_of_an_answer_is_shorter_than_the_silence_before_a_ping() -> None:
    assert KeepaliveTimings().pong_timeout_seconds < KeepaliveTimings().ping_after_seconds


async def test_a_silent_client_that_answers_stays_and_one_that_does_not_is_closed(app: App, team: SampleTeam) -> None:
    async with connect(app, team) as (sent, received), asyncio.timeout(20):
        sent.put_nowait({"type": "websocket.receive", "bytes": OWN_STATE})
        loop = asyncio.get_running_loop()
        until, queries = loop.time() + SOAK_SECONDS, 0
        while loop.time() < until or queries < 5:
            message = await received.get()
            assert message["type"] != "websocket.close", message
            if message.get("bytes") == QUERY:
                queries += 1
                clock = bytes((queries + 1,))
                sent.put_nowait({"type": "websocket.receive", "bytes": OWN_STATE[:4] + clock + OWN_STATE[5:]})
        while (message := await received.get())["type"] != "websocket.close":
            pass
        assert (message["code"], message["reason"]) == (4508, "NO_ANSWER")


async def test_a_client_without_awareness_is_asked_again_and_not_closed(app: App, team: SampleTeam) -> None:
    async with connect(app, team) as (sent, received), asyncio.timeout(20):
        sent.put_nowait({"type": "websocket.receive", "bytes": messages.QUERY_AWARENESS})
        queries = 0
        while queries < 4:
            message = await received.get()
            assert message["type"] != "websocket.close", message
            queries += message.get("bytes") == QUERY
