"""`server.py admin rotate-keys`: running servers publish the new key, and refuse tokens of revoked ones."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.server_process import START_TIMEOUT_SECONDS, Client, register_user, running_process, running_server

pytestmark = pytest.mark.slow
VIEWER = "{ viewer { id } }"


async def test_a_running_server_publishes_a_new_key_and_forgets_revoked_ones(postgres_server: str, tmp_path: Path) -> None:
    from tests.conftest import migrate_template
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        running_server(tmp_path, database_url=url) as server,
    ):
        ada = await register_user(server)
        (first,) = await published(ada)
        await admin("rotate-keys", folder=tmp_path, database_url=url)
        both = await published(ada, count=2)
        assert first in both
        assert (await ada.post(VIEWER)).status_code == 200

        await admin("rotate-keys", "--revoke", folder=tmp_path, database_url=url)
        (last,) = await published(ada, count=1)
        assert last not in both
        refused = (await ada.post(VIEWER)).json()
        assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        await ada.close()


async def test_another_secret_is_refused_with_what_to_do(postgres_server: str, tmp_path: Path) -> None:
    from tests.conftest import migrate_template
    from tests.support.backing_services import database_from_template

    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        async with running_server(tmp_path, database_url=url):
            pass
        with running_process(folder=tmp_path, database_url=url, secret_key="y" * 40, seed_size="none") as other:
            assert await other.wait_for_exit(timeout_seconds=START_TIMEOUT_SECONDS) == 1
            assert "were encrypted with another secret. Set HIVE_SECRET_KEY to that secret" in other.output
            assert "admin rotate-keys --revoke" in other.output


async def admin(*words: str, folder: Path, **settings: Any) -> None:
    """Run a task of the administrator to its end."""
    with running_process("admin", *words, folder=folder, **settings) as process:
        assert await process.wait_for_exit(timeout_seconds=START_TIMEOUT_SECONDS) == 0, process.output


async def published(client: Client, *, count: int = 1) -> list[str]:
    """The ids of the keys that a server publishes, once there are so many."""
    deadline = time.monotonic() + 30
    while True:
        response = await client.http.get("/.well-known/jwks.json")
        assert response.headers["cache-control"] == "public, max-age=300"
        keys = response.json()["keys"]
        if len(keys) == count:
            return [each["kid"] for each in keys]
        assert time.monotonic() < deadline, keys
        await asyncio.sleep(0.1)
