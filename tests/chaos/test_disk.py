"""A disk that is full: what cannot be written is refused with a code, the rest goes on, and all of it once there is room again."""

import asyncio
import random
from pathlib import Path
from typing import Final

import pytest

from tests.support.chaos_clients import ChaosClients, assert_unharmed, work_during
from tests.support.machine import allowed_seconds
from tests.support.server_process import Client, register_user, running_server
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.chaos

RECOVERY_SECONDS: Final = 2.0
FULL_SECONDS: Final = 10.0
TIMES: Final = 3


async def _fill_again_and_again(disk: SmallDisk, clients: ChaosClients, *, tasks_go_on: bool) -> None:
    await clients.is_back()
    for _ in range(TIMES):
        with disk.full():
            if tasks_go_on:
                assert await clients.is_back() <= allowed_seconds(RECOVERY_SECONDS)
            await asyncio.sleep(FULL_SECONDS)
        assert await clients.is_back() <= allowed_seconds(RECOVERY_SECONDS)


async def _endure(ada: Client, disk: SmallDisk, *, tasks_go_on: bool) -> ChaosClients:
    clients = ChaosClients([ada], random.Random(1))
    await work_during(clients, ada, _fill_again_and_again(disk, clients, tasks_go_on=tasks_go_on))
    assert_unharmed(clients, least=50)
    return clients


async def test_a_full_disk_of_files_refuses_files_and_nothing_else(server_database_url: str, tmp_path: Path) -> None:
    with small_disk(16) as disk:
        settings = {"database_url": server_database_url, "data_dir": disk.folder, "cost_limits": "off"}
        async with running_server(tmp_path, **settings) as server:
            clients = await _endure(await register_user(server), disk, tasks_go_on=True)
    codes = {code for _, code in clients.refusals}
    assert "STORAGE_FULL" in codes
    assert codes <= {"STORAGE_FULL", "STORAGE_UNAVAILABLE"}
    assert {name for name, _ in clients.refusals} <= {"documentCreate", "document"}


async def test_a_full_disk_of_everything_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with small_disk(400) as disk:
        async with running_server(tmp_path, data_dir=disk.folder, cost_limits="off") as server:
            clients = await _endure(await register_user(server), disk, tasks_go_on=False)
    assert {code for _, code in clients.refusals} & {"STORAGE_FULL", "SERVICE_UNAVAILABLE"}
