"""Crashes while people edit a document together."""

import asyncio
import random
import signal

from websockets.exceptions import ConnectionClosed

from tests.provider import Provider, document_at, provider
from tests.serving import ServerProcess, founded, registered, stay


async def write_until_it_ends(editor: Provider, name: str) -> None:
    """Edit as fast as the server takes it, until the server is gone."""
    number = 0
    try:
        while True:
            await editor.edit(f"{name} {number}")
            number += 1
            await asyncio.sleep(0.002)
    except (ConnectionClosed, OSError):
        return


async def crash_while_editing(servers: list[ServerProcess], document_id: str, token: str | None, dice: random.Random) -> set[str]:
    """Kill the first of the servers 0 to 50 ms after an acknowledgement: what all had acknowledged by then."""
    async with provider(servers[0].url, document_id, token) as one, provider(servers[-1].url, document_id, token) as other:
        editors = (one, other)
        async with asyncio.TaskGroup() as tasks:
            for each in editors:
                tasks.create_task(write_until_it_ends(each, f"{dice.random()}"))
            while len(one.acknowledged) < 5:
                await asyncio.sleep(0.002)
            await asyncio.sleep(dice.uniform(0.0, 0.05))
            servers[0].tell(signal.SIGKILL)
            if len(servers) > 1:
                await asyncio.sleep(0.05)
                servers[-1].tell(signal.SIGKILL)
        # Also what was acknowledged in the last moment, and read only now.
        await asyncio.sleep(0.05)
        acknowledged = {*one.acknowledged, *other.acknowledged}
    for server in servers:
        server.kill()
    return acknowledged


async def crash_again_and_again(servers: list[ServerProcess], *, times: int, seed: int) -> int:
    """Crash and come back, over and over; how many edits were acknowledged, all of which must be there each time."""
    dice = random.Random(seed)
    for server in servers:
        server.start()
        await server.ready()
    ada = await registered(servers[0])
    document_id = await document_at(ada, await founded(ada))
    promised: set[str] = set()
    for _ in range(times):
        promised |= await crash_while_editing(servers, document_id, ada.token, dice)
        for server in servers:
            server.start()
            await server.ready()
        await stay(ada)
        async with provider(servers[-1].url, document_id, ada.token) as reader:
            assert promised - set(reader.map.to_py() or {}) == set()
    await ada.close()
    return len(promised)
