"""Files over a real server's HTTP, and through a server whose files lie in a bucket."""

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from app.bootstrap import open_resources
from app.settings import Settings
from tests.support.app import App
from tests.support.blob_stores import ministack_store
from tests.support.graph_actions import mutation_text
from tests.support.secret_key import SECRET_KEY
from tests.support.server_process import Client, ServerProcess, register_user
from tests.support.teams import create_sample_team
from tests.support.uploads import ATTACHMENT_FIELDS, PNG, UPLOAD_TARGET_FIELDS, complete_upload, create_upload

CREATE = mutation_text("uploadCreate", f"attachment {{ {ATTACHMENT_FIELDS} }} {UPLOAD_TARGET_FIELDS}")
COMPLETE = mutation_text("uploadComplete", "attachment { state url }")
SIZE_BYTES = 20_000_000


@pytest.fixture
async def ada(server: ServerProcess) -> AsyncIterator[Client]:
    """Somebody who is signed in."""
    client = await register_user(server)
    yield client
    await client.close()


async def request_upload_target(ada: Client, content: bytes) -> tuple[str, Any]:
    """The id of a file to be, and where to send it."""
    given = {"fileName": "big.bin", "contentType": "application/octet-stream", "byteSize": len(content)}
    made = (await ada.run(CREATE, input=given | {"sha256": hashlib.sha256(content).hexdigest()}))["uploadCreate"]
    assert made["errors"] == []
    return made["attachment"]["id"], made["upload"]


@pytest.mark.slow
async def test_a_large_file_goes_in_and_comes_out_while_the_graph_answers(ada: Client) -> None:
    content = os.urandom(SIZE_BYTES)
    file_id, target = await request_upload_target(ada, content)
    async with httpx.AsyncClient(timeout=30) as http:
        headers = {each["name"]: each["value"] for each in target["headers"]}
        sending = asyncio.ensure_future(http.put(target["url"], content=content, headers=headers))  # noqa: TID251
        answered = 0
        while not sending.done():
            await ada.run("{ viewer { id } }")
            answered += 1
        assert (await sending).status_code == 200
        assert answered > 0
        payload = (await ada.run(COMPLETE, input={"id": file_id}))["uploadComplete"]
        assert payload["attachment"]["state"] == "READY"
        answer = await http.get(payload["attachment"]["url"])
        assert (answer.status_code, hashlib.sha256(answer.content).digest()) == (200, hashlib.sha256(content).digest())
        assert answer.headers["content-disposition"].startswith('attachment; filename="big.bin"')


async def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(ada: Client) -> None:
    content = b"x" * 100_000
    file_id, target = await request_upload_target(ada, content)
    parts = urlsplit(target["url"])
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/octet-stream\r\n"
    with socket.create_connection(("127.0.0.1", ada.server.port)) as connection:
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[:50_000])
        await asyncio.sleep(0.1)
    refused = (await ada.run(COMPLETE, input={"id": file_id}))["uploadComplete"]
    assert [each["message"] for each in refused["errors"]] == ["No file has arrived yet."]
    async with httpx.AsyncClient() as http:
        headers = {each["name"]: each["value"] for each in target["headers"]}
        until = asyncio.get_running_loop().time() + 5
        while (answer := await http.put(target["url"], content=content, headers=headers)).status_code == 503:
            assert asyncio.get_running_loop().time() < until, "the first attempt is noticed to be over in a moment"
            await asyncio.sleep(0.05)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/blobs/", "/blobs/attachments/x", "/blobs/..%2f..%2fetc%2fpasswd", "/blobs/%00"])
async def test_without_a_signature_there_is_nothing(server: ServerProcess, path: str) -> None:
    async with httpx.AsyncClient() as http:
        for method in ("GET", "HEAD", "PUT"):
            answer = await http.request(method, f"{server.url}{path}", content=b"" if method == "PUT" else None)
            assert answer.status_code == (400 if "%00" in path else 403)  # the server knows no such path at all
        unsigned = f"{server.url}/blobs/a?expires=soon&signature=%ff&name=x&type=y"
        assert (await http.get(unsigned)).status_code == 403


@pytest.mark.slow
async def test_files_go_to_a_bucket_past_the_server(server_database_url: str, tmp_path: Path) -> None:
    async with ministack_store(tmp_path) as storage:
        settings = Settings(database_connections=4, data_dir=tmp_path, secret_key=SecretStr(SECRET_KEY), blobs_url=storage.url)
        async with (
            open_resources(settings, server_database_url) as house,
            asyncpg.create_pool(server_database_url, min_size=0, max_size=1) as sql,
        ):
            app = App(house, sql)
            people = await create_sample_team(app)
            made = await create_upload(app, people.member, PNG, fileName="a.png", contentType="image/png")
            target, file_id = made["upload"], made["attachment"]["id"]
            bucket = urlsplit(storage.url).hostname
            assert urlsplit(target["url"]).path.startswith(f"/{bucket}/some/prefix/attachments/")
            headers = {each["name"]: each["value"] for each in target["headers"]}
            assert set(headers) == {"Content-Type", "If-None-Match"}
            assert (await storage.http.put(target["url"], content=PNG, headers=headers)).status_code == 200
            assert (await complete_upload(app, people.member, file_id))["attachment"]["state"] == "READY"
            url = await app.run(people.member, "query ($id: ID!) { node(id: $id) { ... on Attachment { url } } }", id=file_id)
            answer = await storage.http.get(url["node"]["url"])
            assert (answer.status_code, answer.content) == (200, PNG)
