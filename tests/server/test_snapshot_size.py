"""A snapshot of 20,000 tasks costs a server a second of its processor at most, and no memory to speak of."""

from pathlib import Path

import asyncpg
import orjson
import pytest

from tests.conftest import migrate_template
from tests.support.backing_services import database_from_template
from tests.support.large_team import create_large_team
from tests.support.server_process import ServerProcess, register_user, running_server
from tests.support.teams import uuid_of

_TASKS = 20_000
_MAX_GROWTH_BYTES = 30 * 2**20
_MAX_CPU_SECONDS = 1.0

pytestmark = pytest.mark.long


def _peak_bytes(server: ServerProcess) -> int:
    """The most memory that the process has had since `_forget_peak`."""
    with open(f"/proc/{server.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def _forget_peak(server: ServerProcess) -> None:
    with open(f"/proc/{server.pid}/clear_refs", "w") as control:
        control.write("5")


async def test_a_large_snapshot_takes_little(postgres_server: str, tmp_path: Path) -> None:
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as database_url,
        running_server(tmp_path, database_url=database_url, cost_limits="report") as server,
    ):
        large = await create_large_team(database_url, tasks_each=_TASKS // 5)
        reader = await register_user(server)
        viewer = (await reader.run("{ viewer { id } }"))["viewer"]["id"]
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute(
                "INSERT INTO team_members (team_id, user_id, role, joined_at) "
                "SELECT team_id, $2, 'MEMBER', now() FROM projects WHERE id = $1",
                large.project_id,
                uuid_of(viewer),
            )
        finally:
            await connection.close()
        headers = {"authorization": f"Bearer {reader.token}", "accept-encoding": "gzip"}

        async def download() -> int:
            url = (await reader.run("{ snapshot(types: [TASK]) { url } }"))["snapshot"]["url"]
            async with reader.http.stream("GET", url[url.index("/sync/") :], headers=headers, timeout=120.0) as answer:
                assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
                lines = [line async for line in answer.aiter_lines()]
            assert orjson.loads(lines[-1]) == {"__typename": "Snapshot", "rows": len(lines) - 1}
            return len(lines) - 1

        await download()  # what is imported and prepared once
        _forget_peak(server)
        memory, cpu = _peak_bytes(server), server.cpu_seconds()
        assert await download() == _TASKS
        taken = server.cpu_seconds() - cpu
        assert _peak_bytes(server) - memory <= _MAX_GROWTH_BYTES
        assert taken <= _MAX_CPU_SECONDS
        await reader.close()
