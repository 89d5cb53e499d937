"""No file that somebody uploaded runs a script in the server's origin, whatever it is and however it is opened."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.blob import is_inline_type
from tests.browser.test_graphiql import browser, look, node
from tests.support.graph_actions import mutation_text
from tests.support.hostile_files import HostileFile, polyglots
from tests.support.server_process import TASK_CREATE, Client, create_team_and_project, register_user, running_server
from tests.support.uploads import UPLOAD_TARGET_FIELDS

pytestmark = pytest.mark.browser
__all__ = ["browser", "node"]  # fixtures

_CREATE = mutation_text("uploadCreate", f"attachment {{ id }} {UPLOAD_TARGET_FIELDS}")
_COMPLETE = mutation_text("uploadComplete", "attachment { id url(expiresIn: 3600) }")
_FILES_A_PERSON = 90


async def _address(client: Client, file: HostileFile, task_id: str) -> str | None:
    given: dict[str, Any] = {"fileName": file.file_name, "contentType": file.content_type, "byteSize": len(file.content)}
    made = (await client.post(_CREATE, input=given | {"subjectId": task_id})).json().get("data", {}).get("uploadCreate")
    if made is None or made["errors"]:
        return None
    headers = {each["name"]: each["value"] for each in made["upload"]["headers"]}
    async with httpx.AsyncClient() as http:
        assert (await http.put(made["upload"]["url"], content=file.content, headers=headers)).status_code == 200
    done = (await client.run(_COMPLETE, input={"id": made["attachment"]["id"]}))["uploadComplete"]
    url: str | None = done["attachment"]["url"]
    return url


async def test_no_uploaded_file_runs_a_script(browser: dict[str, str], server_database_url: str, tmp_path: Path) -> None:
    found: list[dict[str, Any]] = []
    async with running_server(tmp_path, database_url=server_database_url, cost_limits="off") as server:
        files = [each for each in polyglots() if not each.name.startswith("name ")]
        for start in range(0, len(files), _FILES_A_PERSON):
            client = await register_user(server)
            project_id = await create_team_and_project(client)
            task = (await client.run(TASK_CREATE, input={"projectId": project_id, "title": "Files"}))["taskCreate"]["task"]
            for file in files[start : start + _FILES_A_PERSON]:
                url = await _address(client, file, task["id"])
                found += [{"name": file.name, "url": url, "isShown": is_inline_type(file.content_type)}] if url else []
        (tmp_path / "files.json").write_text(json.dumps(found))
        output = await look("hostile_files.mjs", browser, server, tmp_path, FILES=str(tmp_path / "files.json"))
    assert len(found) > 100
    assert output == f"{len(found)} files were opened and ran nothing\n"
