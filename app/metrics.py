"""Serves metrics in the format of Prometheus, on a port of its own.

They are read when they are scraped, where the server counts anyway: a request pays for adding to plain numbers
(`gateway.execution.metrics`), and nothing more where the port is off. A port of its own, since these numbers never belong on the
public address. A thread answers there, so that they can still be read while the event loop is busy; all that it reads are whole
numbers and lengths, each true by itself, though one may be a moment older than the next.

Every label has few values: kinds, codes of errors, and reasons that stand in our code (at most 32, the rest together as `other`).

Rejected: prometheus_client's global registry (two servers in one process would share it) and its multi-process mode (files that
workers write to at every request): each worker has a port.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from app.bootstrap import VERSION, Resources
from app.service_database import CannotStart
from app.settings import Settings
from gateway.endpoints import OpenConnections
from gateway.execution.executor import Executor
from gateway.execution.metrics import BUCKET_BOUNDS_SECONDS, Histogram
from persistence.engine.lru_cache import cache_usage
from workers.metrics import WorkerMetrics

_MAX_REASONS = 32


class MetricsCollector(Collector):
    """The metrics of one process; those of the application once it is registered."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._application: tuple[Executor, OpenConnections] | None = None

    def register_application(self, executor: Executor, connections: OpenConnections) -> None:
        """Collect the metrics of the application too."""
        self._application = executor, connections

    def collect(self) -> Iterator[Metric]:
        """Every metric as it stands now."""
        yield InfoMetricFamily("pantherahive", "The version of the server.", {"version": VERSION})
        if self._application is not None:
            yield from _execution_metrics(self._application[0])
            yield from _connection_metrics(self._application[1])
        yield from _storage_metrics(self._resources)
        yield from _cache_metrics()
        yield from _background_metrics(self._resources)
        yield from _thumbnail_metrics(self._resources)
        yield from _search_metrics(self._resources)
        yield from _worker_metrics(self._resources.worker_metrics)


@asynccontextmanager
async def serve_metrics(resources: Resources, settings: Settings) -> AsyncIterator[MetricsCollector]:
    """The metrics, served on their port during the block, if there is one. Raises CannotStart."""
    collector = MetricsCollector(resources)
    if settings.metrics_port is None:
        yield collector
        return
    registry = CollectorRegistry()
    for own in (ProcessCollector, GCCollector, PlatformCollector):
        own(registry=registry)
    registry.register(collector)
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as error:
        where = f"Port {settings.metrics_port} of {settings.metrics_host}"
        raise CannotStart(f"{where} cannot be used for metrics: {error.strerror}. Choose with HIVE_METRICS_PORT.") from error
    try:
        yield collector
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


def _execution_metrics(executor: Executor) -> Iterator[Metric]:
    took = HistogramMetricFamily(
        "pantherahive_operation_duration_seconds",
        "Time to run operations after parsing, and events of subscriptions.",
        labels=["kind"],
    )
    tally = executor.metrics
    kinds = ("query", tally.queries), ("mutation", tally.mutations), ("event", tally.events), ("group event", tally.group_events)
    for kind, durations in kinds:
        buckets, seconds = _cumulative_buckets(durations)
        took.add_metric([kind], buckets, seconds)
    yield took
    runs = CounterMetricFamily(
        "pantherahive_executions",
        "Operations and events by executor, and the reason where it was not a compiled program.",
        labels=["executor", "reason"],
    )
    counts = dict(executor.execution_counts)
    runs.add_metric(["compiled", ""], counts.pop("compiled", 0) + sum(tally.group_events.buckets))
    for reason, count in _limit_reasons(counts).items():
        runs.add_metric(["graphql-core", reason.removeprefix("fallback: ")], count)
    yield runs
    yield _counter_family(
        "pantherahive_errors",
        "Errors in responses, by code; those of mutations' payloads not counted.",
        "code",
        dict(tally.errors),
    )


def _connection_metrics(open_connections: OpenConnections) -> Iterator[Metric]:
    connections, operations = open_connections.websockets.open_counts()
    yield GaugeMetricFamily("pantherahive_websocket_connections", "Open websockets.", connections)
    yield GaugeMetricFamily("pantherahive_websocket_operations", "Operations on websockets, mostly subscriptions.", operations)
    yield GaugeMetricFamily(
        "pantherahive_websocket_queued_bytes",
        "Messages that wait to be written to websockets.",
        open_connections.websockets.queued_bytes(),
    )
    closes = {str(code): count for code, count in dict(open_connections.websockets.close_counts).items()}
    yield _counter_family("pantherahive_websocket_closes", "Websockets that the server closed.", "code", closes)
    yield GaugeMetricFamily("pantherahive_http_streams", "Subscriptions over HTTP.", open_connections.streams.open_count())


def _storage_metrics(resources: Resources) -> Iterator[Metric]:
    database, hub = resources.database, resources.services.hub
    in_use, waiting = database.pool_usage()
    streams, listeners = hub.stream_and_listener_counts()
    yield CounterMetricFamily("pantherahive_database_statements", "Statements run.", database.statements_run)
    yield CounterMetricFamily(
        "pantherahive_database_trips",
        "Trips to Postgres outside of transactions, with one statement or several.",
        database.round_trips,
    )
    yield GaugeMetricFamily("pantherahive_database_connections_lent", "Connections to Postgres in use.", in_use)
    yield GaugeMetricFamily(
        "pantherahive_database_connections_wanted", "Requests that wait for a connection to Postgres.", waiting
    )
    yield CounterMetricFamily(
        "pantherahive_database_connections_refused",
        "Connections that Postgres refused, having too many.",
        database.connections_refused,
    )
    yield GaugeMetricFamily("pantherahive_streams_followed", "Streams of changes that this process follows.", streams)
    yield GaugeMetricFamily("pantherahive_stream_listeners", "Listeners to streams in this process.", listeners)


def _background_metrics(resources: Resources) -> Iterator[Metric]:
    retries, compaction = resources.retries, resources.services.compaction
    failed = CounterMetricFamily(
        "pantherahive_background_failures", "Objects and turns of background jobs that failed.", labels=["job"]
    )
    failed.add_metric(["blob"], retries.blobs.failure_count)
    failed.add_metric(["stream"], retries.streams.failure_count)
    failed.add_metric(["document"], compaction.failure_count)
    for name, count in dict(retries.failed_turns).items():
        failed.add_metric([name], count)
    yield failed
    failing = GaugeMetricFamily(
        "pantherahive_background_failing",
        "Objects that failed when they were last tried, and are skipped for a while.",
        labels=["job"],
    )
    failing.add_metric(["blob"], len(retries.blobs))
    failing.add_metric(["stream"], len(retries.streams))
    failing.add_metric(["document"], compaction.failing_count)
    yield failing
    yield GaugeMetricFamily(
        "pantherahive_search_queue",
        "Objects whose words are to be learned or indexed, when that was last looked at.",
        retries.queue_lengths["search"],
    )


def _thumbnail_metrics(resources: Resources) -> Iterator[Metric]:
    counts = dict(resources.thumbnails.counts)
    yield _counter_family("pantherahive_thumbnails", "Thumbnails that were rendered, by what came of it.", "outcome", counts)


def _search_metrics(resources: Resources) -> Iterator[Metric]:
    if resources.search_engine is None:
        return
    from persistence.search.opensearch.search import OpenSearchSearch  # with its client

    search = resources.services.search
    if isinstance(search, OpenSearchSearch):
        counts = {"opensearch": search.counts.answered, "postgres": search.counts.degraded}
        yield _counter_family("pantherahive_searches", "Searches, by the index that answered.", "index", counts)


def _worker_metrics(worker: WorkerMetrics) -> Iterator[Metric]:
    consumers, jobs, schedules = dict(worker.consumers), dict(worker.jobs), dict(worker.schedules)
    counted = (
        (
            "consumer_entries",
            "consumer",
            "Events handled or passed over.",
            {name: each.entries for name, each in consumers.items()},
        ),
        (
            "consumer_failures",
            "consumer",
            "Failed calls for one event.",
            {name: each.failures for name, each in consumers.items()},
        ),
        ("consumer_dead_letters", "consumer", "Events given up.", {name: each.dead_letters for name, each in consumers.items()}),
        ("jobs_done", "kind", "Jobs that were done.", {name: each.done for name, each in jobs.items()}),
        ("job_failures", "kind", "Tries of a job that failed.", {name: each.failures for name, each in jobs.items()}),
        ("job_dead_letters", "kind", "Jobs given up.", {name: each.dead_letters for name, each in jobs.items()}),
        ("schedule_runs", "schedule", "Runs of a schedule.", {name: each.runs for name, each in schedules.items()}),
        ("schedule_failures", "schedule", "Runs that were undone.", {name: each.failures for name, each in schedules.items()}),
    )
    for name, label, documentation, counts in counted:
        yield _counter_family(f"pantherahive_{name}", documentation, label, counts)
    behind = ("consumer", "consumer", "events", dict(worker.lags)), ("job", "kind", "jobs", dict(worker.job_lags))
    for name, label, unit, lags in behind:
        waiting = GaugeMetricFamily(f"pantherahive_{name}_lag_{unit}", "Not done yet.", labels=[label])
        age = GaugeMetricFamily(f"pantherahive_{name}_lag_seconds", "Age of the oldest that is not done yet.", labels=[label])
        for value, lag in lags.items():
            waiting.add_metric([value], lag.events)
            age.add_metric([value], lag.seconds)
        yield from (waiting, age)
    yield GaugeMetricFamily("pantherahive_worker_leads", "Whether the leading worker runs here.", int(worker.leads))


def _cache_metrics() -> Iterator[Metric]:
    used = GaugeMetricFamily("pantherahive_cache_bytes", "Estimated bytes of a cache.", labels=["cache"])
    most = GaugeMetricFamily("pantherahive_cache_max_bytes", "Limit of a cache in bytes.", labels=["cache"])
    entries = GaugeMetricFamily("pantherahive_cache_entries", "Entries of a cache.", labels=["cache"])
    evictions = CounterMetricFamily("pantherahive_cache_evictions", "Entries dropped from a cache for others.", labels=["cache"])
    for name, usage in cache_usage().items():
        used.add_metric([name], usage.used_bytes)
        most.add_metric([name], usage.max_bytes)
        entries.add_metric([name], usage.entries)
        evictions.add_metric([name], usage.evictions)
    yield from (used, most, entries, evictions)


def _cumulative_buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Buckets as Prometheus wants them, each with all that is quicker, and the sum."""
    counts, seconds = tuple(histogram.buckets), histogram.total_seconds
    below, buckets = 0, []
    for bound, count in zip((*map(str, BUCKET_BOUNDS_SECONDS), "+Inf"), counts, strict=True):
        below += count
        buckets.append((bound, float(below)))
    return buckets, seconds


def _counter_family(name: str, documentation: str, label: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _limit_reasons(counts: Mapping[str, int]) -> dict[str, int]:
    """The first of them, and what the rest comes to."""
    few: dict[str, int] = {}
    for name, count in counts.items():
        known = name if len(few) < _MAX_REASONS else "other"
        few[known] = few.get(known, 0) + count
    return few
