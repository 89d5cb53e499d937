"""A worker that kills itself at a named point, once: `python -m tests.support.crashing_worker URL FOLDER POINT`.

It has a consumer `recorder` that writes a row for each event and enqueues a job for it, the jobs `letter`, each of which writes a
line to the file `sent` (an effect outside of Postgres) and records itself, and a schedule of every second. It opens no more than
these need, so that it starts quickly. `none` as the point: it works until it is ended.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from domain.events import Entry, derived_id
from persistence.engine.database import open_database
from persistence.queue.postgres import PostgresQueue
from persistence.queue.sender import WakeUpSender
from tests.support.worker_effects import FAST_TIMINGS, INSERT_EFFECT
from workers.consumer import Batch, Consumer, Start
from workers.job import JobKind, JobRun
from workers.schedule import Schedule, ScheduledRun
from workers.services import WorkerServices
from workers.worker import Worker, WorkerWiring

POINTS = (
    "consumer: claimed",
    "consumer: written",
    "consumer: committed",
    "job: claimed",
    "job: sent",
    "job: recorded",
    "job: committed",
    "schedule: written",
)


class Crash:
    """Kills the process when its point is reached for the first time."""

    def __init__(self, folder: Path, point: str) -> None:
        self._folder, self._point = folder, point

    def reached(self, point: str) -> None:
        """Die here, if this is the point."""
        marker = self._folder / point
        if point == self._point and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Announcer:
    """Is called after a commit that recorded events; here nobody watches."""

    async def announce(self, entry: Entry) -> None:
        """Nobody hears it."""


def program(folder: Path, crash: Crash) -> tuple[Consumer, JobKind, Schedule]:
    """What the worker does."""

    async def record(batch: Batch) -> None:
        crash.reached("consumer: claimed")
        for entry in batch.entries:
            await batch.uow.connection.raw.execute(INSERT_EFFECT, uuid4(), "recorder", entry.id, entry.stream, entry.position)
            await batch.jobs.add("letter", derived_id(entry.id, "letter"), {"stream": entry.stream, "position": entry.position})
        crash.reached("consumer: written")

    async def send_letter(run: JobRun) -> None:
        crash.reached("job: claimed")
        with (folder / "sent").open("a") as sent:
            sent.write(f"{run.id}\n")
        crash.reached("job: sent")
        async with run.complete() as work:
            await work.uow.connection.begin()
            values = (uuid4(), "letter", run.id, run.payload["stream"], run.payload["position"])
            await work.uow.connection.raw.execute(INSERT_EFFECT, *values)
            crash.reached("job: recorded")
        crash.reached("job: committed")

    async def tick(run: ScheduledRun) -> None:
        due = round(run.due_at.timestamp())
        await run.uow.connection.raw.execute(INSERT_EFFECT, uuid4(), "tick", None, "", due)
        crash.reached("schedule: written")

    return (
        Consumer(name="recorder", handle=record, streams=frozenset({"team", "user"}), start=Start.BEGINNING, max_batch=5),
        JobKind(kind="letter", handle=send_letter, timeout_seconds=1.0),
        Schedule(name="tick", handle=tick, every=timedelta(seconds=1)),
    )


async def main(url: str, folder: Path, point: str) -> None:
    """Work until a signal ends the process."""
    crash = Crash(folder, point)
    consumer, job, schedule = program(folder, crash)

    def wake(name: str) -> None:
        crash.reached("consumer: committed")  # what is enqueued wakes workers after the commit
        sender.mark(name)

    async with (
        open_database(url, max_connections=6) as database,
        PostgresQueue.open(url) as queue,
        WakeUpSender.open(queue) as sender,
    ):
        unused: Any = None
        services = WorkerServices(
            database=database,
            announcer=Announcer(),
            blobs=unused,
            document_objects=unused,
            document_contents=unused,
            compaction=unused,
            snapshots=unused,
            worker_pool=unused,
            wake=wake,
            public_url="",
            mailer=unused,
            notification_mails=unused,
            audit_seal=unused,
            audit_retention_days=0,
            outgoing=unused,
            webhook_secrets=unused,
            render_webhook=unused,
            notification_texts=unused,
            pusher=unused,
        )
        wiring = WorkerWiring(
            url=url,
            services=services,
            queue=queue,
            sender=sender,
            consumers=[consumer],
            jobs=[job],
            schedules=[schedule],
            duties=[],
            tasks=2,
        )
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with Worker.open(wiring, timings=FAST_TIMINGS):
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
