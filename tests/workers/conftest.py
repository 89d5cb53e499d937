"""Fixtures of the workers' tests: a database of a test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import migrate_template
from tests.support.workers import WorkerDatabase, open_worker_database


@pytest.fixture
async def worker_database(postgres_server: str, tmp_path: Path) -> AsyncIterator[WorkerDatabase]:
    """An application whose events workers can read; nothing else is in its database."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_worker_database(url, tmp_path) as opened,
    ):
        yield opened
