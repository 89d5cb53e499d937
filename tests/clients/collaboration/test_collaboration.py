"""Stock Yjs providers on real servers: whatever they do and wherever they are connected, they come to the same document."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map, Text

from persistence.engine.database import open_database
from persistence.events.document_log import UpdateLog
from tests.support.backing_services import Valkey, free_port
from tests.support.hocuspocus_client import create_document_over_http, load_logged_document
from tests.support.server_process import Client, ServerProcess, create_team_and_project, register_user, running_server
from tests.support.teams import uuid_of

HERE = Path(__file__).parent
SAVE = (
    "mutation ($input: DocumentSaveVersionInput!) { documentSaveVersion(input: $input) { version { number } errors { code } } }"
)
pytestmark = pytest.mark.long
Pair = tuple[ServerProcess, ServerProcess]


async def run(*command: str) -> tuple[int | None, str]:
    """A command's exit code and what it said, within four minutes."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(240):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


@pytest.fixture(scope="module")
async def node() -> str:
    """Node, with the providers installed from the lock file."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("stock providers need Node")
    if not (HERE / "node_modules" / "yjs").exists():
        code, said = await run(npm, "ci", "--no-audit", "--no-fund")
        if code != 0:
            pytest.skip(f"npm ci could not install the providers: {said[-300:]}")
    return node


@pytest.fixture(scope="module")
async def server_pair(
    server_database_url: str, valkey_server: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """Two servers that people reach under one address."""
    folder = tmp_path_factory.mktemp("pair")
    ports = free_port(), free_port()
    settings = {
        "database_url": server_database_url,
        "data_dir": folder,
        "redis_url": valkey_server.url,
        "public_url": f"http://127.0.0.1:{ports[0]}",
    }
    async with (
        running_server(folder, port=ports[0], **settings) as one,
        running_server(folder, port=ports[1], **settings) as other,
    ):
        yield one, other


@pytest.fixture
async def ada(server_pair: Pair) -> AsyncIterator[Client]:
    """Somebody new, signed in."""
    client = await register_user(server_pair[0])
    yield client
    await client.close()


async def run_script(node: str, script: str, **arguments: Any) -> Any:
    """What a script says at its end."""
    code, said = await run(node, script, json.dumps(arguments))
    assert code == 0, said
    return json.loads(said)


def sockets(pair: Pair) -> list[str]:
    return [server.url.replace("http", "ws", 1) for server in pair]


async def test_ten_editors_on_two_servers_come_to_the_same(
    node: str, server_pair: Pair, ada: Client, server_database_url: str
) -> None:
    id_ = await create_document_over_http(ada, await create_team_and_project(ada))
    given = {"urls": sockets(server_pair), "id": id_, "token": ada.token, "editors": 10, "edits": 50, "cuts": 6, "seed": 3}
    said = await run_script(node, "crowd.mjs", **given)
    assert (said["same"], said["refused"]) == (1, [])
    there = await load_logged_document(server_database_url, id_)
    assert str(there.get("text", type=Text)) == said["text"]
    assert there.get("map", type=Map).to_py() == said["map"]


async def test_one_who_was_away_for_1000_edits_comes_to_the_same(
    node: str, server_pair: Pair, ada: Client, server_database_url: str
) -> None:
    id_ = await create_document_over_http(ada, await create_team_and_project(ada))
    given = {"urls": sockets(server_pair), "id": id_, "token": ada.token, "editors": 3, "edits": 30, "cuts": 0, "seed": 5}
    said = await run_script(node, "crowd.mjs", **given, offline=1_000)
    assert (said["same"], said["refused"]) == (1, [])
    assert str((await load_logged_document(server_database_url, id_)).get("text", type=Text)) == said["text"]


@pytest.mark.parametrize("kind", ["y-websocket", "hocuspocus"])
async def test_one_who_comes_back_after_the_log_was_shortened_comes_to_the_same(
    node: str, server_pair: Pair, ada: Client, server_database_url: str, tmp_path: Path, kind: str
) -> None:
    id_ = await create_document_over_http(ada, await create_team_and_project(ada))
    url = sockets(server_pair)[0]
    given = {"kind": kind, "url": url, "id": id_, "token": ada.token}
    await run_script(node, "absent.mjs", **given, file=str(tmp_path / "his"), words=["his first words. "])
    await run_script(node, "absent.mjs", **given, file=str(tmp_path / "hers"), words=["her words. "])
    saved = (await ada.run(SAVE, input={"id": id_}))["documentSaveVersion"]
    assert saved["errors"] == []
    async with open_database(server_database_url, max_connections=1) as database:
        log = UpdateLog(database)
        head = await log.head(uuid_of(id_))
        assert await log.trim(uuid_of(id_), head) == head
    back = await run_script(node, "absent.mjs", **given, file=str(tmp_path / "his"), words=["his last words. "])
    assert sorted(back["text"].split(". ")) == ["", "her words", "his first words", "his last words"]
    third = await run_script(node, "absent.mjs", **given, file=str(tmp_path / "third"), words=[])
    assert third == {"text": back["text"], "closed": []}


async def test_two_editors_over_graphql_come_to_the_same_and_one_goes_on_where_they_were_cut_off(
    node: str, server_pair: Pair, ada: Client, server_database_url: str
) -> None:
    id_ = await create_document_over_http(ada, await create_team_and_project(ada))
    said = await run_script(node, "pair.mjs", urls=sockets(server_pair), id=id_, token=ada.token, edits=20, seed=7)
    assert (said["refused"], said["apart"], said["resumed"]) == ([], True, True)
    assert said["before"] > 0
    assert said["missed"] >= 20  # her edits; his may follow
    there = await load_logged_document(server_database_url, id_)
    assert str(there.get("text", type=Text)) == said["text"]
    written = {f"{name}{number}": number for name in "ab" for number in range(40)}
    assert there.get("map", type=Map).to_py() == said["map"] == written


LAUNCH = "# Launch\n\n- [ ] One\n- [x] Two\n\nEnd.\n"
CREATE = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } errors { code } } }"
CONTENT = "query ($id: ID!) { document(id: $id) { content { text } } }"


async def test_opening_a_checklist_in_stock_tiptap_deletes_nothing_and_editors_that_know_the_schema_edit(
    node: str, server_pair: Pair, ada: Client
) -> None:
    given = {"projectId": await create_team_and_project(ada), "title": "Launch", "content": LAUNCH}
    id_ = (await ada.run(CREATE, input=given))["documentCreate"]["document"]["id"]
    code, said = await run(node, "tiptap.mjs", sockets(server_pair)[0], id_, ada.token or "")
    assert code == 0, said
    report = json.loads(said)
    # A StarterKit drops the checklist when it opens the document: in its own copy, and nowhere else.
    assert report["shownToStock"] == "Typed by who may not.\n\nLaunch\n\nEnd."
    assert set(report["denied"]) == {"SCHEMA_REQUIRED"}
    assert report["stateless"] == [{"type": "SCHEMA_REQUIRED", "schemaVersion": 1, "unknown": ["taskItem", "taskList"]}]
    assert report["stockScopes"] == ["readonly"]
    assert report["announcedScopes"] == ["read-write", "read-write"]
    content = (await ada.run(CONTENT, id=id_))["document"]["content"]["text"]
    assert content == "Typed over Hocuspocus.\n\nTyped over y-websocket.\n\n" + LAUNCH
