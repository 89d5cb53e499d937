"""Two server processes over one database and one Valkey, which is killed and comes back while people work."""

import asyncio
import logging
from collections.abc import AsyncIterator
from statistics import median

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.crashing import Relay
from tests.services import Valkey, free_port
from tests.serving import TASK, Client, ServerProcess, founded, hear, registered, serving, subscribe

pytestmark = pytest.mark.slow

logger = logging.getLogger(__name__)
Pair = tuple[ServerProcess, ServerProcess]


@pytest.fixture(scope="module")
async def pair(database_url: str, valkey_server: Valkey, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Two servers that people reach under one address."""
    folder = tmp_path_factory.mktemp("pair")
    ports = free_port(), free_port()
    settings = {"database_url": database_url, "redis_url": valkey_server.url, "public_url": f"http://127.0.0.1:{ports[0]}"}
    async with serving(folder, port=ports[0], **settings) as one, serving(folder, port=ports[1], **settings) as other:
        yield one, other


@pytest.mark.slow
async def test_a_killed_valkey_costs_a_delay_and_nothing_else(pair: Pair, valkey_server: Valkey) -> None:
    ada = await registered(pair[0])
    again = Client(pair[1], ada.token)
    project_id = await founded(ada)
    start = (await ada.run(TASK, input={"projectId": project_id, "title": "First"}))["taskCreate"]["cursor"]
    relays = Relay((ada, again), project_id), Relay((ada, again), project_id)
    written, relays[1].acknowledged = relays[0], relays[0].acknowledged
    listening = [
        asyncio.get_running_loop().create_task(relay.listen(client, start))
        for relay, client in zip(relays, (ada, again), strict=True)
    ]
    try:
        calm = await written.write(60, pause=0.005)
        for relay in relays:
            await relay.everything_heard(within=5)
        at_ease = max(max(relay.delays) for relay in relays)

        valkey_server.kill()
        deaf = await written.write(60, pause=0.03)
        await asyncio.to_thread(valkey_server.start)
        await written.write(30, pause=0.02)
        for relay in relays:
            await relay.everything_heard(within=10)
        worst = max(max(relay.delays) for relay in relays)

        quick = await written.write(40, pause=0.01)
        for relay in relays:
            await relay.everything_heard(within=5)
    finally:
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await ada.close()
        await again.close()

    logger.info("Longest delay: %.3f s at ease, %.3f s with Valkey killed.", at_ease, worst)
    logger.info("Writes: median %.4f s at ease; deaf %.4f s, at most %.4f s.", median(calm), median(deaf), max(deaf))
    assert worst < 4.0
    assert max(deaf) < 1.0
    assert max(relays[0].delays[-40:] + relays[1].delays[-40:]) < 1.0, "heard at once again"
    assert len(quick) == 40


async def exhaust(socket: ClientConnection, told: list[str]) -> None:
    """Note the types of what is told until the connection closes, which raises."""
    while True:
        told.append((await hear(socket))["changes"]["type"])


REVOKE = "mutation ($input: SessionRevokeInput!) { sessionRevoke(input: $input) { errors { code } } }"


@pytest.mark.parametrize(
    "query",
    ["subscription ($after: SyncCursor) { changes(after: $after) { kind type } }", None],
    ids=["with a subscription", "idle"],
)
async def test_a_session_that_is_ended_closes_its_sockets_on_every_process_within_a_second(
    pair: Pair, valkey_server: Valkey, query: str | None
) -> None:
    ada = await registered(pair[0])
    elsewhere = Client(pair[1], ada.token)
    project_id = await founded(ada)
    before = (await ada.run(TASK, input={"projectId": project_id, "title": "Before"}))["taskCreate"]["cursor"]
    async with elsewhere.websocket() as socket:
        if query is not None:
            await subscribe(socket, query, after=before)
            await ada.run(TASK, input={"projectId": project_id, "title": "Heard"})
            assert await hear(socket) == {"changes": {"kind": "CREATED", "type": "Task"}}
        else:
            await asyncio.sleep(0.2)  # its stream is being subscribed to
        began = asyncio.get_running_loop().time()
        assert (await ada.run(REVOKE, input={}))["sessionRevoke"]["errors"] == []
        told: list[str] = []
        with pytest.raises(ConnectionClosed) as closed:
            await exhaust(socket, told)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "UNAUTHENTICATED")
        assert asyncio.get_running_loop().time() - began < 1
        assert set(told) <= {"Session"}
    await ada.close()
    await elsewhere.close()
