"""A worker that kills itself at a named point of notifying by push, once: `python -m tests.support.crashing_push_worker URL FOLDER POINT`.

It has the product's consumer of notifications and its jobs of pushes, with points between their steps.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from domain.outgoing_url import OutgoingRules
from domain.push import PushMessage
from domain.push_device import PushDevice
from outgoing.safe_http import SafeHttpClient
from persistence.blobs.document_objects import DocumentObjects
from persistence.engine.database import open_database
from persistence.queue.postgres import PostgresQueue
from persistence.queue.sender import WakeUpSender
from push.web_push import WebPusher
from tests.support.crashing_worker import Announcer, Crash
from tests.support.worker_effects import FAST_TIMINGS
from workers.consumer import Batch, Consumer
from workers.consumers.notifications import notifications
from workers.job import JobKind, JobRun, Work
from workers.jobs.notification_push import notification_push
from workers.jobs.push import push, push_again
from workers.notification_texts import NotificationTexts
from workers.services import WorkerServices
from workers.worker import Worker, WorkerWiring

POINTS = (
    "consumer: written",
    "consumer: committed",
    "notification push: recorded",
    "push: claimed",
    "push: sent",
    "push: recorded",
)


class _CrashingRun(JobRun):
    """A try that may end before its outcome is committed."""

    def __init__(self, run: JobRun, on_recorded: Callable[[], None]) -> None:
        super().__init__(run._claimed, run.services)
        self._on_recorded = on_recorded

    @asynccontextmanager
    async def complete(self, *, objects: DocumentObjects | None = None) -> AsyncIterator[Work]:
        async with super().complete(objects=objects) as work:
            yield work
            await work.uow.flush_events()
            self._on_recorded()


class _CrashingPusher(WebPusher):
    """Sends, and may end then."""

    crash: Crash

    async def send(self, device: PushDevice, message: PushMessage) -> None:
        await super().send(device, message)
        self.crash.reached("push: sent")


def crashing_consumer(crash: Crash) -> Consumer:
    """The consumer of notifications, with its points."""

    async def handle(batch: Batch) -> None:
        crash.reached("consumer: claimed")
        await notifications.handle(batch)
        await batch.uow.flush_events()
        crash.reached("consumer: written")

    return replace(notifications, handle=handle)


def crashing_job(kind: JobKind, crash: Crash) -> JobKind:
    """A kind of jobs, with its points."""

    async def handle(run: JobRun) -> None:
        crash.reached(f"{kind.kind}: claimed")
        inner = _CrashingRun(run, lambda: crash.reached(f"{kind.kind}: recorded"))
        await kind.handle(inner)
        run.is_complete = inner.is_complete
        crash.reached(f"{kind.kind}: committed")

    return replace(kind, handle=handle)


async def main(url: str, folder: Path, point: str) -> None:
    """Work until the process is ended."""
    crash = Crash(folder, point)

    def wake(name: str) -> None:
        crash.reached("consumer: committed")  # what is enqueued wakes workers after the commit
        sender.mark(name)

    async with (
        open_database(url, max_connections=6) as database,
        PostgresQueue.open(url) as queue,
        WakeUpSender.open(queue) as sender,
        SafeHttpClient.open(OutgoingRules([ip_network("127.0.0.1")])) as http,
    ):
        unused: Any = None
        pusher = _CrashingPusher(http, ECKey.generate_key("P-256"), contact="mailto:hive@example.com")
        pusher.crash = crash
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
            notification_texts=NotificationTexts(app_url=None),
            pusher=pusher,
        )
        wiring = WorkerWiring(
            url=url,
            services=services,
            queue=queue,
            sender=sender,
            consumers=[crashing_consumer(crash)],
            jobs=[crashing_job(each, crash) for each in (notification_push, push, push_again)],
            schedules=[],
            duties=[],
            tasks=2,
        )
        async with Worker.open(wiring, timings=FAST_TIMINGS):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
