"""Operators list, show, replay and drop what consumers gave up."""

import argparse
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from app.admin import add_arguments, run_dead_letters
from app.service_database import CannotStart
from domain.events import team_stream
from tests.support.server_process import running_process
from tests.support.teams import create_sample_team
from tests.support.workers import WorkerDatabase, recording_consumer
from workers.consumer import Batch, Consumer


async def is_broken(_: Batch) -> None:
    raise ValueError("it is broken")


async def run(database: WorkerDatabase, *words: str, consumer: Consumer) -> list[str]:
    """The lines that the command prints."""
    parser = argparse.ArgumentParser()
    add_arguments(parser.add_subparsers(dest="task"))
    settings = database.settings.model_copy(update={"database_url": database.url})
    arguments = parser.parse_args(["dead-letters", *words])
    return [line async for line in run_dead_letters(settings, arguments, consumers=[consumer])]


async def give_up(database: WorkerDatabase) -> tuple[str, list[UUID]]:
    """A team's stream of three events, each of which was given up, and the ids of the letters."""
    team = await create_sample_team(database.app)
    stream = team_stream(team.team.id)
    only_teams: dict[str, Any] = {"streams": frozenset({"team"}), "max_tries": 1}

    async def is_given_up() -> bool:
        return len(await database.dead_letters()) == len(
            [each for each in await database.events() if each[0].startswith("team:")]
        )

    async with database.worker(recording_consumer(fault=is_broken, **only_teams)):
        await database.wait_until(is_given_up)
    assert await database.effects() == []
    rows = await database.app.sql.fetch("SELECT id FROM dead_letters WHERE stream = $1 ORDER BY position", stream)
    return stream, [row[0] for row in rows]


async def test_replaying_does_it_once_and_deletes_the_letter(worker_database: WorkerDatabase) -> None:
    stream, (first, second, third) = await give_up(worker_database)
    mended = recording_consumer()

    listed = [line for line in await run(worker_database, "list", consumer=mended) if stream in line]
    assert [line.split()[0] for line in listed] == [str(first), str(second), str(third)]
    assert listed[0].endswith(f"recorder  {stream} at 1  1 tries: ValueError: it is broken")

    (shown,) = await run(worker_database, "show", str(second), consumer=mended)
    letter = orjson.loads(shown)
    assert (letter["stream"], letter["position"], letter["error"]) == (stream, 2, "ValueError: it is broken")
    assert UUID(letter["payload"]["id"]) == await worker_database.event_id(stream, 2)

    assert await run(worker_database, "replay", str(second), consumer=mended) == [f"{second} was replayed."]
    assert await worker_database.effects() == [(stream, 2)]
    with pytest.raises(CannotStart, match="1 of 1 could not be done"):
        await run(worker_database, "replay", str(second), consumer=mended)
    assert await worker_database.effects() == [(stream, 2)]

    assert await run(worker_database, "drop", str(third), consumer=mended) == [f"{third} was dropped."]
    await run(worker_database, "replay", "--name", "recorder", consumer=mended)
    assert await run(worker_database, "list", consumer=mended) == []
    assert await worker_database.effects(stream=stream) == [(stream, 2), (stream, 1)]


async def test_a_letter_that_fails_again_stays(worker_database: WorkerDatabase) -> None:
    _, (first, *_) = await give_up(worker_database)
    before = await worker_database.dead_letters()
    with pytest.raises(CannotStart):
        await run(worker_database, "replay", str(first), consumer=recording_consumer(fault=is_broken))
    with pytest.raises(CannotStart):
        await run(worker_database, "replay", str(first), consumer=recording_consumer("another"))
    with pytest.raises(CannotStart):
        await run(worker_database, "drop", str(uuid4()), consumer=recording_consumer())
    assert await worker_database.dead_letters() == before
    assert await worker_database.effects() == []


@pytest.mark.slow
async def test_the_command_is_there(worker_database: WorkerDatabase, tmp_path: Path) -> None:
    await give_up(worker_database)
    with running_process("admin", "dead-letters", "list", folder=tmp_path, database_url=worker_database.url) as listing:
        assert await listing.wait_for_exit() == 0, listing.output
        assert listing.output.count("it is broken") == len(await worker_database.dead_letters())
