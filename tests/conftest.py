"""Fixtures: one application per worker over a database of its own, and fresh teams for every test that asks for one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

import migrations
from app.bootstrap import open_resources
from app.settings import Settings
from tests.support.app import GENEROUS_LIMITS, IDLE_TIMINGS, App
from tests.support.paired_apps import PairedApps, open_paired_apps
from tests.support.secret_key import SECRET_KEY
from tests.support.teams import SampleTeam, copy_sample_teams, create_sample_team

pytest_plugins = [
    "tests.support.memory_folder",  # before those that import it: pytest rewrites its plugins when it imports them itself
    "tests.support.backing_services",
    "tests.support.first_cases",
    "tests.support.folder_times",
    "tests.support.garbage",
    "tests.support.machine_pauses",
    "tests.support.ministack",
    "tests.support.server_process",
    "tests.support.time_limit",
    "tests.support.tls_context",
    "tests.support.worker_count",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make isolation-tables` asks for."""
    parser.addoption("--write-tables", action="store_true", help="write the tables of tests/isolation instead of comparing them")


async def migrate_template(url: str) -> None:
    """Make the tables of the template database."""
    await asyncio.to_thread(migrations.upgrade, url)


@pytest.fixture(scope="session")
async def database_url(postgres_server: str) -> AsyncIterator[str]:
    """A migrated, empty database for this worker."""
    from tests.support.backing_services import (
        database_from_template,  # a plugin: pytest imports it first, to rewrite its assertions
    )

    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        yield url


@pytest.fixture(scope="session")
async def server_database_url(postgres_server: str) -> AsyncIterator[str]:
    """The database of this worker's server processes: what their own workers write in it is seen by no other test."""
    from tests.support.backing_services import database_from_template

    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        yield url


@asynccontextmanager
async def open_shared_app(url: str, folder: Path) -> AsyncIterator[App]:
    """The graph over a database, for many tests."""
    settings = Settings(database_connections=8, data_dir=folder, secret_key=SecretStr(SECRET_KEY))
    async with (
        open_resources(settings, url, timings=IDLE_TIMINGS, sign_in_limits=GENEROUS_LIMITS) as resources,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        shared = App(resources, sql)
        await copy_sample_teams(shared)
        yield shared


@pytest.fixture(scope="session")
async def app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The graph over real stores, shared by a worker's tests: each makes its own teams, and nothing is written but by them."""
    async with open_shared_app(database_url, tmp_path_factory.mktemp("data")) as opened:
        yield opened


@pytest.fixture
async def team(app: App) -> SampleTeam:
    """A team with somebody in every role, a project and a second person, and an outsider."""
    return await create_sample_team(app)


@pytest.fixture
async def isolated_app(postgres_server: str, tmp_path: Path) -> AsyncIterator[App]:
    """An application of this test's own: nothing else is in its stores."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_resources(Settings(database_connections=4, data_dir=tmp_path, secret_key=SecretStr(SECRET_KEY)), url) as resources,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        yield App(resources, sql)


@pytest.fixture(scope="session")
async def loop() -> asyncio.AbstractEventLoop:
    """The loop of all fixtures, for a test that is no coroutine."""
    return asyncio.get_running_loop()


@pytest.fixture(scope="session")
async def paired_apps(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PairedApps]:
    """Two furnished houses that hold the same, shared by a worker's tests."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_paired_apps(postgres_server, url, tmp_path_factory.mktemp("paired")) as opened,
    ):
        yield opened


@pytest.fixture
async def isolated_paired_apps(postgres_server: str, tmp_path: Path) -> AsyncIterator[PairedApps]:
    """Two such houses of one's own: what is deleted in them is nobody else's."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_paired_apps(postgres_server, url, tmp_path) as opened,
    ):
        yield opened
