"""Heavy work on one document beside everything else: the process goes on, and nobody's edit is lost."""

import asyncio
import time
from typing import Any

import pycrdt
import pytest

from content import crdt
from content.text.markdown_parser import parse
from domain.document import ContentFormat, DocumentType
from domain.errors import LimitExceeded
from persistence.documents.rendering import render
from persistence.documents.worker_pool import WorkerPool
from tests.support.app import App
from tests.support.graph_actions import create_document, mutate
from tests.support.teams import SampleTeam, uuid_of
from tests.support.yjs_edits import append_paragraphs_update, append_to_log, document_state

pytestmark = pytest.mark.slow

READ = "query ($id: ID!) { document(id: $id) { content { text position } } }"
DIFF = "query ($id: ID!, $from: ID) { document(id: $id) { diff(fromVersionId: $from) { added removed } } }"


class LoopMonitor:
    """Beats every millisecond; `longest` is the longest time between two beats that the process itself took, in seconds."""

    def __init__(self) -> None:
        self.longest_block_seconds = 0.0

    async def run(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.001)
            self.longest_block_seconds = max(self.longest_block_seconds, time.thread_time() - began)


@pytest.mark.chaos  # its limits are times: it needs a machine that nobody else uses
async def test_work_on_a_document_of_a_hundred_kilobytes_holds_up_nobody(app: App, team: SampleTeam) -> None:
    text = "".join(
        f"Paragraph {number} of *many* words that say **nothing** at all, {number * 7}.\n\n" for number in range(1_500)
    )
    assert 90_000 < len(text) < 110_000
    heart = LoopMonitor()
    beating = asyncio.get_running_loop().create_task(heart.run())
    try:
        made = await create_document(app, team, content=text)
        position = (await app.run(team.member, READ, id=made["id"]))["document"]["content"]["position"]
        edited: Any = asyncio.get_running_loop().create_task(
            mutate(
                app,
                team.member,
                "documentEdit",
                "document { id }",
                id=made["id"],
                base=position,
                replaceAll=text.replace("many", "few"),
            )
        )
        await asyncio.sleep(0.3)
        assert heart.longest_block_seconds < 0.05
        data = append_paragraphs_update(await document_state(app, made), "Written meanwhile.")
        await asyncio.sleep(0.01)
        heart.longest_block_seconds = 0.0  # this test's own work is no request
        await append_to_log(app, uuid_of(made["id"]), data, team.member.user.id)
        assert (await edited)["errors"] == []
        said = (await app.run(team.member, READ, id=made["id"]))["document"]["content"]["text"]
        await app.run(team.member, DIFF, id=made["id"])
    finally:
        beating.cancel()
    assert said == text.replace("many", "few").strip() + "\n\nWritten meanwhile.\n"
    assert heart.longest_block_seconds < 0.05


async def test_what_takes_too_long_is_ended_and_the_next_job_is_done() -> None:
    async with WorkerPool.open(slots=1) as workshop:
        began = time.monotonic()
        with pytest.raises(LimitExceeded) as refused:
            await workshop.run(600, sum, range(10**12))
        assert refused.value.code == "LIMIT_EXCEEDED"
        assert refused.value.limit == 3
        assert time.monotonic() - began < 30
        assert (await workshop.run(600, parse, "*a*")).content[0].plain == "a"


async def test_what_takes_too_much_memory_is_ended() -> None:
    async with WorkerPool.open(slots=1) as workshop:
        with pytest.raises(LimitExceeded):
            await workshop.run(600, bytes, 3 * 1024**3)


async def test_what_a_job_raises_is_raised(app: App) -> None:
    async with WorkerPool.open(slots=1) as workshop:
        with pytest.raises(LimitExceeded) as refused:
            await workshop.run(600, render, DocumentType.SPREADSHEET, _wide(), (), ContentFormat.TEXT)
        assert (refused.value.limit, str(refused.value)) == (200_000, "A spreadsheet has at most 200000 cells.")
        with pytest.raises(RuntimeError, match="invalid literal"):
            await workshop.run(600, int, "x")


def _wide() -> bytes:
    grid = crdt.Doc()
    for name in ("columns", "rows"):
        grid.get(name, type=pycrdt.Array).extend([f"{name}{at}" for at in range(500)])
    return crdt.state(grid)
