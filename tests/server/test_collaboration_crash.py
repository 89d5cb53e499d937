"""An acknowledged edit survives whatever happens to the server a moment later."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.crash_rooms import crash_repeatedly
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.slow


async def test_an_acknowledged_edit_survives_kill_9(server_database_url: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "data_dir": tmp_path,
        "database_url": server_database_url,
        "seed_size": "none",
        "log_level": "warning",
    }
    server = ServerProcess(folder=tmp_path, **settings)
    try:
        assert await crash_repeatedly([server], times=3, seed=1) > 15
    finally:
        server.kill()
