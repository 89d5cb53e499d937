"""Does what operators ask for on the command line: looks through dead letters, and replays or drops them."""

import argparse
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import orjson

from app.bootstrap import open_resources
from app.service_database import CannotStart, open_database_url
from app.settings import Settings
from app.start_checks import require_migrated
from app.worker import with_search, worker_services
from domain import codec
from persistence.engine.database import Database, open_database
from persistence.workers import dead_letters
from persistence.workers.dead_letters import DeadLetter
from workers.consumer import Consumer
from workers.consumers import CONSUMERS
from workers.replay import CannotReplay, replay
from workers.services import WorkerServices

_PAGE_LETTERS: Final = 100
_START: Final = (datetime.min.replace(tzinfo=UTC), UUID(int=0))

_LIST: Final = "list the events and jobs that were given up"
_SHOW: Final = "show one, with its payload and error"
_REPLAY: Final = "have the consumer handle it again and delete it when that succeeds, or enqueue the job again"
_DROP: Final = "delete it"


def add_arguments(tasks: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The verb `dead-letters` and those below it."""
    letters = tasks.add_parser("dead-letters", help=_LIST, description=_LIST)
    actions = letters.add_subparsers(dest="action", metavar="action", required=True)
    listing = actions.add_parser("list", help=_LIST, description=_LIST)
    listing.add_argument("--name", help="of one consumer or kind of jobs only")
    for name, description in (("show", _SHOW), ("replay", _REPLAY), ("drop", _DROP)):
        action = actions.add_parser(name, help=description, description=description)
        which = action.add_mutually_exclusive_group(required=True)
        which.add_argument("id", nargs="?", type=UUID, help="the id that `list` shows")
        if name != "show":
            which.add_argument("--name", help="all of one consumer or kind of jobs")


async def run_dead_letters(
    settings: Settings, arguments: argparse.Namespace, *, consumers: Sequence[Consumer] = CONSUMERS
) -> AsyncIterator[str]:
    """Do it, and yield lines about it. Raises CannotStart where something could not be done."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(open_database_url(settings))
        await require_migrated(url)
        database = await stack.enter_async_context(open_database(url, max_connections=2))
        if arguments.action == "list":
            async for letter in _letters(database, arguments.name):
                yield _summary(letter)
            return
        services: WorkerServices | None = None
        if arguments.action == "replay":
            resources = await stack.enter_async_context(open_resources(settings, url))
            services, consumers = worker_services(resources, database), with_search(consumers, resources)
        ids = [arguments.id] if arguments.id else [each.id async for each in _letters(database, arguments.name)]
        failed = 0
        for letter_id in ids:
            try:
                if services is not None:
                    await replay(services, consumers, letter_id)
                    yield f"{letter_id} was replayed."
                elif arguments.action == "show":
                    yield await _show(database, letter_id)
                else:
                    yield await _drop(database, letter_id)
            except Exception as error:  # noqa: BLE001 (whatever a consumer raises: the letter stays, and the next may succeed)
                failed += 1
                yield f"{letter_id} stays: {type(error).__name__ if not str(error) else error}"
        if failed:
            raise CannotStart(f"{failed} of {len(ids)} could not be done.")


async def _letters(database: Database, name: str | None) -> AsyncIterator[DeadLetter]:
    after = _START
    while page := await dead_letters.find(database, name=name, after=after, size=_PAGE_LETTERS):
        for letter in page:
            yield letter
        after = page[-1].created_at, page[-1].id


async def _show(database: Database, letter_id: UUID) -> str:
    async with database.begin() as connection:
        letter = await dead_letters.lock(connection, letter_id)
    if letter is None:
        raise CannotReplay("There is no such dead letter.")
    return orjson.dumps(letter, default=codec.encode, option=orjson.OPT_INDENT_2).decode()


async def _drop(database: Database, letter_id: UUID) -> str:
    async with database.begin() as connection:
        if not await dead_letters.delete(connection, letter_id):
            raise CannotReplay("There is no such dead letter.")
    return f"{letter_id} was dropped."


def _summary(letter: DeadLetter) -> str:
    where = f"{letter.stream} at {letter.position}" if letter.stream else letter.source
    return f"{letter.id}  {letter.created_at:%Y-%m-%d %H:%M:%S}  {letter.name}  {where}  {letter.tries} tries: {letter.error}"
