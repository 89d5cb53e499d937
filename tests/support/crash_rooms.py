"""Crashes while people edit a document together."""

import asyncio
import random
import signal

from websockets.exceptions import ConnectionClosed

from tests.support.hocuspocus_client import HocuspocusClient, create_document_over_http, open_hocuspocus_client
from tests.support.server_process import ServerProcess, create_team_and_project, refresh_tokens, register_user


async def edit_until_server_ends(editor: HocuspocusClient, name: str) -> None:
    """Edit as fast as the server takes it, until the server is gone."""
    number = 0
    try:
        while True:
            await editor.edit(f"{name} {number}")
            number += 1
            await asyncio.sleep(0.002)
    except (ConnectionClosed, OSError):
        return


async def crash_while_editing(servers: list[ServerProcess], document_id: str, token: str | None, rng: random.Random) -> set[str]:
    """Kill the first of the servers 0 to 50 ms after an acknowledgement: what all had acknowledged by then."""
    async with (
        open_hocuspocus_client(servers[0].url, document_id, token) as one,
        open_hocuspocus_client(servers[-1].url, document_id, token) as other,
    ):
        editors = (one, other)
        async with asyncio.TaskGroup() as tasks:
            for each in editors:
                tasks.create_task(edit_until_server_ends(each, f"{rng.random()}"))
            while len(one.acknowledged) < 5:
                await asyncio.sleep(0.002)
            await asyncio.sleep(rng.uniform(0.0, 0.05))
            servers[0].send_signal(signal.SIGKILL)
            if len(servers) > 1:
                await asyncio.sleep(0.05)
                servers[-1].send_signal(signal.SIGKILL)
        # Also what was acknowledged in the last moment, and read only now.
        await asyncio.sleep(0.05)
        acknowledged = {*one.acknowledged, *other.acknowledged}
    for server in servers:
        server.kill()
    return acknowledged


async def crash_repeatedly(servers: list[ServerProcess], *, times: int, seed: int) -> int:
    """Crash and come back, over and over; how many edits were acknowledged, all of which must be there each time."""
    dice = random.Random(seed)
    for server in servers:
        server.start()
        await server.wait_until_ready()
    ada = await register_user(servers[0])
    document_id = await create_document_over_http(ada, await create_team_and_project(ada))
    promised: set[str] = set()
    for _ in range(times):
        promised |= await crash_while_editing(servers, document_id, ada.token, dice)
        for server in servers:
            server.start()
            await server.wait_until_ready()
        await refresh_tokens(ada)
        async with open_hocuspocus_client(servers[-1].url, document_id, ada.token) as reader:
            assert promised - set(reader.map.to_py() or {}) == set()
    await ada.close()
    return len(promised)
