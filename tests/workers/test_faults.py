"""Nothing is lost and nothing is recorded twice, whatever is killed, restarted or away."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from domain.events import team_stream
from embedded import embedded_postgres
from tests.conftest import migrate_template
from tests.support.backing_services import free_port
from tests.support.crashing_worker import POINTS
from tests.support.graph_actions import create_task
from tests.support.queues import sqs_queue
from tests.support.teams import create_sample_team
from tests.support.worker_effects import FAST_TIMINGS
from tests.support.worker_process import WorkerProcess, require_each_effect_once, wait_until_all_is_done
from tests.support.workers import WorkerDatabase, open_worker_database, recording_consumer
from workers.consumer import MAX_DEATHS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("points", [("consumer: written", "job: sent"), pytest.param(POINTS, marks=pytest.mark.long)], ids=len)
async def test_a_worker_that_is_killed_at_any_point_leaves_each_effect_recorded_once(
    worker_database: WorkerDatabase, tmp_path: Path, points: tuple[str, ...]
) -> None:
    for point in points:
        await create_sample_team(worker_database.app)  # so that every point has something to do
        worker = WorkerProcess(worker_database.url, tmp_path, point)
        try:
            assert await worker.wait_for_exit() == -signal.SIGKILL, point
        finally:
            worker.kill()
    worker = WorkerProcess(worker_database.url, tmp_path)
    try:
        await wait_until_all_is_done(worker_database)
    finally:
        assert await worker.stop() == 0, (tmp_path / "output.txt").read_text()
    # Outside of Postgres an effect happens again where the worker died between it and its commit: twice at most for each such point.
    await require_each_effect_once(worker_database, tmp_path, sent_again=4 * len(points))


async def test_a_worker_that_is_frozen_for_longer_than_its_leases_does_nothing_again(
    worker_database: WorkerDatabase, tmp_path: Path
) -> None:
    team = await create_sample_team(worker_database.app)
    workers = [WorkerProcess(worker_database.url, tmp_path) for _ in range(2)]
    try:
        for worker, seconds in zip(workers, (2.0, 0.2), strict=True):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(worker.freeze(seconds))
                for _ in range(5):
                    await create_task(worker_database.app, team)
                    await asyncio.sleep(0.02)
        await wait_until_all_is_done(worker_database)
        for worker in workers:
            assert await worker.stop() == 0, (tmp_path / "output.txt").read_text()
    finally:
        for worker in workers:
            worker.kill()
    # What a frozen worker had sent before it could record it is sent by another: one letter for each of its two tasks.
    await require_each_effect_once(worker_database, tmp_path, sent_again=2 * 2)


async def test_an_event_that_ends_its_worker_becomes_a_dead_letter_and_all_else_is_handled(
    worker_database: WorkerDatabase, tmp_path: Path
) -> None:
    team = await create_sample_team(worker_database.app)
    for number in range(4):
        await create_task(worker_database.app, team, f"Task {number}")
    stream = team_stream(team.team.id)
    events = await worker_database.events()
    position = len([each for each in events if each[0] == stream]) - 1  # within a batch, neither its first nor its last
    left = [each for each in events if each != (stream, position)]

    async def is_done() -> bool:
        recorded, others = sorted(await worker_database.effects("recorder")), sorted(await worker_database.effects("other"))
        return (recorded, others) == (left, events) and len(await worker_database.dead_letters()) == 1

    deaths = 0
    while True:
        worker = WorkerProcess(worker_database.url, tmp_path, f"{stream}@{position}", module="dying_worker")
        try:
            async with asyncio.timeout(30):
                while worker.exit_code is None and not await is_done():
                    await asyncio.sleep(0.02)
            if worker.exit_code is None:
                break
            assert worker.exit_code == 3, (tmp_path / "output.txt").read_text()
            deaths += 1
            assert deaths <= MAX_DEATHS + 1  # with the whole batch, and alone
        finally:
            worker.kill()
    assert await worker_database.dead_letters() == [("recorder", stream, position, MAX_DEATHS)]
    assert await worker_database.effects("recorder", stream) == [each for each in left if each[0] == stream]
    assert sorted(await worker_database.effects("other")) == events
    assert deaths >= MAX_DEATHS


async def test_a_database_that_crashes_and_restarts_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    async with embedded_postgres(folder) as url:
        await migrate_template(url)
        async with (
            open_worker_database(url, tmp_path) as database,
            database.worker(recording_consumer(max_batch=2)),
        ):
            team = await create_sample_team(database.app)
            for number in range(6):
                await _insist(partial(create_task, database.app, team, f"Task {number}"))
                if number in (2, 4):
                    server = int((folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])
                    os.kill(server, signal.SIGQUIT)  # at once, as a crash: the next start recovers
            await _insist(database.events)
            await database.app.sql.expire_connections()
            await database.wait_until_recorded()


async def _insist(call: Callable[[], Awaitable[object]]) -> None:
    """Do something until the database answers; what failed may have been done."""
    async with asyncio.timeout(30):
        while True:
            try:
                await call()
            except (AssertionError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.1)
            else:
                return


async def test_workers_are_woken_by_sqs(database_url: str, worker_database: WorkerDatabase, tmp_path: Path) -> None:
    patient = replace(FAST_TIMINGS, sweep_seconds=600.0)
    async with (
        sqs_queue("", tmp_path) as queue,
        open_worker_database(worker_database.url, tmp_path, queue_url=queue.url) as first,
        open_worker_database(worker_database.url, tmp_path, queue_url=queue.url) as second,
        first.worker(recording_consumer(max_batch=2), timings=patient),
        second.worker(recording_consumer(max_batch=2), timings=patient),
    ):
        team = await create_sample_team(first.app)
        for number in range(5):
            await create_task(first.app, team, f"Task {number}")
        await first.wait_until_recorded()


async def test_while_the_queue_is_away_the_leader_finds_everything(worker_database: WorkerDatabase, tmp_path: Path) -> None:
    url = f"sqs://key:secret@work?region=eu-west-1&endpoint=http://127.0.0.1:{free_port()}"
    async with (
        open_worker_database(worker_database.url, tmp_path, queue_url=url) as database,
        database.worker(recording_consumer()),
    ):
        team = await create_sample_team(database.app)
        for number in range(5):
            await create_task(database.app, team, f"Task {number}")
        await database.wait_until_recorded()


async def test_a_leader_that_is_cut_off_from_the_database_leads_no_more(worker_database: WorkerDatabase) -> None:
    await create_sample_team(worker_database.app)
    cut_off = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'pantherahive worker leads'"
    )
    async with worker_database.worker(recording_consumer()), worker_database.worker(recording_consumer()):
        for _ in range(3):
            assert await worker_database.app.sql.fetchval(cut_off) <= 2
            await create_sample_team(worker_database.app)
            await asyncio.sleep(0.3)
        await worker_database.wait_until_recorded()
