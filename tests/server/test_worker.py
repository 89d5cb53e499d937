"""A worker runs in a process of its own beside `server.py api`, and ends in good order."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.conftest import migrate_template
from tests.support.backing_services import database_from_template
from tests.support.server_process import ServerProcess, running_process

pytestmark = pytest.mark.slow


async def wait_until_it_leads(worker: ServerProcess) -> None:
    async with asyncio.timeout(60):
        while "worker is up" not in worker.output or "This worker leads." not in worker.output:
            await asyncio.sleep(0.05)


async def test_a_worker_starts_leads_and_stops_on_a_signal(postgres_server: str, tmp_path: Path) -> None:
    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        with running_process("worker", folder=tmp_path, database_url=url, data_dir=tmp_path, log_level="info") as worker:
            await wait_until_it_leads(worker)
            worker.send_signal(signal.SIGTERM)
            assert await worker.wait_for_exit() == 0, worker.output


async def test_a_worker_over_a_database_that_was_never_migrated_says_so(postgres_server: str, tmp_path: Path) -> None:
    with running_process("worker", folder=tmp_path, database_url=postgres_server, data_dir=tmp_path) as worker:
        assert await worker.wait_for_exit() == 1
        assert "The database was never migrated" in worker.output
