"""A worker with a consumer that ends the process at one event, every time: `python -m tests.support.dying_worker URL FOLDER STREAM@POSITION`.

Another consumer records every event.
"""

import asyncio
import os
import signal
import sys
from typing import Any
from uuid import uuid4

from persistence.engine.database import open_database
from persistence.queue.postgres import PostgresQueue
from persistence.queue.sender import WakeUpSender
from tests.support.crashing_worker import Announcer
from tests.support.worker_effects import FAST_TIMINGS, INSERT_EFFECT
from workers.consumer import Batch, Consumer, Start
from workers.services import WorkerServices
from workers.worker import Worker, WorkerWiring


def recorder(name: str, deadly: tuple[str, int] | None) -> Consumer:
    """A consumer that inserts a row for each event, and ends the process at one of them."""

    async def record(batch: Batch) -> None:
        for entry in batch.entries:
            if (entry.stream, entry.position) == deadly:
                os._exit(3)
            await batch.uow.connection.raw.execute(INSERT_EFFECT, uuid4(), name, entry.id, entry.stream, entry.position)

    return Consumer(name=name, handle=record, streams=frozenset({"team", "user"}), start=Start.BEGINNING, max_batch=10)


async def main(url: str, deadly: tuple[str, int]) -> None:
    """Work until a signal ends the process, or the event does."""
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
            wake=sender.mark,
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
            consumers=[recorder("recorder", deadly), recorder("other", None)],
            jobs=[],
            schedules=[],
            duties=[],
            tasks=2,
        )
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with Worker.open(wiring, timings=FAST_TIMINGS):
            await stop.wait()


if __name__ == "__main__":
    stream, _, position = sys.argv[3].partition("@")
    asyncio.run(main(sys.argv[1], (stream, int(position))))
