"""The longer game: servers and Valkey killed again and again while people write and listen. `make chaos` plays it."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.support.backing_services import Valkey, free_port
from tests.support.crash import (
    TwoServerWorkload,
    changed_task_ids,
    crash_while_writing,
    kill_valkey_at_random,
    require_all_reported,
    require_contiguous_streams,
)
from tests.support.crash_rooms import crash_repeatedly
from tests.support.server_process import (
    TASK_CREATE,
    Client,
    ServerProcess,
    create_team_and_project,
    register_user,
    running_server,
)

ROUNDS = 12
CRASHES = 100
pytestmark = pytest.mark.chaos


async def test_a_server_killed_again_and_again_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    dice = random.Random(1)
    server = ServerProcess(folder=tmp_path, data_dir=tmp_path, seed_size="none", log_level="warning")
    acknowledged = []
    try:
        server.start()
        await server.wait_until_ready()
        ada = await register_user(server)
        project_id = await create_team_and_project(ada)
        start = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]["cursor"]
        for _ in range(ROUNDS):
            acknowledged += await crash_while_writing(ada, project_id, after_seconds=dice.uniform(0.05, 2.0), writers=8)
            server.start()
            await server.wait_until_ready()
            require_all_reported(await changed_task_ids(ada, start), acknowledged)
        await ada.close()
    finally:
        server.kill()
    await require_contiguous_streams(tmp_path)


async def test_valkey_killed_again_and_again_costs_delays_and_nothing_else(
    database_url: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    ports = free_port(), free_port()
    settings = {"database_url": database_url, "redis_url": valkey_server.url, "public_url": f"http://127.0.0.1:{ports[0]}"}
    async with (
        running_server(tmp_path, port=ports[0], **settings) as one,
        running_server(tmp_path, port=ports[1], **settings) as other,
    ):
        ada = await register_user(one)
        again = Client(other, ada.token)
        project_id = await create_team_and_project(ada)
        start = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]["cursor"]
        relay = TwoServerWorkload((ada, again), project_id)
        listening = asyncio.get_running_loop().create_task(relay.receive_changes(again, start))
        try:
            async with asyncio.TaskGroup() as tasks:
                killing = tasks.create_task(kill_valkey_at_random(valkey_server, random.Random(2), times=ROUNDS))
                while not killing.done():
                    await relay.write(20, pause_seconds=0.005)
            await relay.wait_until_all_received(timeout_seconds=10)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await ada.close()
            await again.close()
        assert max(relay.delays) < 5.0


async def test_no_acknowledged_edit_is_lost_in_100_crashes_of_a_server_and_its_database(tmp_path: Path) -> None:
    server = ServerProcess(folder=tmp_path, data_dir=tmp_path, seed_size="none", log_level="warning")
    try:
        assert await crash_repeatedly([server], times=CRASHES, seed=3) > 5 * CRASHES
    finally:
        server.kill()


async def test_no_acknowledged_edit_is_lost_in_100_crashes_of_two_servers(
    database_url: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    ports = free_port(), free_port()
    settings: dict[str, Any] = {
        "database_url": database_url,
        "data_dir": tmp_path,
        "redis_url": valkey_server.url,
        "public_url": f"http://127.0.0.1:{ports[0]}",
        "seed_size": "none",
        "log_level": "warning",
    }
    servers = [ServerProcess(folder=tmp_path, port=port, **settings) for port in ports]
    try:
        assert await crash_repeatedly(servers, times=CRASHES, seed=4) > 5 * CRASHES
    finally:
        for server in servers:
            server.kill()
