"""The programs of the guide run as they stand there, against a server with the data of the demo: start.md and the recipes.

A block that is labelled `output` is what the blocks before it write last; `…` stands for anything.
"""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.docs.test_code_blocks import ROOT, Block, blocks_of
from tests.support.server_process import ServerProcess, running_server
from tests.support.virtual_environment import install_environment

PROGRAMS = ROOT / "tests" / "clients" / "programs"
HIVE = "http://127.0.0.1:8000"
SIGN_IN = """
const answer = await fetch('%s/graphql', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    query: 'mutation { sessionCreate(input: {email: "demo@pantherahive.dev", password: "panthera-demo"}) { tokens { accessToken } } }',
  }),
})
const token = (await answer.json()).data.sessionCreate.tokens.accessToken
export const freshToken = async () => token
"""

IN_NODE = """
import WebSocket from 'ws'
globalThis.WebSocket ??= WebSocket
const { log } = console
console.log = (...words) => { log(...words); setTimeout(() => process.exit(0)) }
"""
"""What a page of a browser has, and an end after the first line."""


@pytest.fixture(scope="module")
async def demo(server_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server as `make run` starts it, on another port."""
    folder = tmp_path_factory.mktemp("demo")
    async with running_server(folder, data_dir=folder / "data", seed_size="demo") as server:
        yield server


async def run(*command: str, given: str, folder: Path) -> str:
    """What a program wrote to its standard output; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        out, errors = await process.communicate(given.encode())
    assert process.returncode == 0, errors.decode() + out.decode()
    return out.decode()


def assert_output(expected: Block, actual: str) -> None:
    """The end of what was written is as the page says."""
    wanted = expected.text.strip()
    if expected.language != "json":
        assert actual.strip().endswith(wanted)
        return
    values = [json.loads(each) for each in re.split(r"\n(?=\{)", wanted)]
    lines = [json.loads(line) for line in actual.strip().splitlines()[-len(values) :]]
    assert all(is_like(value, line) for value, line in zip(values, lines, strict=True)), actual


def is_like(pattern: object, value: object) -> bool:
    """Whether a value is that of a page, where "…" stands for anything but null."""
    match pattern, value:
        case "…", _:
            return value is not None
        case dict(), dict():
            return pattern.keys() == value.keys() and all(is_like(pattern[name], value[name]) for name in pattern)
        case list(), list():
            return len(pattern) == len(value) and all(map(is_like, pattern, value))
    return pattern == value


@pytest.mark.slow
@pytest.mark.parametrize("page", ["docs/start.md", "docs/recipes/curl.md"])
async def test_a_page_for_shells_does_what_it_says(demo: ServerProcess, page: str, tmp_path: Path) -> None:
    done: list[str] = []
    checked = 0
    for block in blocks_of(ROOT / page):
        text = block.text.replace(HIVE, demo.url)
        if block.language == "sh":
            done.append(text)
        elif block.label == "output":
            script = "set -eu\n" + "echo\n".join(done)
            assert_output(block, await run("bash", "-s", given=script, folder=tmp_path))
            checked += 1
    assert checked >= 2


@pytest.mark.slow
async def test_the_request_with_an_api_token_is_answered(demo: ServerProcess, tmp_path: Path) -> None:
    (block,) = [each for each in blocks_of(ROOT / "docs/tokens.md") if each.language == "sh"]
    first = blocks_of(ROOT / "docs/recipes/curl.md")[0].text.replace(HIVE, demo.url)
    script = f"{first}\nexport HIVE_TOKEN=$TOKEN HIVE\n{block.text}"
    assert len(json.loads(await run("bash", "-s", given=script, folder=tmp_path))["data"]["tasks"]["nodes"]) == 3


@pytest.mark.slow
async def test_the_program_that_uploads_a_file_does_what_it_says(demo: ServerProcess, tmp_path: Path) -> None:
    program, output = blocks_of(ROOT / "docs/files.md")
    first = blocks_of(ROOT / "docs/recipes/curl.md")[0].text.replace(HIVE, demo.url)
    task = "TASK=$(ask '{ tasks(first: 1) { nodes { id } } }' | pick \"['tasks']['nodes'][0]['id']\")"
    script = f"{first}\n{task}\nexport HIVE TOKEN TASK\npython3 - <<'PROGRAM'\n{program.text}\nPROGRAM\n"
    assert_output(output, await run("bash", "-s", given=script, folder=tmp_path))


@pytest.mark.clients
async def test_the_program_with_gql_does_what_it_says(demo: ServerProcess, tmp_path: Path) -> None:
    python = install_environment("docs", ROOT / "tests/docs/gql.lock")
    program, output = blocks_of(ROOT / "docs/recipes/python.md")
    assert_output(output, await run(str(python), "-", given=program.text.replace(HIVE, demo.url), folder=tmp_path))


@pytest.mark.clients
@pytest.mark.parametrize("page", ["apollo.md", "urql.md", "relay.md"])
async def test_a_program_for_node_does_what_it_says(demo: ServerProcess, page: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "The recipes need Node 20 or newer."
    (tmp_path / "node_modules").symlink_to(PROGRAMS / "node_modules")
    (tmp_path / "session.mjs").write_text(SIGN_IN % demo.url)
    blocks = blocks_of(ROOT / "docs/recipes" / page)
    (program,) = [each for each in blocks if each.language == "js"]
    (output,) = [each for each in blocks if each.label == "output"]
    (tmp_path / "program.mjs").write_text(IN_NODE + program.text.replace(HIVE, demo.url))
    assert_output(output, await run(node, "program.mjs", given="", folder=tmp_path))
