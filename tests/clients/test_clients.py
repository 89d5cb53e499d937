"""The clients that front ends use, each driven against a real server: `make test-clients`.

The programs are in `programs/`, in JavaScript, and assert by themselves; here they are installed from the lock file, built
against `schema/schema.graphql`, and run beside servers over a real Postgres: one as it comes, and two that run trusted documents
only, of the manifests that the programs' own tools wrote.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from tests.support.server_process import ServerProcess, running_server

PROGRAMS = Path(__file__).parent / "programs"

pytestmark = pytest.mark.clients


@dataclass(frozen=True)
class Node:
    """Node, and what it runs in."""

    environment: dict[str, str]

    async def run(self, *command: str, timeout_seconds: float = 120.0, **extra_environment: str) -> str:
        """What a command said; it must succeed."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=PROGRAMS,
            env={**self.environment, **extra_environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(timeout_seconds):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, said.decode()
        return said.decode()


@pytest.fixture(scope="module")
async def node() -> Node:
    """Node with the clients, installed from the lock file where they are not, and built."""
    found, npm = shutil.which("node"), shutil.which("npm")
    assert found, "The clients need Node 20 or newer, with npm."
    assert npm, "The clients need npm."
    node = Node({"PATH": f"{Path(found).parent}:{Path(npm).parent}:/usr/bin:/bin", "HOME": str(Path.home()), "NO_COLOR": "1"})
    lock, installed = PROGRAMS / "package-lock.json", PROGRAMS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        await node.run(npm, "ci", "--no-audit", "--no-fund", "--prefer-offline", timeout_seconds=180)
        installed.touch()
    await node.run(npm, "run", "--silent", "build")
    return node


@dataclass(frozen=True)
class Servers:
    """Servers over one database."""

    plain: ServerProcess
    trusted_only: ServerProcess
    trusted_only_apollo: ServerProcess


@pytest.fixture(scope="module")
async def servers(node: Node, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """One server that runs anything, one for the documents of Relay and graphql-codegen, one for Apollo's."""
    folder = tmp_path_factory.mktemp("clients")
    persisted = [PROGRAMS / "relay/generated/persisted.json", PROGRAMS / "codegen/generated/persisted-documents.json"]
    manifest = folder / "manifest.json"
    manifest.write_bytes(
        orjson.dumps({name: text for path in persisted for name, text in orjson.loads(path.read_bytes()).items()})
    )
    apollo = PROGRAMS / "trusted/generated/manifest.json"
    # Tokens are for one issuer: who signs in at one of these servers is known to all.
    settings = {"database_url": database_url, "public_url": "https://hive.example.com"}
    async with (
        running_server(folder, **settings) as plain,
        running_server(folder, **settings, trusted_documents=manifest) as trusting,
        running_server(folder, **settings, trusted_documents=apollo) as trusting_apollo,
    ):
        yield Servers(plain, trusting, trusting_apollo)


@pytest.mark.parametrize(
    "program",
    [
        "apollo.test.mjs",
        "urql.test.mjs",
        "sockets.test.mjs",
        "legacy.test.mjs",
        "relay/relay.test.mjs",
        "trusted/trusted.test.mjs",
    ],
)
async def test_client(node: Node, servers: Servers, program: str) -> None:
    said = await node.run(
        "node",
        "--test",
        "--test-timeout=30000",
        program,
        HIVE_URL=servers.plain.url,
        HIVE_TRUSTING_URL=servers.trusted_only.url,
        HIVE_TRUSTING_APOLLO_URL=servers.trusted_only_apollo.url,
    )
    assert "# fail 0\n" in said
    assert "# skipped 0\n" in said


@pytest.mark.parametrize("program", ["codegen/codegen.test.mjs", "lint.test.mjs", "composition.test.mjs"])
async def test_tool(node: Node, program: str) -> None:
    said = await node.run("node", "--test", program)
    assert "# fail 0\n" in said
    assert "# skipped 0\n" in said
