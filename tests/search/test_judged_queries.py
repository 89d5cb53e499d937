"""How well a search finds what people mean: sixty queries over the demo, judged by somebody who read it."""

from datetime import UTC, datetime

import pytest

from persistence.search.rebuild import work_off_all
from resolvers import ids
from seed import DEMO_EMAIL, seed
from seed.documents import seed_documents
from tests.search.judged_queries import JUDGED
from tests.support.app import App, Person
from tests.support.searching import search

MIN_RECIPROCAL_RANK = 0.9
_NAMES = {
    "User": "first_name || ' ' || last_name FROM users",
    "Team": "name FROM teams",
    "Project": "name FROM projects",
    "Task": "title FROM tasks",
    "Document": "title FROM documents",
}


@pytest.mark.slow
async def test_what_people_mean_stands_first(isolated_app: App) -> None:
    app, database = isolated_app, isolated_app.resources.database
    services = app.resources.services
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await seed(database, "demo", password_hash="none", anchor=today)
    await seed_documents(database, services.pubsub, services.snapshots, services.document_objects)
    await work_off_all(database)
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
        found = [edge["node"]["id"] for edge in (await search(app, viewer, text, first=20))["edges"]]
        wanted = ids_by_name[type_name][name]
        place = found.index(wanted) + 1 if wanted in found else 0
        ranks.append(1 / place if place else 0.0)
        if place != 1:
            missed.append(f"{text!r}: {name} at {place or 'no place'}")
    mean = sum(ranks) / len(ranks)
    assert len(ranks) >= 60
    assert mean >= MIN_RECIPROCAL_RANK, "\n".join([f"mean reciprocal rank {mean:.3f}", *missed])


async def _demo_user(app: App) -> Person:
    from persistence.stores.user import get_credentials

    found = await get_credentials(app.resources.database, DEMO_EMAIL)
    assert found is not None
    return Person(found.to_user())
