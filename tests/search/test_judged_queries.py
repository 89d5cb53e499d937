"""How well a search finds what people mean: sixty queries over the demo, judged by somebody who read it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.bootstrap import open_resources
from app.settings import Settings
from persistence.search.opensearch.rebuild import build
from persistence.search.opensearch.search import OpenSearchSearch
from persistence.search.postgres import PostgresSearch
from persistence.search.rebuild import work_off_all
from persistence.stores.user import get_credentials
from resolvers import ids
from seed import DEMO_EMAIL, seed
from seed.documents import seed_documents
from tests.conftest import migrate_template
from tests.search.judged_queries import JUDGED
from tests.support.app import App, Person
from tests.support.backing_services import database_from_template
from tests.support.opensearch import opensearch
from tests.support.searching import ids_of, search
from tests.support.secret_key import SECRET_KEY

pytestmark = pytest.mark.slow
MIN_RECIPROCAL_RANK = 0.9
_NAMES = {
    "User": "first_name || ' ' || last_name FROM users",
    "Team": "name FROM teams",
    "Project": "name FROM projects",
    "Task": "title FROM tasks",
    "Document": "title FROM documents",
}


@pytest.fixture(scope="module")
async def demo(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The demo, indexed in Postgres and in OpenSearch."""
    folder: Path = tmp_path_factory.mktemp("demo")
    with opensearch(folder) as address:
        settings = Settings(database_connections=4, data_dir=folder, opensearch_url=address, secret_key=SecretStr(SECRET_KEY))
        async with (
            database_from_template(postgres_server, "migrated", migrate_template) as url,
            open_resources(settings, url) as resources,
            asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
        ):
            database, services = resources.database, resources.services
            today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            await seed(database, "demo", password_hash="none", anchor=today)
            await seed_documents(database, services.pubsub, services.snapshots, services.document_objects)
            await work_off_all(database)
            assert resources.search_engine is not None
            await build(database, resources.search_engine, url)
            yield App(resources, sql)


@pytest.mark.parametrize("index", ["Postgres", "OpenSearch"])
async def test_what_people_mean_stands_first(demo: App, index: str) -> None:
    services = demo.resources.services
    if index == "OpenSearch":
        assert isinstance(services.search, OpenSearchSearch)
        services.search.search_seconds = 20.0  # on a slow machine too
        app = demo
    else:
        alone = replace(services, search=PostgresSearch(demo.resources.database))
        app = App(replace(demo.resources, services=alone, search_engine=None), demo.sql)
    viewer = await _demo_user(app)
    ids_by_name = {
        type_name: {row[1]: ids.encode(type_name, row[0]) for row in await app.sql.fetch(f"SELECT id, {source}")}
        for type_name, source in _NAMES.items()
    }
    keys = {row[0]: row[1] for row in await app.sql.fetch("SELECT title, key FROM tasks")}

    ranks, missed = [], []
    for query, type_name, name in JUDGED:
        key = keys.get(name, "")
        text = query.replace("{key}", key).replace("{key lower}", key.lower()).replace("{key spaced}", key.replace("-", " "))
        found = ids_of(await search(app, viewer, text, first=20))
        wanted = ids_by_name[type_name][name]
        place = found.index(wanted) + 1 if wanted in found else 0
        ranks.append(1 / place if place else 0.0)
        if place != 1:
            missed.append(f"{text!r}: {name} at {place or 'no place'}")
    mean = sum(ranks) / len(ranks)
    assert len(ranks) >= 60
    assert mean >= MIN_RECIPROCAL_RANK, "\n".join([f"mean reciprocal rank {mean:.3f}", *missed])


async def _demo_user(app: App) -> Person:
    found = await get_credentials(app.resources.database, DEMO_EMAIL)
    assert found is not None
    return Person(found.to_user())
