"""Ready is who has a database with the tables that this version needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

import migrations
from app.application import create_app
from app.bootstrap import Resources, open_resources
from app.settings import Settings
from tests.conftest import migrate_template
from tests.support.secret_key import SECRET_KEY


@pytest.fixture
async def own_resources(postgres_server: str, tmp_path: Path) -> AsyncIterator[Resources]:
    """Services over a database of their own."""
    from tests.support.backing_services import database_from_template

    settings = Settings(data_dir=tmp_path, secret_key=SecretStr(SECRET_KEY))
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_resources(settings, url) as opened,
    ):
        yield opened


@pytest.mark.parametrize(
    ("statement", "status", "found"),
    [
        ("SELECT 1", 200, migrations.head_revision()),
        ("UPDATE alembic_version SET version_num = '9999'", 200, "9999"),
        ("DROP TABLE alembic_version", 503, None),
    ],
)
async def test_a_server_is_ready_once_the_schema_is_as_new_as_its_own(
    own_resources: Resources, statement: str, status: int, found: str | None
) -> None:
    async with own_resources.database.begin() as connection:
        await connection.raw.execute(statement)
    app = create_app(own_resources, Settings()).asgi
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://graph.test") as http:
        answer = await http.get("/readyz")
        assert (await http.get("/healthz")).text == "ok"
    assert answer.status_code == status
    assert answer.json() == {"ready": status == 200, "schemaVersion": found, "expected": migrations.head_revision()}
