"""What was acknowledged is there after a crash."""

from pathlib import Path

import pytest

from tests.crashing import crash_while_writing, require_all, require_contiguous_streams, since
from tests.serving import TASK, ServerProcess, founded, registered


@pytest.mark.slow
async def test_a_server_killed_while_writing_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    server = ServerProcess(folder=tmp_path, data_dir=tmp_path, seed_size="none", log_level="warning")
    try:
        server.start()
        await server.ready()
        ada = await registered(server)
        project_id = await founded(ada)
        start = (await ada.run(TASK, input={"projectId": project_id, "title": "First"}))["taskCreate"]["cursor"]
        acknowledged = await crash_while_writing(ada, project_id, after=0.7)
        assert len(acknowledged) > 20

        server.start()
        await server.ready()
        require_all(await since(ada, start), acknowledged)
        await ada.close()
    finally:
        server.kill()
    await require_contiguous_streams(tmp_path)
