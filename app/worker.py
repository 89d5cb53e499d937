"""Runs a worker over open services: inside the server of `make run`, or as a process of its own.

The server of `make run` is one process, whose live changes are announced in memory: a worker beside it could not tell those who
watch of what it records, so it runs inside, with connections of its own, so that requests do not wait for it. Where several
processes serve, they have Redis, and the worker is a process of its own: the supervisor's child (`serve --workers`), or deployed
apart (`server.py worker`) beside `server.py api`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from app.bootstrap import Resources, open_resources
from app.gc_tuning import tune_gc
from app.service_database import open_database_url
from app.settings import Settings
from app.start_checks import require_migrated, require_places
from app.task_supervision import end_on_dead_task
from outgoing.safe_http import SafeHttpClient
from persistence.engine.database import Database, open_database
from workers.consumer import Consumer
from workers.consumers import CONSUMERS
from workers.consumers.webhooks import webhooks
from workers.job import JobKind
from workers.jobs import JOBS
from workers.schedule import Schedule
from workers.schedules import SCHEDULES
from workers.services import WorkerServices
from workers.timings import WorkerTimings
from workers.upkeep import UpkeepSettings, upkeep_duties
from workers.webhook_sender import MAX_CONNECTIONS
from workers.worker import Worker, WorkerWiring

_MAX_TASKS_PER_CONSUMER = 4


@asynccontextmanager
async def run_worker(
    resources: Resources,
    settings: Settings,
    url: str,
    *,
    consumers: Sequence[Consumer] = CONSUMERS,
    jobs: Sequence[JobKind] = JOBS,
    schedules: Sequence[Schedule] = SCHEDULES,
    timings: WorkerTimings | None = None,
) -> AsyncIterator[None]:
    """Work while this is open, then finish what is under way."""
    consumers = with_search(consumers, resources)
    connections = max(2, settings.database_connections // 2, len(consumers) + 1)
    tasks = min(_MAX_TASKS_PER_CONSUMER, (connections - 1) // max(1, len(consumers)))
    async with (
        open_database(url, max_connections=connections) as database,
        SafeHttpClient.open(resources.outgoing.rules, max_connections=MAX_CONNECTIONS) as outgoing,
    ):
        services = worker_services(resources, database, outgoing)
        upkeep = UpkeepSettings(
            event_retention_days=settings.event_retention_days, settle_seconds=settings.settle_seconds, url=url
        )
        wiring = WorkerWiring(
            url=url,
            services=services,
            queue=resources.queue,
            sender=resources.wake_ups,
            consumers=consumers,
            jobs=jobs,
            schedules=schedules,
            duties=upkeep_duties(services, consumers, upkeep, resources.retries),
            tasks=tasks,
            sends_webhooks=any(each is webhooks for each in consumers),
        )
        async with Worker.open(wiring, timings=timings, metrics=resources.worker_metrics):
            yield


def with_search(consumers: Sequence[Consumer], resources: Resources) -> Sequence[Consumer]:
    """The consumers, and, where there is an OpenSearch, the one that writes into it."""
    if resources.search_engine is None:
        return consumers
    from workers.consumers.search import index_objects  # with its client

    return (*consumers, index_objects)


def worker_services(resources: Resources, database: Database, outgoing: SafeHttpClient | None = None) -> WorkerServices:
    """What consumers may use, over these connections."""
    services = resources.services
    return WorkerServices(
        database=database,
        announcer=services.pubsub,
        blobs=services.blobs,
        document_objects=services.document_objects,
        document_contents=services.document_contents,
        compaction=services.compaction,
        snapshots=services.snapshots,
        worker_pool=services.workers,
        wake=resources.wake_ups.mark,
        public_url=services.public_url,
        mailer=resources.mailer,
        notification_mails=resources.notification_mails,
        audit_seal=resources.audit_seal,
        audit_retention_days=resources.audit_retention_days,
        outgoing=outgoing or resources.outgoing,
        webhook_secrets=services.webhook_secrets,
        render_webhook=partial(services.webhook_payloads.render, services),
        notification_texts=resources.notification_mails.texts,
        pusher=resources.pusher,
        search_engine=resources.search_engine,
    )


async def serve_worker(settings: Settings, *, on_ready: Callable[[], None]) -> None:
    """Be a worker in a process of its own, until SIGINT or SIGTERM. Raises CannotStart."""
    require_places(settings)
    with end_on_dead_task():
        async with open_database_url(settings) as url:
            await require_migrated(url)
            async with open_resources(settings, url) as resources, _metrics(resources, settings):
                tune_gc()
                async with run_worker(resources, settings, url):
                    on_ready()
                    await asyncio.Event().wait()


async def serve_as_worker_process(settings: Settings, ready_fd: int) -> None:
    """Be the worker beside several serving processes; `ready_fd` is the pipe through which it reports that it works."""

    def report() -> None:
        os.write(ready_fd, b"up")
        os.close(ready_fd)

    await serve_worker(settings, on_ready=report)


@asynccontextmanager
async def _metrics(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    if settings.metrics_port is None:
        yield
        return
    from app.metrics import serve_metrics  # its client takes a megabyte

    async with serve_metrics(resources, settings):
        yield
