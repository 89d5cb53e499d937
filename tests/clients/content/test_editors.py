"""TipTap and y-prosemirror read what we write as we do, and we read what they write: documents go both ways unharmed."""

import asyncio
import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from content import crdt, document_types, edit, guard
from content.text import markdown_parser, markdown_writer
from content.text.tree import Node, to_json
from domain.document.kind import DocumentType
from tests.support.document_trees import DOCUMENTS

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
TEXT = DocumentType.TEXT


async def run(*command: str, stdin: bytes = b"") -> tuple[int | None, bytes]:
    """A command's exit code and what it said on stdout, within a minute."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(60):
            answered, _ = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, answered


@pytest.fixture(scope="module")
async def node() -> str:
    """Node, with the editors installed from the lock file."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("the editors need Node")
    if not (HERE / "node_modules" / "yjs").exists():
        code, said = await run(npm, "ci", "--no-audit", "--no-fund")
        if code != 0:
            pytest.skip(f"npm ci could not install the editors: {said[-300:].decode()}")
    return node


async def run_editors(node: str, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    code, said = await run(node, "editor.mjs", stdin="".join(json.dumps(question) + "\n" for question in questions).encode())
    assert code == 0, said[-500:]
    return [json.loads(line) for line in said.decode().strip().split("\n")]


def to_base64(update: bytes) -> str:
    return base64.b64encode(update).decode()


def trees(count: int) -> list[Node]:
    """Trees that fit TipTap's schema, as all do that were read from Markdown: the same ones each time."""
    found: list[Node] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate], deadline=None)
    @given(DOCUMENTS)
    def collect(tree: Node) -> None:
        found.append(markdown_parser.parse(markdown_writer.to_markdown(tree)))

    collect()
    return found


async def test_they_read_what_we_write_as_we_do(node: str) -> None:
    several = [document_types.parse(TEXT, markdown_writer.to_markdown(tree)) for tree in trees(60)]
    questions = [
        {"update": to_base64(update), "tree": to_json(document_types.read_tree(crdt.load(update)))} for update in several
    ]
    answers = await run_editors(node, questions)
    assert [(one.get("same"), one.get("valid"), one.get("error")) for one in answers] == [(True, True, None)] * len(several)


async def test_we_read_what_they_write_as_they_do(node: str) -> None:
    written = await run_editors(node, [{"encode": to_json(tree)} for tree in trees(60)])
    updates = [base64.b64decode(one["update"]) for one in written]
    questions = [
        {"update": to_base64(update), "tree": to_json(document_types.read_tree(crdt.load(update, [])))} for update in updates
    ]
    assert all(guard.check(update).adds for update in updates)
    answers = await run_editors(node, questions)
    assert [(one.get("same"), one.get("valid"), one.get("error")) for one in answers] == [(True, True, None)] * len(updates)


async def test_they_read_what_we_edited_in_what_they_wrote(node: str) -> None:
    several = trees(50)
    written = await run_editors(node, [{"encode": to_json(tree)} for tree in several])
    states: list[bytes] = []
    for one, other in zip(written, reversed(several), strict=True):
        document = crdt.load(base64.b64decode(one["update"]))
        document.apply(edit.replace_all(TEXT, crdt.state(document), markdown_writer.to_markdown(other)))
        states.append(crdt.state(document))
    questions = [{"update": to_base64(state), "tree": to_json(document_types.read_tree(crdt.load(state)))} for state in states]
    answers = await run_editors(node, questions)
    assert [(one.get("same"), one.get("valid"), one.get("error")) for one in answers] == [(True, True, None)] * len(states)
