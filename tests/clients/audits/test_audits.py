"""The audits of `graphql-http`: what the specification of GraphQL over HTTP asks of a server."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.support.sample_server import run_sample_server
from tests.support.server_process import ServerProcess

HERE = Path(__file__).parent


async def run(*command: str) -> tuple[int | None, str]:
    """A command's exit code and what it said, within a minute."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(60):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


@pytest.fixture(scope="module")
async def node() -> str:
    """Node, with the audits installed from the lock file."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("the audits need Node")
    if not (HERE / "node_modules" / "graphql-http").exists():
        code, said = await run(npm, "ci", "--no-audit", "--no-fund")
        if code != 0:
            pytest.skip(f"npm ci could not install the audits: {said[-300:]}")
    return node


async def test_all_61_audits_pass(node: str) -> None:
    async with run_sample_server() as server:
        code, said = await run(node, "audit.mjs", server.url)
    assert (code, said.strip()) == (0, "61 of 61 audits passed")


async def test_they_pass_on_the_real_server_too(node: str, server: ServerProcess) -> None:
    code, said = await run(node, "audit.mjs", f"{server.url}/graphql")
    assert (code, said.strip()) == (0, "61 of 61 audits passed")
