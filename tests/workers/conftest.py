"""Fixtures of the workers' tests: a database of a test's own, and a furnished team of a file's own beside a worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import migrate_template
from tests.support.office import Office, furnish
from tests.support.workers import WorkerDatabase, open_worker_database
from workers.jobs import JOBS


@pytest.fixture
async def worker_database(postgres_server: str, tmp_path: Path) -> AsyncIterator[WorkerDatabase]:
    """An application whose events workers can read; nothing else is in its database."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_worker_database(url, tmp_path) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
async def office(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A team with one of everything, and a worker that does jobs."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_worker_database(url, tmp_path_factory.mktemp("office")) as database,
        database.worker(jobs=JOBS),
    ):
        yield await furnish(database)
