"""Servers whose clocks are wrong by five minutes, and clocks that jump while people work: nothing is lost, refused or held up."""

import asyncio
import random
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.backing_services import Valkey
from tests.support.chaos_clients import CHANGES, ChaosClients, assert_unharmed, work_during
from tests.support.server_process import (
    TASK_CREATE,
    Client,
    create_team_and_project,
    refresh_tokens,
    register_user,
    running_server,
)
from tests.support.skewed_clock import SkewedClock

pytestmark = pytest.mark.chaos

SKEW_SECONDS: Final = 300
WORK_SECONDS: Final = 10.0
JUMPS_SECONDS: Final = (300, 0, -300, 0, 299, -299, -3600, 0)


def _settings(database_url: str, valkey: Valkey) -> dict[str, Any]:
    return {"database_url": database_url, "redis_url": valkey.url, "public_url": "http://127.0.0.1", "cost_limits": "off"}


@pytest.mark.parametrize("skew_seconds", [SKEW_SECONDS, -SKEW_SECONDS])
async def test_a_server_whose_clock_is_wrong_works_beside_one_whose_clock_is_right(
    server_database_url: str, valkey_server: Valkey, tmp_path: Path, skew_seconds: int
) -> None:
    clock = SkewedClock(tmp_path, skew_seconds=skew_seconds)
    settings = _settings(server_database_url, valkey_server) | {"data_dir": tmp_path / "data"}
    async with (
        running_server(tmp_path, **settings) as right,
        running_server(tmp_path, new_interpreter=True, environment=clock.environment, **settings) as wrong,
    ):
        for issuer, other in ((wrong, right), (right, wrong)):
            ada = await register_user(issuer)
            clients = ChaosClients([ada, Client(other, ada.token)], random.Random(skew_seconds))
            await work_during(clients, ada, asyncio.sleep(WORK_SECONDS))
            assert_unharmed(clients, least=50)
            assert clients.refusals == {}


async def test_a_clock_that_jumps_loses_nothing_and_holds_up_nobody(
    server_database_url: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    clock = SkewedClock(tmp_path)
    settings = _settings(server_database_url, valkey_server)
    async with running_server(tmp_path, new_interpreter=True, environment=clock.environment, **settings) as server:
        ada = await register_user(server)

        async def jump() -> None:
            for seconds in JUMPS_SECONDS:
                await asyncio.sleep(WORK_SECONDS / len(JUMPS_SECONDS))
                clock.set(seconds)

        clients = ChaosClients([ada], random.Random(1))
        await work_during(clients, ada, jump())
        assert_unharmed(clients, least=50)
        assert clients.refusals == {}


async def test_after_a_jump_past_the_end_of_all_tokens_people_refresh_and_miss_nothing(
    server_database_url: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    clock = SkewedClock(tmp_path)
    settings = _settings(server_database_url, valkey_server)
    async with running_server(tmp_path, new_interpreter=True, environment=clock.environment, **settings) as jumping:
        ada = await register_user(jumping)
        project_id = await create_team_and_project(ada)
        first = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]
        second = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "Second"}))["taskCreate"]
        clock.set(3600)
        refused = (await ada.post("{ viewer { id } }")).json()
        assert [each["extensions"]["code"] for each in refused["errors"]] == ["TOKEN_EXPIRED"]
        ada.token = None
        await refresh_tokens(ada)
        found = (await ada.run(CHANGES, after=first["cursor"]))["changes"]["nodes"]
        assert [each["entityId"] for each in found] == [second["task"]["id"]]
        clock.set(0)
        assert (await ada.run(CHANGES, after=first["cursor"]))["changes"]["nodes"] == found
