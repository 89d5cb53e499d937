"""Fixtures of searches: the application over Postgres alone, and over OpenSearch."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.bootstrap import open_resources
from app.settings import Settings
from app.worker import run_worker
from persistence.search.opensearch.rebuild import build
from persistence.search.opensearch.search import OpenSearchSearch
from tests.conftest import migrate_template, open_shared_app
from tests.support.app import GENEROUS_LIMITS, IDLE_TIMINGS, App
from tests.support.backing_services import database_from_template
from tests.support.opensearch import opensearch
from tests.support.secret_key import SECRET_KEY
from tests.support.worker_effects import FAST_TIMINGS


@pytest.fixture(scope="session")
async def postgres_app(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The application over a database of the searches' own: among the objects of all tests each would take ten times as long."""
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_shared_app(url, tmp_path_factory.mktemp("search")) as opened,
    ):
        yield opened


@pytest.fixture(scope="session")
def app(request: pytest.FixtureRequest, postgres_app: App) -> App:
    """The application that searches in Postgres or, as `parametrize` says, in OpenSearch."""
    if getattr(request, "param", "postgres") == "opensearch":
        found: App = request.getfixturevalue("opensearch_app")
        return found
    return postgres_app


@pytest.fixture(scope="session")
async def opensearch_database_url(postgres_server: str) -> AsyncIterator[str]:
    """The database of the application with OpenSearch."""
    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        yield url


@pytest.fixture(scope="session")
async def opensearch_app(opensearch_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """An application with OpenSearch, and a worker that writes into it."""
    folder: Path = tmp_path_factory.mktemp("opensearch")
    url = opensearch_database_url
    with opensearch(folder) as address:
        settings = Settings(database_connections=8, data_dir=folder, opensearch_url=address, secret_key=SecretStr(SECRET_KEY))
        async with (
            open_resources(settings, url, timings=IDLE_TIMINGS, sign_in_limits=GENEROUS_LIMITS) as resources,
            asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
        ):
            assert resources.search_engine is not None
            assert isinstance(resources.services.search, OpenSearchSearch)
            resources.services.search.search_seconds = 20.0  # on a slow machine too
            await build(resources.database, resources.search_engine, url)
            async with run_worker(resources, settings, url, consumers=(), jobs=(), schedules=(), timings=FAST_TIMINGS):
                yield App(resources, sql)
