"""Fixtures of the tests of searches: an application whose index holds nothing but theirs."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import migrate_template, open_shared_app
from tests.support.app import App


@pytest.fixture(scope="session")
async def app(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The graph over a database of its own: among the objects of all other tests each search would take ten times as long."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_shared_app(url, tmp_path_factory.mktemp("search")) as opened,
    ):
        yield opened
