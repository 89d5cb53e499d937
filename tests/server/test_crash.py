"""What was acknowledged is there after a crash."""

from pathlib import Path

import pytest

from tests.support.crash import changed_task_ids, crash_while_writing, require_all_reported, require_contiguous_streams
from tests.support.server_process import TASK_CREATE, ServerProcess, create_team_and_project, register_user


@pytest.mark.slow
async def test_a_server_killed_while_writing_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    server = ServerProcess(folder=tmp_path, data_dir=tmp_path, seed_size="none", log_level="warning")
    try:
        server.start()
        await server.wait_until_ready()
        ada = await register_user(server)
        project_id = await create_team_and_project(ada)
        start = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]["cursor"]
        acknowledged = await crash_while_writing(ada, project_id, after_seconds=0.7)
        assert acknowledged

        server.start()
        await server.wait_until_ready()
        require_all_reported(await changed_task_ids(ada, start), acknowledged)
        await ada.close()
    finally:
        server.kill()
    await require_contiguous_streams(tmp_path)
