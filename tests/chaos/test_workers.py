"""Workers killed and frozen again and again while events are written: nothing is lost, and nothing is recorded twice."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.conftest import migrate_template
from tests.support.graph_actions import create_task
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.worker_process import WorkerProcess, require_each_effect_once, wait_until_all_is_done
from tests.support.workers import WorkerDatabase, open_worker_database

KILLS = 40
FROZEN_SHARE = 0.3
pytestmark = pytest.mark.chaos


async def _write(database: WorkerDatabase, teams: list[SampleTeam], dice: random.Random) -> None:
    number = 0
    while True:
        await create_task(database.app, dice.choice(teams), f"Task {number}")
        number += 1
        await asyncio.sleep(dice.uniform(0.0, 0.1))


async def test_workers_killed_and_frozen_again_and_again_leave_each_effect_recorded_once(
    postgres_server: str, tmp_path: Path
) -> None:
    from tests.support.backing_services import database_from_template

    dice = random.Random(14)
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_worker_database(url, tmp_path) as database,
    ):
        teams = [await create_sample_team(database.app) for _ in range(4)]
        writing = asyncio.get_running_loop().create_task(_write(database, teams, dice))
        workers = [WorkerProcess(url, tmp_path) for _ in range(2)]
        try:
            for _ in range(KILLS):
                await asyncio.sleep(dice.uniform(0.5, 4.0))
                place = dice.randrange(len(workers))
                if dice.random() < FROZEN_SHARE:
                    await workers[place].freeze(dice.uniform(0.1, 5.0))  # a job is leased for 1.5 s
                else:
                    workers[place].kill()
                    workers[place] = WorkerProcess(url, tmp_path)
                assert not writing.done(), writing.exception()
            writing.cancel()
            await wait_until_all_is_done(database, timeout_seconds=120.0)
            for worker in workers:
                assert await worker.stop() == 0, (tmp_path / "output.txt").read_text()
        finally:
            writing.cancel()
            for worker in workers:
                worker.kill()
        await require_each_effect_once(database, tmp_path, sent_again=4 * KILLS)
