"""Servers of two versions of the code work side by side on one database, which the newer one has migrated."""

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.backing_services import Valkey
from tests.support.chaos_clients import ChaosClients, assert_unharmed, work_during
from tests.support.server_process import ROOT, Client, register_user, running_server

pytestmark = pytest.mark.chaos

WORK_SECONDS: Final = 30.0
OLDER_COMMIT: Final = os.environ.get("HIVE_TEST_OLDER_COMMIT")  # noqa: TID251 (which version, for whoever releases)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def older_checkout(tmp_path: Path) -> Iterator[Path]:
    """The code before the newest migration, or of the commit that is named."""
    newest = _git("log", "-1", "--format=%H", "--", "migrations/versions")
    commit = OLDER_COMMIT or f"{newest}^"
    if subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, check=False).returncode:
        pytest.skip("this checkout has no history")
    folder = tmp_path / "older"
    _git("worktree", "add", "--detach", str(folder), commit)
    yield folder
    _git("worktree", "remove", "--force", str(folder))


async def test_the_version_before_the_newest_migration_works_beside_this_one(
    server_database_url: str, valkey_server: Valkey, tmp_path: Path, older_checkout: Path
) -> None:
    settings: dict[str, Any] = {
        "database_url": server_database_url,
        "redis_url": valkey_server.url,
        "public_url": "http://127.0.0.1",
        "data_dir": tmp_path / "data",
        "cost_limits": "off",
    }
    async with (
        running_server(tmp_path, **settings) as newer,
        running_server(tmp_path, new_interpreter=True, root=older_checkout, **settings) as older,
    ):
        ada = await register_user(newer)
        await register_user(older)
        clients = ChaosClients([ada, Client(older, ada.token)], random.Random(1))
        await work_during(clients, ada, asyncio.sleep(WORK_SECONDS))
    assert_unharmed(clients, least=100)
    assert clients.refusals == {}
