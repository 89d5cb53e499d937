"""The programs of `docs/sign-in.md` run as they stand there, against a real server: in a browser, on a phone, on a server, in a shell."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.browser_flow import consent, sign_in
from tests.support.oauth import CREATE
from tests.support.server_process import PASSWORD, Client, ServerProcess, register_user

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[2] / "docs" / "sign-in.md"
OAUTH4WEBAPI = "oauth4webapi@3.8.8"
TEAM = "mutation ($input: TeamCreateInput!) { teamCreate(input: $input) { team { id } errors { code } } }"
SHIMS = """
globalThis.sessionStorage = new Map();
sessionStorage.setItem = sessionStorage.set; sessionStorage.getItem = sessionStorage.get;
globalThis.location = { assign(address) { console.log(address); } };
const answered = new Promise((resolve) => process.stdin.once("data", (line) => resolve(line.toString().trim())));
"""
SPA = (
    SHIMS
    + """
const { signIn, finish } = await import("./program.mjs");
await signIn();
location.href = await answered;
console.log(JSON.stringify(await finish()));
process.exit(0);
"""
)
PHONE = (
    SHIMS
    + """
import { allowInsecureRequests } from "oauth4webapi";
const { signIn } = await import("./program.mjs");
const openBrowser = async (address) => { console.log(address); return answered; };
console.log(JSON.stringify(await signIn(openBrowser, { [allowInsecureRequests]: true })));
process.exit(0);
"""
)


def program(name: str, **values: str) -> str:
    """A program of the document, with the values of this test."""
    found = re.search(rf"^```\w+ {name}\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, name
    text = found[1]
    for placeholder, value in values.items():
        assert placeholder in text
        text = text.replace(placeholder, value)
    return text


@pytest.fixture
async def owner(server: ServerProcess) -> AsyncIterator[Client]:
    client = await register_user(server)
    yield client
    await client.close()


async def create_client(owner: Client, **fields: Any) -> Any:
    """A client of a new team, and its secret."""
    team = await owner.run(TEAM, input={"name": f"Team {uuid4()}", "key": f"D{uuid4().hex[:8].upper()}"})
    given = {"teamId": team["teamCreate"]["team"]["id"], "name": "App", "isPublic": True, "scopes": ["TASKS_READ"]}
    usual = {"redirectUris": [], "grants": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"]}
    payload = (await owner.run(CREATE, input=given | usual | fields))["oauthClientCreate"]
    assert payload["errors"] == []
    return payload


async def grant(server: ServerProcess, owner: Client, address: str) -> str:
    """Where a browser returns to after its owner has signed in and consented."""
    email = (await owner.run("{ viewer { email } }"))["viewer"]["email"]
    async with httpx.AsyncClient(base_url=server.url) as browser:
        page = await sign_in(browser, await browser.get(address), email, PASSWORD)
        return str((await consent(browser, page)).headers["location"])


async def run_node(folder: Path, harness: str, server: ServerProcess, owner: Client) -> Any:
    """What a program in JavaScript says at last, once its owner has done what it asked for."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("This needs Node.")
    (folder / "harness.mjs").write_text(harness)
    process = await asyncio.create_subprocess_exec(
        node,
        "harness.mjs",
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        async with asyncio.timeout(60):
            address = (await process.stdout.readline()).decode().strip()
            assert address.startswith("http"), (await process.communicate())[1].decode()
            process.stdin.write(((await grant(server, owner, address)) + "\n").encode())
            await process.stdin.drain()
            said, problem = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, problem.decode()
    return json.loads(said)


async def test_an_app_in_a_browser_signs_in(server: ServerProcess, owner: Client, tmp_path: Path) -> None:
    made = await create_client(owner, redirectUris=["https://app.example.com/callback"])
    values = {"https://hive.example.com": server.url, "CLIENT_ID": made["oauthClient"]["clientId"]}
    (tmp_path / "program.mjs").write_text(program("spa", **values))
    tokens = await run_node(tmp_path, SPA, server, owner)
    assert (tokens["scope"], tokens["token_type"]) == ("TASKS_READ", "Bearer")
    assert tokens["refresh_token"]


async def test_an_app_on_a_phone_signs_in_by_an_independent_client(server: ServerProcess, owner: Client, tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("This needs npm.")
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(tmp_path), OAUTH4WEBAPI]
    installing = await asyncio.create_subprocess_exec(
        *install, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    if await installing.wait():
        pytest.skip(f"npm does not give {OAUTH4WEBAPI}.")
    made = await create_client(owner, redirectUris=["com.example.app:/callback"])
    values = {"https://hive.example.com": server.url, "CLIENT_ID": made["oauthClient"]["clientId"]}
    (tmp_path / "program.mjs").write_text(program("phone", **values))
    tokens = await run_node(tmp_path, PHONE, server, owner)
    assert tokens["scope"] == "openid profile TASKS_READ"
    assert tokens["id_token"].count(".") == 2


async def test_a_server_acts_for_itself_by_authlib(server: ServerProcess, owner: Client, tmp_path: Path) -> None:
    made = await create_client(owner, isPublic=False, grants=["CLIENT_CREDENTIALS"])
    secret = made["secret"]
    text = program("server", **{"https://hive.example.com": server.url, '"CLIENT_ID"': f'"{made["oauthClient"]["clientId"]}"'})
    said = await run_python(tmp_path, text.replace('"CLIENT_SECRET"', f'"{secret}"'))
    assert said.strip() == "[]"


async def test_a_command_line_signs_in_over_the_loopback_interface(server: ServerProcess, owner: Client, tmp_path: Path) -> None:
    made = await create_client(owner, redirectUris=["http://127.0.0.1/callback"])
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/asked.part && mv {tmp_path}/asked.part {tmp_path}/asked\n')
    browser.chmod(0o700)
    values = {"https://hive.example.com": server.url, '"CLIENT_ID"': f'"{made["oauthClient"]["clientId"]}"'}
    text = program("cli", **values)
    running = asyncio.get_running_loop().create_task(run_python(tmp_path, text, BROWSER=f"{browser} %s"))
    async with asyncio.timeout(30):
        while not (tmp_path / "asked").exists():
            assert not running.done(), running.exception()
            await asyncio.sleep(0.02)
    async with httpx.AsyncClient() as http:
        closed = await http.get(await grant(server, owner, (tmp_path / "asked").read_text().strip()))
    assert closed.text == "You can close this page."
    assert (await running).strip() == "TASKS_READ"


async def run_python(folder: Path, text: str, **environment: str) -> str:
    """What a program in Python says."""
    (folder / "program.py").write_text(text)
    path = os.environ.get("PATH", "")  # noqa: TID251 (of a program that is not ours)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "program.py",
        cwd=folder,
        env={"PATH": path, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, problem = await process.communicate()
    assert process.returncode == 0, problem.decode()
    return said.decode()
