"""Handles dead letters again, one at a time, when an operator asks for it."""

from collections.abc import Sequence
from uuid import UUID

from domain import codec
from domain.events import Entry
from persistence.workers import dead_letters
from workers.consumer import Batch, Consumer
from workers.job import open_work
from workers.services import WorkerServices


class CannotReplay(Exception):
    """A dead letter that is gone, or whose consumer is; the message says it in a line."""


async def replay(services: WorkerServices, consumers: Sequence[Consumer], letter_id: UUID) -> None:
    """
    Call the consumer of a dead letter with its event, or enqueue the job that it was, and delete the letter in the same
    transaction.

    Later events of the stream have been handled already. Raises CannotReplay, and what the consumer raises: then the letter
    stays.
    """
    by_name = {each.name: each for each in consumers}
    async with open_work(services) as work:
        letter = await dead_letters.lock(work.uow.connection, letter_id)
        if letter is None:
            raise CannotReplay("There is no such dead letter.")
        if letter.source == "job":
            await work.jobs.add(letter.name, letter.id, letter.payload)
        elif (consumer := by_name.get(letter.name)) is None:
            raise CannotReplay(f"There is no consumer {letter.name} any more: drop the dead letter.")
        else:
            entries = [codec.decode(Entry, letter.payload)]
            await consumer.handle(Batch(entries=entries, uow=work.uow, jobs=work.jobs, services=services))
        await dead_letters.delete(work.uow.connection, letter_id)
